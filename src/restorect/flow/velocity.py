"""The velocity net: which way a noisy code should move (RF; METHOD 7).

Shapes: x_t_BD noisy code, c_BD condition, t_B times, D = 256.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from restorect.configs import require


@dataclass(frozen=True, kw_only=True)
class VelocityConfig:
    """The shape of a velocity net.

    Attributes:
        width: of the residual MLP blocks.
        blocks: how many of them.
        frequencies: Fourier frequencies of the time, spaced geometrically from 1/4 to 16.
        skip: the noisy code has a way past the blocks, a(t) x_t. A net narrower than the code has no other way to take
            noise out of all its dimensions: the velocity x_1 - x_0 holds it in every one.
    """

    width: int = 256
    blocks: int = 3
    frequencies: int = 32
    skip: bool = False

    def __post_init__(self) -> None:
        require(0 < self.width <= 8192, f"a velocity net needs a width from 1 to 8192, not {self.width}")
        require(1 <= self.blocks <= 64, f"a velocity net needs at least 1 block and at most 64, not {self.blocks}")
        few = 2 <= self.frequencies <= 1024
        require(few, f"a velocity net needs at least 2 frequencies and at most 1024, not {self.frequencies}")


class TimeFeatures(nn.Module):
    """sin and cos of 2 pi f t for geometrically spaced frequencies f from 1/4 to 16."""

    frequencies: Tensor

    def __init__(self, count: int) -> None:
        super().__init__()
        exponents = torch.linspace(math.log(0.25), math.log(16.0), count)
        self.register_buffer("frequencies", exponents.exp(), persistent=False)

    def forward(self, t: Tensor) -> Tensor:
        """Times (B,) to features (B, 2 * count)."""
        angles = 2 * math.pi * t[:, None] * self.frequencies
        return torch.cat([angles.sin(), angles.cos()], dim=1)


class ResidualMLP(nn.Module):
    """x + Linear(SiLU(Linear(LayerNorm(x))))."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.first = nn.Linear(width, width)
        self.second = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, width) to the same."""
        return x + self.second(F.silu(self.first(self.norm(x))))  # type: ignore[no-any-return]


class VelocityNet(nn.Module):
    """v(x_t, c, t), with a linear last layer: velocities are unbounded. With `skip`, v + a(t) x_t.

    Args:
        size: D, of codes and conditions.
        config: width and depth.
    """

    def __init__(self, size: int, config: VelocityConfig) -> None:
        super().__init__()
        self.time = TimeFeatures(config.frequencies)
        self.input = nn.Linear(2 * size + 2 * config.frequencies, config.width)
        self.blocks = nn.Sequential(*(ResidualMLP(config.width) for _ in range(config.blocks)))
        self.output = nn.Linear(config.width, size)
        self.skip = nn.Linear(2 * config.frequencies, 1) if config.skip else None
        if self.skip is not None:  # begun at 0, a net that had no skip goes on as it was
            nn.init.zeros_(self.skip.weight)
            nn.init.zeros_(self.skip.bias)

    def forward(self, x_t: Tensor, t: Tensor, c: Tensor) -> Tensor:
        """Noisy code (B, D), times (B,) and condition (B, D) to the velocity (B, D)."""
        time = self.time(t)
        velocity: Tensor = self.output(self.blocks(self.input(torch.cat([x_t, c, time], dim=1))))
        return velocity if self.skip is None else torch.addcmul(velocity, self.skip(time), x_t)
