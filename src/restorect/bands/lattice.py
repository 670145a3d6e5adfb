"""Taking the lattice away from folded rows as they come; see `nets.lattice`, which does so for a whole map.

Shapes: folded rows (1, C s^2, n, w), s = `stem`; cells (nh, nw).
"""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

from restorect.nets.lattice import cells_of, lattice_of


class Unlattice:
    """Rows wait until the means of the cells around them are known, which are those of 6 x 6 squares.

    Args:
        channels: of the folded rows.
        height: of the map.
        width: of the map.
        stem: pixels of a square a side.
        device: of the rows.
    """

    def __init__(self, channels: int, height: int, width: int, stem: int, device: torch.device) -> None:
        self._shape, self._stem, self._cells = (height, width), stem, cells_of(height, width)
        count = self._cells[0]
        # Windows of area means: cell i is the mean of these rows.
        self._windows = [(i * height // count, -(-(i + 1) * height // count)) for i in range(count)]
        self._means = torch.zeros(1, channels, *self._cells, device=device)
        self._known = 0  # cells
        self._narrow: list[Tensor] = []  # rows, each cell's columns averaged
        self._narrow_from = 0
        self._waiting: list[tuple[int, Tensor]] = []
        # Bilinear weights, as torch has them without aligned corners.
        place = ((torch.arange(height, dtype=torch.float32) + 0.5) * (count / height) - 0.5).clamp(min=0)
        self._upper = place.floor().long()
        self._lower = (self._upper + 1).clamp(max=count - 1)
        self._share = (place - self._upper).view(-1, 1).to(device)

    def take(self, first: int, folded: Tensor) -> Iterator[tuple[int, Tensor]]:
        """Take rows from `first` on in, and give those, without their lattice, that are ready by now."""
        self._waiting.append((first, folded))
        self._narrow.append(F.adaptive_avg_pool2d(folded, (folded.shape[2], self._cells[1])))
        self._average(first + folded.shape[2])
        while self._waiting and self._needs(*self._waiting[0]) <= self._known:
            first, folded = self._waiting.pop(0)
            yield first, folded - self._lattice(first, first + folded.shape[2])

    def _average(self, there: int) -> None:
        """The means of all cells whose rows are there."""
        ready = [window for window in self._windows[self._known :] if window[1] <= there]
        if not ready:
            return
        narrow = torch.cat(self._narrow, dim=2)
        for begin, end in ready:
            rows = narrow[:, :, begin - self._narrow_from : end - self._narrow_from]
            self._means[:, :, self._known] = rows.mean(dim=2)
            self._known += 1
        kept = self._windows[self._known][0] if self._known < len(self._windows) else there
        self._narrow, self._narrow_from = [narrow[:, :, kept - self._narrow_from :]], kept

    def _needs(self, first: int, folded: Tensor) -> int:
        """How many cells must be known for rows: one more than they touch, for the slope."""
        return min(int(self._lower[first + folded.shape[2] - 1]) + 2, self._cells[0])

    def _lattice(self, first: int, last: int) -> Tensor:
        """Of rows, (1, C s^2, n, w)."""
        upper, lower = self._upper[first:last], self._lower[first:last]
        begin, end = max(0, int(upper[0]) - 1), min(self._cells[0], int(lower[-1]) + 2)
        lattice = lattice_of(self._means[:, :, begin:end], self._shape, self._stem, self._cells)
        device = lattice.device
        above, below = (lattice[:, :, (index - begin).to(device)] for index in (upper, lower))
        rows = torch.lerp(above, below, self._share[first:last])
        return F.interpolate(rows, (last - first, self._shape[1]), mode="bilinear", align_corners=False)
