"""The two codes that modulate the transformer.

Shapes: z_BD, D = 256.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from restorect.flow.path import draw_noise
from restorect.nets.blocks import CODE_SIZE


class Codes(NamedTuple):
    """The Retinex code and the image code, each (B, 256); also their noise, conditions or velocities."""

    rex: Tensor
    img: Tensor

    def stacked(self) -> Tensor:
        """Both as one tensor (B, 512)."""
        return torch.cat([self.rex, self.img], dim=1)

    def detached(self) -> "Codes":
        """The same numbers, with no gradient."""
        return Codes(self.rex.detach(), self.img.detach())


def noise_codes(batch: int, generator: torch.Generator, device: torch.device | str = "cpu") -> Codes:
    """Standard normal codes, the start of the flow."""
    return Codes(draw_noise(batch, CODE_SIZE, generator, device), draw_noise(batch, CODE_SIZE, generator, device))


def mean_codes(batch: int, device: torch.device | str = "cpu") -> Codes:
    """Zero codes, the "mean" start of the flow."""
    return Codes(torch.zeros(batch, CODE_SIZE, device=device), torch.zeros(batch, CODE_SIZE, device=device))
