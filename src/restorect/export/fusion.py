"""Fusion as a graph: `render.fusion`, with a lattice whose cells are found when the graph runs.

Shapes: images (1, 3, H, W) in [0, 1], sRGB-encoded.
"""

import torch
from torch import Tensor, nn

from restorect.render.fusion import LONGEST, FusionConfig, composed, measured
from restorect.render.pyramid import spline_weights


class FusionGraph(nn.Module):
    """A photograph and its restoration, both whole, to the fused one."""

    def __init__(self, config: FusionConfig) -> None:
        super().__init__()
        self.config = config

    def forward(self, image: Tensor, restored: Tensor) -> Tensor:
        """(1, 3, H, W) in [0, 1]; sides, and what follows of them, are tensors throughout."""
        photo, restored = image.clamp(0, 1), restored.clamp(0, 1)
        height, width = (torch.as_tensor(side) for side in image.shape[-2:])
        cell = self._cell(height, width)
        rows, columns = _means(height, cell), _means(width, cell)
        measures = torch.cat(measured(rows @ photo @ columns.T, rows @ restored @ columns.T, self.config), dim=1)
        down, across = _splines(height, cell, measures.shape[-2]), _splines(width, cell, measures.shape[-1])
        return composed(photo, restored, down @ (measures @ across.T))

    def _cell(self, height: Tensor, width: Tensor) -> Tensor:
        """As `render.fusion` has it for sides that are known."""
        even = ((height * width).double().sqrt() / self.config.cells).round().long()
        return torch.maximum(even, (torch.maximum(height, width) + LONGEST - 1) // LONGEST).clamp(min=1)


def _means(size: Tensor, cell: Tensor) -> Tensor:
    """Matrix (cells, size) to the means of cells of one side."""
    cells = torch.arange((size + cell - 1) // cell)  # type: ignore[call-overload]
    inside = (torch.arange(size) // cell == cells[:, None]).float()  # type: ignore[call-overload]
    means: Tensor = inside / inside.sum(dim=1, keepdim=True)
    return means


def _splines(size: Tensor, cell: Tensor, nodes: int) -> Tensor:
    """Matrix (size, nodes) from the nodes of one side to its pixels, as `splined` weights them.

    In a graph one product takes half the time of gathering each pixel's three nodes.
    """
    pixels, node = torch.arange(size), torch.arange(nodes)  # type: ignore[call-overload]
    weights, nearest = spline_weights((pixels.double() + 0.5) / cell - 0.5, (cell > 1).double())
    matrix = torch.zeros((), dtype=torch.float64)
    for offset, weight in weights:
        index = (nearest + offset).clamp(min=0).minimum(node[-1])
        matrix = matrix + weight[:, None] * (index[:, None] == node).double()
    return matrix.float()
