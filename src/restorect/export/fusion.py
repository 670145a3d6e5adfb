"""Fusion as a graph: `render.fusion`, with a lattice whose cells are found when the graph runs.

Shapes: images (1, 3, H, W) in [0, 1], sRGB-encoded.
"""

import torch
from torch import Tensor, nn

from restorect.render.fusion import LONGEST, FusionConfig, composed, measured
from restorect.render.pyramid import splined_at


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
        bend = (cell > 1).double()
        wide = splined_at(measures, -1, _places(width, cell), bend)
        return composed(photo, restored, splined_at(wide, -2, _places(height, cell), bend))

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


def _places(size: Tensor, cell: Tensor) -> Tensor:
    """Where the pixels of one side lie, counted in nodes."""
    pixels = torch.arange(size)  # type: ignore[call-overload]
    places: Tensor = (pixels.double() + 0.5) / cell - 0.5
    return places
