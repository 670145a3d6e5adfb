"""The safe mode for retina photographs: what lies outside the field of view stays as it is, bit for bit.

Shapes: images (B, 3, H, W), sRGB-encoded.
"""

import torch
from torch import Tensor

from restorect.fov import depth_inside, field_of_view

NOTICE = "retina photographs: for research and better viewing, not for diagnosis"
_FEATHER = 0.02  # of the field's radius: over this distance from its rim the restoration fades in


def keep_outside(image_BCHW: Tensor, output_BCHW: Tensor) -> Tensor:
    """Take the restoration inside the field of view only, faded in from its rim inwards.

    Args:
        image_BCHW: the photographs as they came, unbounded.
        output_BCHW: their restorations.

    Returns:
        (B, 3, H, W); outside the field of view the very values of `image_BCHW`.
    """
    kept = []
    for image_CHW, output_CHW in zip(image_BCHW, output_BCHW, strict=True):
        field_1HW = field_of_view(image_CHW.clamp(0, 1))
        # The outermost pixels are half frame: the fade begins behind them.
        share_1HW = ((depth_inside(field_1HW) - 1) / _fade(field_1HW)).clamp(0, 1)
        mixed_CHW = image_CHW + share_1HW * (output_CHW - image_CHW)
        kept.append(torch.where(field_1HW & (share_1HW < 1), mixed_CHW, torch.where(field_1HW, output_CHW, image_CHW)))
    return torch.stack(kept)


def _fade(field_1HW: Tensor) -> float:
    """Width of the fade in pixels, at least one."""
    extents = [int(field_1HW[0].any(dim=dim).sum()) for dim in (0, 1)]
    return max(1.0, _FEATHER * max(extents) / 2)
