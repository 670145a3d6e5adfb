"""Random draws of the simulators: every one through an explicit generator, so that a seed fixes the bytes."""

import math

import torch
from torch import Tensor

from restorect.configs import require

Range = tuple[float, float]
"""Lowest and highest value of a drawn parameter, both allowed."""


def check_range(name: str, given: Range, lowest: float, highest: float) -> None:
    """Raise `ConfigError` unless `lowest <= given[0] <= given[1] <= highest`."""
    low, high = given
    require(
        lowest <= low <= high <= highest,
        f"{name}: give two rising values between {lowest:g} and {highest:g}, got [{low:g}, {high:g}]",
    )


def uniform(generator: torch.Generator, bounds: Range) -> float:
    """One number, uniform between the bounds."""
    low, high = bounds
    return low + (high - low) * torch.rand((), generator=generator, dtype=torch.float64).item()


def log_uniform(generator: torch.Generator, bounds: Range) -> float:
    """One positive number whose logarithm is uniform between those of the bounds."""
    return math.exp(uniform(generator, (math.log(bounds[0]), math.log(bounds[1]))))


def normal(generator: torch.Generator, mean: float, deviation: float) -> float:
    """One number from the normal distribution."""
    return mean + deviation * torch.randn((), generator=generator, dtype=torch.float64).item()


def integer(generator: torch.Generator, bounds: tuple[int, int]) -> int:
    """One whole number between the bounds, both included."""
    return int(torch.randint(bounds[0], bounds[1] + 1, (), generator=generator).item())


def chance(generator: torch.Generator, probability: float) -> bool:
    """Whether an event of this probability happens."""
    return uniform(generator, (0.0, 1.0)) < probability


def noise_like(image: Tensor, generator: torch.Generator) -> Tensor:
    """Standard normal noise of the image's shape, device and dtype.

    The generator lives on the CPU. For an image elsewhere it seeds a generator of that device, because copying noise
    is slow: the same seed gives the same bytes on one kind of device, not across kinds.
    """
    if image.device.type == "cpu":
        return torch.randn(image.shape, generator=generator, dtype=image.dtype)
    there = torch.Generator(image.device)
    there.manual_seed(integer(generator, (0, 2**62)))
    return torch.randn(image.shape, generator=there, dtype=image.dtype, device=image.device)
