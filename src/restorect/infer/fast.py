"""Fast mode: a network sees the photograph at about a megapixel, and what it does is carried to full size.

Shapes: as those of `infer.subject`; the small photographs (B, 3, h, w).
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from restorect.infer.arrays import Image, sides_of
from restorect.infer.options import Options
from restorect.infer.subject import RowSubject, Subject, inside, subject_of
from restorect.nets.codes import Codes
from restorect.render.gain import GainMap
from restorect.render.restoration import Restoration
from restorect.render.rows import Rows
from restorect.render.small import small_sides


def fast_subject(network: Restoration, image: Image, device: torch.device, dtype: torch.dtype) -> Subject[Image]:
    """The photograph as it is to be restored in fast mode; arguments and errors as of `subject_of`."""
    sides = sides_of(image)
    if sides is None or small_sides(*sides) == sides:
        return subject_of(network, image, device, dtype)
    return FastSubject(network, image, device, dtype)


class FastSubject(RowSubject[Image]):
    """Photographs of which a network restores small ones.

    Args:
        network: that restores them.
        image: as it came, larger than a network is to see.
        device: of the network.
        dtype: of the arithmetic.
    """

    def __init__(self, network: Restoration, image: Image, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__(image, device)
        sides = small_sides(self._rows[0].height, self._rows[0].width)
        self._small = torch.cat([rows.then(inside).means(*sides) for rows in self._rows])
        self._inner = subject_of(network, self._small, device, dtype)

    def read(self) -> Codes:
        """See `Subject`."""
        return self._inner.read()

    def look(self, mean: Codes | None) -> None:
        """See `Subject`."""
        self._inner.look(mean)

    def _each(self, codes: Codes, options: Options, results: Sequence[NDArray[Any] | Tensor]) -> Iterator[Rows]:
        restored = self._inner.restored(codes, replace(options, strength=1.0))
        for rows, small, one in zip(self._rows, torch.split(self._small, 1), torch.split(restored, 1), strict=True):
            yield GainMap(small, one).carried(rows.then(inside))
