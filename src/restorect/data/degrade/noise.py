"""Sensor noise: shot noise that grows with the light, read noise that does not, row noise, and hot pixels."""

import torch
import torch.nn.functional as F
from torch import Tensor

from restorect.data.degrade.draws import integer, noise_like, uniform

_RED_OR_BLUE = torch.tensor([[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]]) / 4
_GREEN = torch.tensor([[0.0, 1.0, 0.0], [1.0, 4.0, 1.0], [0.0, 1.0, 0.0]]) / 4
_SPREAD = (_RED_OR_BLUE, _GREEN, _RED_OR_BLUE)  # what bilinear demosaicing makes of one photosite


def add_noise(
    sensor_linear: Tensor, generator: torch.Generator, *, shot: float, read: float, row: float, correlation: float
) -> Tensor:
    """Add sensor noise of variance shot * x + read (+ row^2) to a linear image x, (3, H, W).

    Shot noise is the Gaussian of the Poisson law's variance, as in Unprocessing. Neighbours share noise by
    `correlation` while the variance of each pixel stays as said.

    Args:
        sensor_linear: linear light in sensor colours, at least 0.
        generator: a CPU generator.
        shot: variance per unit of signal.
        read: variance at no signal.
        row: standard deviation of each sensor row's own offset.
        correlation: weight of each neighbour before and after, in both directions, against 1 of the pixel itself.
    """
    noise = noise_like(sensor_linear, generator)
    if correlation > 0:
        noise = _correlate(noise, correlation)
    noise.mul_((sensor_linear * shot).add_(read).clamp_(min=0).sqrt_()).add_(sensor_linear)
    if row > 0:
        noise.add_(row * noise_like(sensor_linear[:1, :, :1], generator))
    return noise


def add_hot_pixels(sensor_linear: Tensor, generator: torch.Generator, share: float) -> Tensor:
    """Add single photosites that leak charge, as demosaicing shows them, to (3, H, W) linear light in [0, 1].

    Each is of one colour. Bilinear demosaicing spreads red and blue to the four neighbours by half and to the diagonal
    ones by a quarter, green to the four by a quarter.

    Args:
        sensor_linear: linear light in sensor colours.
        generator: a CPU generator.
        share: of all photosites that are hot; their number is drawn from the Poisson law.
    """
    channels, height, width = sensor_linear.shape
    number = int(torch.poisson(torch.tensor(share * height * width), generator=generator))
    hot = torch.zeros(channels, height + 2, width + 2)
    for _ in range(number):
        channel, row, column = (integer(generator, (0, side - 1)) for side in (channels, height, width))
        charge = uniform(generator, (0.0, 1.0)) ** 2
        hot[channel, row : row + 3, column : column + 3] += charge * _SPREAD[channel]
    return (sensor_linear + hot[:, 1:-1, 1:-1].to(sensor_linear)).clamp_(max=1)


def _correlate(noise_CHW: Tensor, weight: float) -> Tensor:
    """Filter white noise by [w, 1, w] both ways, scaled so that each pixel keeps its variance."""
    padded = F.pad(noise_CHW[None], (1, 1, 1, 1), mode="circular")[0]
    rows = (padded[:, :-2] + padded[:, 2:]).mul_(weight).add_(padded[:, 1:-1])
    both = (rows[:, :, :-2] + rows[:, :, 2:]).mul_(weight).add_(rows[:, :, 1:-1])
    return both.div_(1 + 2 * weight * weight)
