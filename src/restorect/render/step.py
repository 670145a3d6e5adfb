"""What a step of a restoration is, and what it may look at.

Shapes: images (B, 3, H, W), sRGB-encoded.
"""

from typing import Any, ClassVar, NamedTuple, Protocol

from torch import Tensor, nn


class Scene(NamedTuple):
    """What steps may look at beside the image itself.

    Attributes:
        photo: the photograph as it came, in [0, 1].
        seen: what encoders and transformer see of it.
        thumbnail: the same of the whole photograph, (B, 3, 96, 96).
        curve: (B, 1, 1, 1) how much `exposure` lifts the mean restoration, where the image is a sample beside it; None
            where the image is the mean restoration itself.
    """

    photo: Tensor
    seen: Tensor
    thumbnail: Tensor
    curve: Tensor | None = None


class StepConfig(Protocol):
    """The settings of a step: a frozen dataclass with a name."""

    name: ClassVar[str]
    __dataclass_fields__: ClassVar[dict[str, Any]]

    def build(self) -> nn.Module:
        """The step: of `before`, (image, whole photograph) to an image; of `after`, (image, `Scene`) to an image."""
        ...
