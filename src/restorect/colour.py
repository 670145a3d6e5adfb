"""Colours on tensors: sRGB (IEC 61966-2-1), how light a pixel is, and a smooth switch on it.

`restorect.images.curves` has the tone curve of sRGB on arrays.

Shapes: images (B, 3, H, W) of RGB for `luma`, any for the others; values in [0, 1].
"""

import torch
from torch import Tensor

SRGB_TO_XYZ = ((0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.0721750), (0.0193339, 0.1191920, 0.9503041))
"""Linear sRGB to XYZ (D65)."""
_LUMA = (0.299, 0.587, 0.114)


def srgb_to_linear(image: Tensor) -> Tensor:
    """Undo the sRGB encoding of values in [0, 1]."""
    curved = image.clamp(min=0.04).add_(0.055).div_(1.055).pow_(2.4)
    return torch.where(image <= 0.04045, image / 12.92, curved)


def linear_to_srgb(image_linear: Tensor) -> Tensor:
    """Encode linear light in [0, 1] as sRGB."""
    curved = image_linear.clamp(min=0.003).pow_(1 / 2.4).mul_(1.055).sub_(0.055)
    return torch.where(image_linear <= 0.0031308, 12.92 * image_linear, curved)


def luma(image_BCHW: Tensor) -> Tensor:
    """Full-range BT.601 luma (B, 1, H, W): that of white is 1; `metrics.psnr.luma` is the limited-range one."""
    return (image_BCHW * image_BCHW.new_tensor(_LUMA).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)


def smoothstep(x: Tensor, begin: float, end: float) -> Tensor:
    """0 up to `begin`, 1 from `end` on, 3 t^2 - 2 t^3 between."""
    t = ((x - begin) / (end - begin)).clamp(0, 1)
    return t * t * (3 - 2 * t)
