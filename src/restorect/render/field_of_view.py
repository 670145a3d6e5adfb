"""The safe mode for retina photographs: nothing changes outside the field of view, nor in its lights.

Shapes: images (B, 3, H, W), sRGB-encoded.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from restorect.fov import depth_inside, field_of_view
from restorect.light import smoothstep
from restorect.render.step import Scene

_FEATHER = 0.02  # of the field's radius: over this distance from its rim the restoration fades in
_LIGHT = (0.6, 0.8)  # green, encoded: from the first on light is kept, from the second on all of it


@dataclass(frozen=True, kw_only=True)
class FieldOfViewConfig:
    """`keep_safe` as a step; it has no settings."""

    name: ClassVar[str] = "field-of-view"

    def build(self) -> "FieldOfView":
        """The step."""
        return FieldOfView()


class FieldOfView(nn.Module):
    """`keep_safe` as a step behind."""

    def forward(self, image: Tensor, scene: Scene) -> Tensor:
        """The image, within [0, 1], where the photograph may change; elsewhere the photograph."""
        return keep_safe(scene.photo, image.clamp(0, 1))


def keep_safe(image_BCHW: Tensor, output_BCHW: Tensor) -> Tensor:
    """Both promises of the safe mode; arguments and result as those of `keep_outside`."""
    return keep_outside(image_BCHW, keep_lights(image_BCHW, output_BCHW))


def keep_lights(image_BCHW: Tensor, output_BCHW: Tensor) -> Tensor:
    """Leave what is light already as it is.

    An overexposed optic disc looks to a network like a spot of stray light; taking it out would draw a cup that is not
    there, or a colour. Green tells what is light, for red is bright all over a retina.
    """
    share = smoothstep(image_BCHW[:, 1:2], *_LIGHT)
    return output_BCHW + share * (image_BCHW - output_BCHW)


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
