"""Calling a restorer on a photograph: one signature, whatever stands behind it.

Shapes: arrays HWC, tensors BCHW; float values are sRGB-encoded with black 0 and white 1.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from restorect.configs import require
from restorect.infer.arrays import Image
from restorect.nets.student import Start


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to restore a photograph.

    Attributes:
        strength: 0 returns the image, 1 the full restoration, between them a blend in linear light.
        seed: of the flow's noise; several samples take it and the next ones.
        samples: how many restorations to give, each from noise of its own.
        steps: of the flow; None for the network's default.
        start: "noise" or "mean"; None for the network's default, or "noise" for several samples.

    Raises:
        ConfigError: a value is out of range.
    """

    strength: float = 1.0
    seed: int = 0
    samples: int = 1
    steps: int | None = None
    start: Start | None = None

    def __post_init__(self) -> None:
        require(0 <= self.strength <= 1, f"strength is {self.strength}; it must be from 0 to 1")
        require(self.samples >= 1, f"samples is {self.samples}; it must be at least 1")
        in_range = self.steps is None or 1 <= self.steps <= 1000
        require(in_range, f"steps is {self.steps}; it must be at least 1, at most 1000")
        require(self.start in (None, "noise", "mean"), f"start is {self.start!r}; choose noise or mean")
        in_range = 0 <= self.seed and self.seed + self.samples <= 2**63
        require(in_range, f"seed is {self.seed}; it must be from 0 to below 2^63")


class PhotoCall(ABC):
    """What is called on a photograph to restore it."""

    def __call__(
        self,
        image: Image,
        *,
        strength: float = 1.0,
        seed: int = 0,
        samples: int = 1,
        steps: int | None = None,
        start: Start | None = None,
    ) -> Image | list[Image]:
        """Restore one photograph, or with the networks of one task a batch of tensors.

        Args:
            image: an array (H, W, 3) or (H, W) of uint8, uint16 or float32, or a float tensor (3, H, W) or
                (B, 3, H, W). Floats are sRGB-encoded, 0 to 1; what lies outside is carried past the network.
            strength: 0 returns the image, 1 the full restoration, between them a blend in linear light.
            seed: of the flow's noise; the same seed, image and machine give the same result.
            samples: how many restorations to give, each from noise of its own.
            steps: of the flow; None for the network's default.
            start: "noise" or "mean"; None for the network's default, or "noise" for several samples.

        Returns:
            An image of the same kind, shape and type; for `samples` above 1 a list, from darker to brighter.

        Raises:
            CheckpointError: there are no networks for what the photograph needs.
            ConfigError: an option is out of range.
            ImageError: the image has another shape or type, or NaN in it.
        """
        images = self.restorations(
            image, Options(strength=strength, seed=seed, samples=samples, steps=steps, start=start)
        )
        return images if samples > 1 else images[0]

    @abstractmethod
    def restorations(self, image: Image, options: Options) -> list[Image]:
        """As a call gives them, from darker to brighter; a list for one, too."""
