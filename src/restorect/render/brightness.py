"""The user's hand on exposure: brighter or darker by stops, with lights that stay lights (ours).

Shapes: images (B, 3, H, W) in [0, 1], sRGB-encoded.
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from restorect.colour import linear_to_srgb, srgb_to_linear
from restorect.render.step import PointStep, Scene


@dataclass(frozen=True, kw_only=True)
class BrightnessConfig:
    """`brightened` as a step; it is the user's choice, so no card has it.

    Attributes:
        stops: that the exposure is changed by; 1 doubles it.
    """

    name: ClassVar[str] = "brightness"
    stops: float

    def build(self) -> "Brightness":
        """The step."""
        return Brightness(self)


class Brightness(PointStep):
    """`brightened` as a step behind."""

    def __init__(self, config: BrightnessConfig) -> None:
        super().__init__()
        self._stops = config.stops

    def forward(self, image: Tensor, scene: Scene) -> Tensor:
        """The image, within [0, 1], brighter or darker."""
        return brightened(image.clamp(0, 1), self._stops)


def brightened(image: Tensor, stops: float) -> Tensor:
    """Change the exposure without burning lights.

    In linear light the brightest channel m of a pixel becomes k m / (1 - m + k m) with k = 2^stops, and the others keep
    their ratio to it, so that hue and saturation stay. Slope k in the dark, then a shoulder to white at 1, which stays
    white, also where k < 1. The same with -stops undoes it.

    Args:
        image: (B, 3, H, W).
        stops: any number; 0 changes nothing but rounding.
    """
    light, k = srgb_to_linear(image), 2.0**stops
    brightest = light.amax(dim=1, keepdim=True)
    return linear_to_srgb(light * (k / (1 - brightest + k * brightest)))
