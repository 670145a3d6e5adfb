"""Codes of photos and what is seen of them, encoded once: in stage 2b they change with the photo, not the crop.

Shapes: codes (B, 256); seen (B, N), what the student's `look` gives.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from restorect.data.batches import Batch
from restorect.nets.blocks import CODE_SIZE
from restorect.nets.codes import Codes

Encode = Callable[[Batch], tuple[Codes, Tensor]]


class CodeMemory:
    """The teacher's codes and what the student sees by `Batch.keys`, on the device of the batches.

    It holds as long as the encoders are frozen and a key stands for one view. A batch without keys (each view is drawn
    anew) is encoded each time.
    """

    def __init__(self) -> None:
        self._rows: dict[int, int] = {}
        self._kept: list[Tensor] = []

    def __len__(self) -> int:
        return len(self._rows)

    def recall(self, batch: Batch, encode: Encode) -> tuple[Codes, Tensor]:
        """(the teacher's codes, what the student sees) of a batch; those not known yet are encoded and kept."""
        if batch.keys is None:
            return encode(batch)
        keys = batch.keys.tolist()
        unknown = [place for place, key in enumerate(keys) if key not in self._rows]
        if unknown:
            target, seen = encode(batch.pick(unknown))
            for place, row in zip(unknown, torch.cat([*target, seen], dim=1), strict=True):
                self._rows[keys[place]] = len(self._kept)
                self._kept.append(row)
        known = torch.stack([self._kept[self._rows[key]] for key in keys])
        rex, img, seen = known.tensor_split((CODE_SIZE, 2 * CODE_SIZE), dim=1)
        return Codes(rex, img), seen
