"""CIELAB (CIE 15:2004) of sRGB images (IEC 61966-2-1), white point D65, 2 degree observer.

Shapes: B samples, H x W pixels.
"""

import torch
from torch import Tensor

from restorect.colour import srgb_to_linear

_TO_XYZ = ((0.412453, 0.357580, 0.180423), (0.212671, 0.715160, 0.072169), (0.019334, 0.119193, 0.950227))
_WHITE = (0.95047, 1.0, 1.08883)
_EPSILON = 216 / 24389
_KAPPA = 24389 / 27


def srgb_to_lab(image_BCHW: Tensor) -> Tensor:
    """CIELAB of sRGB: (B, 3, H, W) in [0, 1] -> (B, 3, H, W), L* in [0, 100], a* and b* about [-108, 99].

    Computed and returned in float64: differences of two near colours are what it is used for.
    """
    encoded = image_BCHW.double()
    linear = srgb_to_linear(encoded)
    xyz = torch.einsum("xc,bchw->bxhw", linear.new_tensor(_TO_XYZ), linear)
    ratio = xyz / linear.new_tensor(_WHITE).view(1, 3, 1, 1)
    cube_root = ratio.clamp_min(_EPSILON) ** (1 / 3)
    x, y, z = torch.where(ratio > _EPSILON, cube_root, (_KAPPA * ratio + 16) / 116).unbind(dim=1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], dim=1)
