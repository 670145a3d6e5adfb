"""The gated feed-forward net of a block in bands: its hidden maps are never whole.

Shapes: map_HWC.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from restorect.bands.folded_norm import FoldedNorm
from restorect.bands.sums import Sums
from restorect.bands.tiling import Tiling, bands, strips
from restorect.bands.widened import Widened
from restorect.nets.blocks import Block

_MULTIPLE = 16  # of hidden channels: 127 take twice as long as 128


def feed(map_HWC: Tensor, into: Tensor, block: Block, z: Tensor, sums: Sums, tiling: Tiling) -> Sums:
    """Write x + FFN(norm(x), z) to another map, and give its sums.

    Args:
        map_HWC: x.
        into: takes the result; not x itself, whose rows a neighbouring piece still needs.
        block: with its norm.
        z: the code (1, 256).
        sums: of x.
        tiling: of the pieces.
    """
    (height, width, channels), net = map_HWC.shape, block.feed
    norm = FoldedNorm(block.norm_feed, 1 + net.modulation.weight(z)[0], sums, tiling.dtype)
    halves = zip(net.widen.weight.chunk(2), net.mix.weight.chunk(2), strict=True)
    branches = [norm.branch(weight, kernel, slice(None), _MULTIPLE) for weight, kernel in halves]
    narrow = net.narrow.weight[:, :, 0, 0].t()
    narrow = F.pad(narrow, (0, 0, 0, -len(narrow) % _MULTIPLE)).contiguous().to(tiling.dtype)
    step, columns = tiling.tile(height, width, 2 * len(narrow))
    written = Sums()
    for strip in strips(width, columns):
        widened, there = Widened(map_HWC, strip, norm, branches, step), slice(strip.first, strip.last)
        for first, last in bands(height, step):
            a, b = widened.rows(first, last)
            hidden = torch.ops.aten.gelu_(a).mul_(b)
            added = (hidden.reshape(-1, len(narrow)) @ narrow).view(last - first, -1, channels)[:, strip.own]
            rows = torch.add(map_HWC[first:last, there], added, out=into[first:last, there])
            written.add(rows)
    return written
