"""A block's widened maps, of which no more than a band is there at a time.

Shapes: map_HWC; rows (n, W, outputs).
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from restorect.bands.convolve import depthwise
from restorect.bands.folded_norm import Branch, FoldedNorm
from restorect.bands.tiling import Strip


class Widened:
    """Branches of 1x1 and depthwise convolution over one strip of a map, asked for band by band, top down.

    The last two widened rows of a band are carried into the next, so the halo costs no arithmetic downwards.

    Args:
        map_HWC: what is widened.
        strip: of its columns.
        norm: what stands before the branches.
        branches: all are computed for each band.
        step: most rows of a band.
    """

    def __init__(self, map_HWC: Tensor, strip: Strip, norm: FoldedNorm, branches: Sequence[Branch], step: int) -> None:
        self._map, self._norm, self._branches = map_HWC[:, strip.begin : strip.end], norm, branches
        width = strip.end - strip.begin
        # Rows -1 to step of a band: one more above and below.
        self._windows = [branch.weight.new_empty(step + 2, width, branch.weight.shape[1]) for branch in branches]
        for window in self._windows:
            window[0].zero_()
        self._known = self._last = 0

    def rows(self, first: int, last: int) -> list[Tensor]:
        """Rows `first` to `last` of each branch, the strip's halo included; `first` is where the last call ended."""
        height = len(self._map)
        upto = min(last + 1, height)
        self._carry(first)
        if upto > self._known:
            pixels = self._norm.pixels(self._map[self._known : upto])
            for branch, window in zip(self._branches, self._windows, strict=True):
                rows = window[self._known - first + 1 : upto - first + 1].view(-1, window.shape[2])
                torch.addmm(branch.bias, pixels[:, branch.channels], branch.weight, out=rows)
        if last == height:
            for window in self._windows:
                window[last - first + 1].zero_()
        self._known, self._last = upto, last - first
        pairs = zip(self._windows, self._branches, strict=True)
        return [depthwise(window[: last - first + 2], branch.kernel) for window, branch in pairs]

    def _carry(self, first: int) -> None:
        if first == 0:
            return
        for window in self._windows:
            carried = window[self._last : self._last + 2]
            window[:2] = carried.clone() if self._last < 2 else carried  # these would overlap
