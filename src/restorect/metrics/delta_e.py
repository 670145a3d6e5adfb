"""The colour difference CIEDE2000 (Sharma, Wu, Dalal, Color Research and Application 30(1), 2005).

Shapes: B samples, H x W pixels.
"""

import math

import torch
from torch import Tensor

from restorect.metrics.inputs import rgb_pair
from restorect.metrics.lab import srgb_to_lab

_25_TO_7 = 25.0**7


def delta_e(output_BCHW: Tensor, target_BCHW: Tensor) -> Tensor:
    """Mean CIEDE2000 colour difference of each sample over all its pixels; 1 is about the smallest visible step.

    Args:
        output_BCHW: the restored images (B, 3, H, W), sRGB in [0, 1].
        target_BCHW: the references, of the same shape.

    Returns:
        (B,) at least 0, about 100 between black and white; float32 (float64 for float64 images).

    Raises:
        ValueError: the shapes differ or are not (B, 3, H, W); integers; values that are not finite.
    """
    output, target = rgb_pair(output_BCHW, target_BCHW)
    return ciede2000(srgb_to_lab(output), srgb_to_lab(target)).mean(dim=(1, 2)).to(output.dtype)


def ciede2000(first_BCHW: Tensor, second_BCHW: Tensor) -> Tensor:
    """CIEDE2000 of two CIELAB images, k_L = k_C = k_H = 1: (B, 3, H, W) -> (B, H, W). Symmetric.

    The steps and the treatment of hues without chroma are those of Sharma et al., equations 2 to 22.
    """
    (L_1, a_1, b_1), (L_2, a_2, b_2) = first_BCHW.unbind(dim=1), second_BCHW.unbind(dim=1)
    stretch = 1.5 - 0.5 * _saturating((torch.hypot(a_1, b_1) + torch.hypot(a_2, b_2)) / 2)
    C_1, C_2 = torch.hypot(stretch * a_1, b_1), torch.hypot(stretch * a_2, b_2)
    h_1, h_2 = torch.atan2(b_1, stretch * a_1), torch.atan2(b_2, stretch * a_2)
    L, C = (L_1 + L_2) / 2, (C_1 + C_2) / 2
    turn, h = _hues(h_1 % (2 * math.pi), h_2 % (2 * math.pi), grey=(C_1 * C_2) == 0)
    weight = (
        1
        - 0.17 * torch.cos(h - math.radians(30))
        + 0.24 * torch.cos(2 * h)
        + 0.32 * torch.cos(3 * h + math.radians(6))
        - 0.20 * torch.cos(4 * h - math.radians(63))
    )
    lightness = (L_2 - L_1) / (1 + 0.015 * (L - 50) ** 2 / (20 + (L - 50) ** 2).sqrt())
    chroma = (C_2 - C_1) / (1 + 0.045 * C)
    hue = 2 * (C_1 * C_2).sqrt() * torch.sin(turn / 2) / (1 + 0.015 * C * weight)
    rotation = torch.sin(math.radians(60) * torch.exp(-(((torch.rad2deg(h) - 275) / 25) ** 2)))
    twist = -2 * _saturating(C) * rotation
    square = lightness**2 + chroma**2 + hue**2 + twist * chroma * hue
    return square.clamp_min(0).sqrt()  # rounding can leave a tiny negative


def _saturating(chroma: Tensor) -> Tensor:
    """sqrt(C^7 / (C^7 + 25^7)), from 0 for greys to 1 for vivid colours."""
    seventh = chroma**7
    return (seventh / (seventh + _25_TO_7)).sqrt()


def _hues(h_1: Tensor, h_2: Tensor, *, grey: Tensor) -> tuple[Tensor, Tensor]:
    """The signed difference of two hues on the shorter arc, and the mean hue on that arc; radians."""
    turn, total = h_2 - h_1, h_1 + h_2
    far = turn.abs() > math.pi
    short = torch.where(far, turn - 2 * math.pi * torch.sign(turn), turn)
    across = torch.where(total < 2 * math.pi, total + 2 * math.pi, total - 2 * math.pi)
    mean = torch.where(far, across, total) / 2
    return short.masked_fill(grey, 0), torch.where(grey, total, mean)
