"""Codes and conditions of photos, encoded once and remembered: in stage 2b they change with the photo, not the crop.

Shapes: codes and conditions (B, 256).
"""

from collections.abc import Callable

import torch
from torch import Tensor

from restorect.data.batches import Batch
from restorect.nets.codes import Codes

Encode = Callable[[Batch], tuple[Codes, Codes]]


class CodeMemory:
    """The teacher's codes and the student's conditions by `Batch.keys`, on the device of the batches.

    It holds as long as the encoders are frozen and a key stands for one view. A batch without keys (each view is drawn
    anew) is encoded each time.
    """

    def __init__(self) -> None:
        self._rows: dict[int, int] = {}
        self._kept: list[Tensor] = []

    def __len__(self) -> int:
        return len(self._rows)

    def recall(self, batch: Batch, encode: Encode) -> tuple[Codes, Codes]:
        """(the teacher's codes, the student's conditions) of a batch; those not known yet are encoded and kept."""
        if batch.keys is None:
            return encode(batch)
        keys = batch.keys.tolist()
        unknown = [place for place, key in enumerate(keys) if key not in self._rows]
        if unknown:
            target, conditions = encode(batch.pick(unknown))
            for place, row in zip(unknown, torch.stack([*target, *conditions], dim=1), strict=True):
                self._rows[keys[place]] = len(self._kept)
                self._kept.append(row)
        rex, img, c_rex, c_img = torch.stack([self._kept[self._rows[key]] for key in keys]).unbind(dim=1)
        return Codes(rex, img), Codes(c_rex, c_img)
