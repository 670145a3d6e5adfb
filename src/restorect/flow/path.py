"""The straight path from noise to data (RF; METHOD 7).

Shapes: x_0_BD noise, x_1_BD data, t_B times in [0, 1] (0 noise, 1 data).
"""

from typing import NamedTuple

import torch
from torch import Tensor

from restorect.devices import sent


class PathSample(NamedTuple):
    """A point of the path (B, D), its time (B,) and the velocity there (B, D)."""

    x_t: Tensor
    t: Tensor
    velocity: Tensor


def straight_path(x_0: Tensor, x_1: Tensor, t: Tensor) -> PathSample:
    """x_t = (1 - t) x_0 + t x_1 with velocity x_1 - x_0.

    Args:
        x_0: noise (B, D).
        x_1: data (B, D).
        t: times (B,) in [0, 1].
    """
    share = t[:, None]
    return PathSample((1 - share) * x_0 + share * x_1, t, x_1 - x_0)


def draw_noise(batch: int, size: int, generator: torch.Generator, device: torch.device | str = "cpu") -> Tensor:
    """Standard normal noise (batch, size), drawn where the generator lives and moved to `device`."""
    return sent(torch.randn(batch, size, generator=generator, device=generator.device), device)


def draw_times(batch: int, generator: torch.Generator, device: torch.device | str = "cpu") -> Tensor:
    """Continuous times (batch,), uniform in [0, 1)."""
    return sent(torch.rand(batch, generator=generator, device=generator.device), device)


def estimate_end(x_t: Tensor, t: Tensor, velocity: Tensor) -> Tensor:
    """One-step estimate of the data from a point of the path: x_t + (1 - t) v, shape (B, D)."""
    return x_t + (1 - t)[:, None] * velocity
