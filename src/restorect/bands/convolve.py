"""3x3 convolutions of rows, by torch's kernels for channels that lie side by side.

Shapes: rows (n, W, C).
"""

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def depthwise(rows: Tensor, kernel: Tensor) -> Tensor:
    """Rows with one more above and below, (n + 2, W, C), by a kernel (C, 1, 3, 3) to (n, W, C)."""
    return _convolve(rows, kernel, groups=len(kernel))


def convolve(read: Callable[[int, int], Tensor], height: int, first: int, last: int, weight: Tensor) -> Tensor:
    """Rows `first` to `last` of the 3x3 convolution of a map.

    Args:
        read: gives rows of the map.
        height: of the map; beyond it are zeros.
        first: row.
        last: row, exclusive.
        weight: (outputs, inputs, 3, 3), whose type is that of the arithmetic.
    """
    begin, end = max(0, first - 1), min(height, last + 1)
    rows = read(begin, end).to(weight.dtype)
    if begin == first or end == last:
        rows = F.pad(rows, (0, 0, 0, 0, int(begin == first), int(end == last)))
    return _convolve(rows, weight, groups=1)


def weight_of(layer: nn.Module, dtype: torch.dtype) -> Tensor:
    """The weight of a convolution, or of the first layer of several, in the type of the arithmetic, channels last."""
    convolution = cast(nn.Conv2d, layer[0] if isinstance(layer, nn.Sequential) else layer)
    return convolution.weight.to(dtype).contiguous(memory_format=torch.channels_last)


def _convolve(rows: Tensor, weight: Tensor, groups: int) -> Tensor:
    # `permute(2, 0, 1)[None]` would be no channels-last for torch: its kernels for planes are more than twice as slow.
    planes = rows[None].permute(0, 3, 1, 2)
    return F.conv2d(planes, weight, None, 1, (0, 1), 1, groups).permute(0, 2, 3, 1)[0]
