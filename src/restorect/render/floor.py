"""No value becomes much darker than it was, for tasks that brighten (ours).

Shapes: images (B, 3, H, W).
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from restorect.configs import require
from restorect.render.step import Scene


@dataclass(frozen=True, kw_only=True)
class FloorConfig:
    """How much darker a value may become.

    Attributes:
        share: of what it was that it keeps at least: networks know few lights in the dark, and may burn holes into one
            that they do not know.
    """

    name: ClassVar[str] = "floor"

    share: float = 0.85

    def __post_init__(self) -> None:
        require(0 <= self.share <= 1, f"share is {self.share}; it must be from 0 to 1")

    def build(self) -> "Floor":
        """The step."""
        return Floor(self)


class Floor(nn.Module):
    """Holds the restoration above a share of the photograph."""

    def __init__(self, config: FloorConfig) -> None:
        super().__init__()
        self.config = config

    def forward(self, image: Tensor, scene: Scene) -> Tensor:
        """The larger of both, value by value."""
        return torch.maximum(image, self.config.share * scene.photo)
