"""Blocks of one level in bands, and the ways between levels.

Shapes: map_HWC.
"""

from collections.abc import Iterable
from typing import cast

import torch
from torch import Tensor

from restorect.bands.attention import attend
from restorect.bands.convolve import convolve, weight_of
from restorect.bands.feed import feed
from restorect.bands.sums import Sums
from restorect.bands.tiling import Tiling, bands, empty_map
from restorect.nets.blocks import Block, BlockStack
from restorect.nets.transformer import Down, Up


def run_blocks(map_HWC: Tensor, blocks: BlockStack, z: Tensor, tiling: Tiling) -> Tensor:
    """The map behind all blocks of a level; the memory of the map given is used for others.

    Two maps are there at a time: x and the values v, then x and x behind the feed-forward net.
    """
    height, width, channels = map_HWC.shape
    other = empty_map(height, width, channels, map_HWC.device)
    sums = Sums()
    for first, last in bands(height, tiling.step(width, channels)):
        sums.add(map_HWC[first:last])
    for block in cast(Iterable[Block], blocks):
        matrix = attend(map_HWC, other, block, z, sums, tiling)
        sums = _add_attended(map_HWC, other, matrix, tiling)
        sums = feed(map_HWC, other, block, z, sums, tiling)
        map_HWC, other = other, map_HWC
    return map_HWC


def _add_attended(map_HWC: Tensor, values: Tensor, matrix: Tensor, tiling: Tiling) -> Sums:
    """Put x + v M in place of x, and give its sums."""
    height, width, channels = map_HWC.shape
    sums = Sums()
    for first, last in bands(height, tiling.step(width, 2 * channels)):
        pixels = map_HWC[first:last].view(-1, channels)
        mixed = values[first:last].view(-1, channels)
        if matrix.dtype == pixels.dtype:
            torch.addmm(pixels, mixed, matrix, out=pixels)
        else:
            pixels += mixed.to(matrix.dtype) @ matrix
        sums.add(pixels)
    return sums


def down(map_HWC: Tensor, layer: Down, tiling: Tiling) -> Tensor:
    """(H, W, C) to (H/2, W/2, 2C): a convolution to C/2 channels, then squares of four pixels folded."""
    height, width, channels = map_HWC.shape
    weight = weight_of(layer, tiling.dtype)
    out = empty_map(height // 2, width // 2, 2 * channels, map_HWC.device)
    for first, last in bands(height // 2, max(1, tiling.step(width, 2 * channels) // 2)):
        rows = convolve(lambda a, b: map_HWC[a:b], height, 2 * first, 2 * last, weight)
        squares = rows.reshape(last - first, 2, width // 2, 2, channels // 2).permute(0, 2, 4, 1, 3)
        out[first:last].view(last - first, width // 2, channels // 2, 2, 2).copy_(squares)
    return out


def up_rows(map_HWC: Tensor, weight: Tensor, first: int, last: int, out: Tensor) -> None:
    """Rows `first` to `last` of (H, W, C), a convolution to 2C channels unfolded to rows (2n, 2W, C/2) of another."""
    height, width, channels = map_HWC.shape
    rows = convolve(lambda a, b: map_HWC[a:b], height, first, last, weight)
    squares = rows.reshape(last - first, width, channels // 2, 2, 2).permute(0, 3, 1, 4, 2)
    out.view(last - first, 2, width, 2, channels // 2).copy_(squares)


def up(map_HWC: Tensor, layer: Up, tiling: Tiling, into: Tensor) -> None:
    """Write (2H, 2W, C/2) to a map, or to some of the channels of one."""
    height, width, channels = map_HWC.shape
    weight = weight_of(layer, tiling.dtype)
    for first, last in bands(height, tiling.step(width, 3 * channels)):
        up_rows(map_HWC, weight, first, last, into[2 * first : 2 * last])


def up_and_join(deep: Tensor, skip: Tensor, layer: Up, weight: Tensor, tiling: Tiling) -> Tensor:
    """A level's map, and beside it the one that came down, joined by a 1x1 convolution (C, 2C, 1, 1) to (H, W, C)."""
    height, width, channels = skip.shape
    up_weight, join = weight_of(layer, tiling.dtype), weight[:, :, 0, 0].t().contiguous().to(tiling.dtype)
    out = empty_map(height, width, channels, skip.device)
    for first, last in bands(len(deep), max(1, tiling.step(width, 4 * channels) // 2)):
        there = slice(2 * first, 2 * last)
        both = join.new_empty(2 * (last - first), width, 2 * channels)
        up_rows(deep, up_weight, first, last, both[..., :channels])
        both[..., channels:] = skip[there]
        out[there] = (both.view(-1, 2 * channels) @ join).view(-1, width, channels)
    return out
