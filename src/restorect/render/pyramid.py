"""A coarse lattice over a photograph, and pyramids on it: linear maps of one side at a time, as small matrices.

Shapes: images (B, C, H, W); lattices (B, C, h, w), h = ceil(H / cell); matrices (out, in). Borders are reflected.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from restorect.nets.padding import reflect_index

_BINOMIAL = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)


def cell_means(image_BCHW: Tensor, cell: int) -> Tensor:
    """The mean of each cell of `cell` x `cell` pixels; of those that hang over the border, of what is there."""
    return F.avg_pool2d(image_BCHW, cell, ceil_mode=True)


def splined(nodes_BChw: Tensor, dim: int, cell: int, pixels: range) -> Tensor:
    """Pixels of one side from its nodes, the middles of cells, by quadratic B-splines: no kinks.

    Args:
        nodes_BChw: values of the nodes.
        dim: the side, -2 or -1.
        cell: pixels of a cell; with 1 pixels are nodes, and come back as they are.
        pixels: which pixels.
    """
    if cell == 1:
        return nodes_BChw.narrow(dim, pixels.start, len(pixels))
    middles = torch.arange(pixels.start, pixels.stop, dtype=torch.float64) + 0.5
    weights, nearest = spline_weights(middles / cell - 0.5)
    index = nearest.to(nodes_BChw.device)
    parts = (
        nodes_BChw.index_select(dim, (index + offset).clamp(min=0).clamp(max=nodes_BChw.shape[dim] - 1)).mul_(
            weight.to(nodes_BChw).view(-1, *[1] * (-1 - dim))
        )
        for offset, weight in weights
    )
    result = next(parts)
    for part in parts:
        result += part
    return result


def spline_weights(place: Tensor, bend: Tensor | float = 1.0) -> tuple[tuple[tuple[int, Tensor], ...], Tensor]:
    """The weights of the nodes around any places of one side, counted in nodes.

    Args:
        place: float64, (n,).
        bend: 1 for the spline; 0 takes the nearest node.

    Returns:
        three weights (n,) with the node each is for, counted from the nearest one, and the nearest ones, (n,).
    """
    nearest = place.round()
    t = place - nearest  # from -1/2 to 1/2
    weights = ((-1, bend * (0.5 - t) ** 2 / 2), (0, 1 - bend * (0.25 + t * t)), (1, bend * (0.5 + t) ** 2 / 2))
    return weights, nearest.long()


def halving(size: int, like: Tensor) -> Tensor:
    """Matrix from `size` nodes to every second of them, weighted 1 4 6 4 1 (Burt and Adelson, 1983)."""
    return _binomial(size)[::2].to(like)


def doubling(size: int, like: Tensor) -> Tensor:
    """Matrix back from every second node to `size` of them: those between from two, the others from three."""
    spread = _binomial(size)[:, ::2]
    return (spread / spread.sum(dim=1, keepdim=True)).to(like)


def _binomial(size: int) -> Tensor:
    """The same weights around each of `size` nodes."""
    around = torch.arange(size)[:, None] + torch.arange(5) - 2
    index = reflect_index(size, size + 2)[around.abs()]
    weights = torch.tensor(_BINOMIAL, dtype=torch.float64).expand(size, 5)
    return torch.zeros(size, size, dtype=torch.float64).scatter_add_(1, index, weights)


def mapped(rows: Tensor, image_BCHW: Tensor, columns: Tensor) -> Tensor:
    """An image under one matrix for its rows and one for its columns."""
    return rows @ image_BCHW @ columns.T


def smaller(image_BCHW: Tensor) -> Tensor:
    """The next coarser level of a pyramid."""
    height, width = image_BCHW.shape[-2:]
    return mapped(halving(height, image_BCHW), image_BCHW, halving(width, image_BCHW))


def larger(image_BCHW: Tensor, like: Tensor) -> Tensor:
    """A level of a pyramid at the size of `like`, the next finer level."""
    height, width = like.shape[-2:]
    return mapped(doubling(height, image_BCHW), image_BCHW, doubling(width, image_BCHW))
