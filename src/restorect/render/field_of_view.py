"""The safe mode for retina photographs: nothing changes outside the field of view, nor in its lights.

Shapes: images (B, 3, H, W), sRGB-encoded.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from restorect.colour import smoothstep
from restorect.render.rows import Rows
from restorect.render.step import RowScene, RowStep, Scene, Step
from restorect.retina import darkness, depth_inside, field_of_view, lit_field

_FEATHER = 0.02  # of the field's radius: over this distance from its rim the restoration fades in
_LIGHT = (0.6, 0.8)  # green, encoded: from the first on light is kept, from the second on all of it


@dataclass(frozen=True, kw_only=True)
class FieldOfViewConfig:
    """`keep_safe` as a step; it has no settings."""

    name: ClassVar[str] = "field-of-view"

    def build(self) -> "FieldOfView":
        """The step."""
        return FieldOfView()


class FieldOfView(Step):
    """`keep_safe` as a step behind."""

    def forward(self, image: Tensor, scene: Scene) -> Tensor:
        """The image, within [0, 1], where the photograph may change; elsewhere the photograph."""
        return keep_safe(scene.photo, image.clamp(0, 1))

    def prepare(self, image: Rows, scene: RowScene) -> RowStep:
        """The field of view is searched first."""
        field_1HW = torch.from_numpy(lit_field(_darkness(scene.photo)))[None].to(scene.thumbnail.device)
        share_1HW = _share(field_1HW)

        def safe(rows: Tensor, scene: Scene, place: slice) -> Tensor:
            output = keep_lights(scene.photo, rows.clamp(0, 1))[0]
            return _inside(scene.photo[0], output, field_1HW[:, place], share_1HW[:, place])[None]

        return safe


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
        kept.append(_inside(image_CHW, output_CHW, field_1HW, _share(field_1HW)))
    return torch.stack(kept)


def _inside(image_CHW: Tensor, output_CHW: Tensor, field_1HW: Tensor, share_1HW: Tensor) -> Tensor:
    """The restoration by its share within the field of view, outside the photograph."""
    mixed_CHW = image_CHW + share_1HW * (output_CHW - image_CHW)
    return torch.where(field_1HW & (share_1HW < 1), mixed_CHW, torch.where(field_1HW, output_CHW, image_CHW))


def _share(field_1HW: Tensor) -> Tensor:
    """Of the restoration, from the rim inwards; the outermost pixels are half frame: the fade begins behind them."""
    return depth_inside(field_1HW).sub_(1).div_(_fade(field_1HW)).clamp_(0, 1)


def _darkness(photo: Rows) -> NDArray[np.uint8]:
    """As `retina.darkness` of the whole photograph."""
    found = []
    for first, last in photo.bands():
        begin = max(0, first - 1)
        brightest = photo.read(begin, min(photo.height, last + 1)).amax(dim=1)[0].cpu().numpy()
        found.append(darkness(brightest)[first - begin :][: last - first])
    return np.concatenate(found)


def _fade(field_1HW: Tensor) -> float:
    """Width of the fade in pixels, at least one."""
    extents = [int(field_1HW[0].any(dim=dim).sum()) for dim in (0, 1)]
    return max(1.0, _FEATHER * max(extents) / 2)
