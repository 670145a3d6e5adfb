"""A share of what the network saw stays in the restoration (ours).

Shapes: images (B, 3, H, W) in [0, 1].
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from restorect.configs import require
from restorect.render.step import Scene


@dataclass(frozen=True, kw_only=True)
class KeepConfig:
    """How much stays.

    Attributes:
        share: of the balanced photograph in a restoration. Where a network meets waters that it does not know, what it
            adds to the balance is partly wrong, and less of it is better. Training does not know of it.
    """

    name: ClassVar[str] = "keep"

    share: float = 0.3

    def __post_init__(self) -> None:
        require(0 <= self.share <= 1, f"share is {self.share}; it must be from 0 to 1")

    def build(self) -> "Keep":
        """The step."""
        return Keep(self)


class Keep(nn.Module):
    """Mixes what was seen into the restoration."""

    def __init__(self, config: KeepConfig) -> None:
        super().__init__()
        self.config = config

    def forward(self, image: Tensor, scene: Scene) -> Tensor:
        """The mixture."""
        return image.clamp(0, 1).lerp(scene.seen, self.config.share)
