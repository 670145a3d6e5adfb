"""Small untrained nets whose every part shows, and tilings that cut small maps."""

from typing import TypeVar

import torch
from torch import nn

from restorect.bands.tiling import Tiling

Net = TypeVar("Net", bound=nn.Module)


def lively(net: Net) -> Net:
    """The net with noise on all weights: what begins at zero or one is not left there."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in net.parameters():
            inputs = parameter[0].numel() if parameter.ndim > 1 else 16
            parameter += torch.randn(parameter.shape, generator=generator) * 0.5 / inputs**0.5
    return net.eval().requires_grad_(False)


def cut(rows: int, columns: int = 10_000, *, bytes: int = 1) -> Tiling:
    """Pieces of so many rows and about so many columns, bands of full width of a row or little more."""
    return Tiling(bytes=bytes, rows=rows, columns=columns)


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    """Standard normal numbers."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def photo(height: int, width: int, seed: int = 0) -> torch.Tensor:
    """(1, 3, H, W) in [0, 1], darker on the left than on the right, with grain."""
    ramp = torch.linspace(0.05, 0.8, width).expand(1, 3, height, width)
    return (ramp + 0.1 * noise(1, 3, height, width, seed=seed)).clamp(0, 1)
