"""Glow: the share of a lamp's light that lens and air spread over the picture (veiling glare)."""

import torch
from torch import Tensor

from restorect.data.degrade.fields import gaussian_blur

_WIDTHS = (0.004, 0.016, 0.064, 0.256)  # deviations as shares of the longer side, each four times the last


def glow_weights(falloff: float) -> list[float]:
    """Shares of the Gaussians, summing to 1, whose sum falls about as r^-falloff.

    A power law's energy within a ring from r to 4 r grows as r^(2 - falloff), so do the weights. The eye's and lenses'
    glare has exponents of 2 to 3 (Spencer et al., "Physically-Based Glare Effects for Digital Images", SIGGRAPH 1995).
    """
    weights = [width ** (2 - falloff) for width in _WIDTHS]
    return [weight / sum(weights) for weight in weights]


def glow(light_linear: Tensor, falloff: float) -> Tensor:
    """All of the light (3, H, W), spread by a kernel that sums to 1; nothing is lost at the borders' inside."""
    side = max(light_linear.shape[-2:])
    total = torch.zeros_like(light_linear)
    for width, weight in zip(_WIDTHS, glow_weights(falloff), strict=True):
        total.add_(gaussian_blur(light_linear, width * side), alpha=weight)
    return total
