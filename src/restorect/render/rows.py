"""Images that are read by rows, so that none need be whole in memory.

Shapes: rows (1, C, n, W).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

_PIXELS = 200_000  # of a band: a few MB


@dataclass(frozen=True)
class Rows:
    """An image that is made when it is asked for.

    Attributes:
        height: in pixels.
        width: in pixels.
        read: gives rows `first` to `last` (exclusive), (1, C, n, W); what reads them does not change them.
    """

    height: int
    width: int
    read: Callable[[int, int], Tensor]

    @classmethod
    def of(cls, image: Tensor) -> "Rows":
        """An image (1, C, H, W) that is there."""
        return cls(image.shape[2], image.shape[3], lambda first, last: image[:, :, first:last])

    def then(self, change: Callable[[Tensor], Tensor]) -> "Rows":
        """The image with each pixel changed by itself."""
        return Rows(self.height, self.width, lambda first, last: change(self.read(first, last)))

    def whole(self) -> Tensor:
        """(1, C, H, W)."""
        return self.read(0, self.height)

    def bands(self) -> Iterator[tuple[int, int]]:
        """First and last (exclusive) rows of bands, top down, that are read at a time."""
        step = max(1, _PIXELS // self.width)
        for first in range(0, self.height, step):
            yield first, min(self.height, first + step)

    def view(self, side: int) -> Tensor:
        """(1, C, side, side), as `nets.thumbnail.view_of` makes it of the whole."""
        return self.means(side, side)

    def means(self, height: int, width: int) -> Tensor:
        """(1, C, height, width), each pixel the mean of the area that it covers: such means are separable."""
        narrow = [F.adaptive_avg_pool2d(self.read(a, b), (b - a, width)) for a, b in self.bands()]
        return F.adaptive_avg_pool2d(torch.cat(narrow, dim=2), (height, width))
