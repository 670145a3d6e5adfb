"""What a step of a restoration is, and what it may look at.

Shapes: images (B, 3, H, W), sRGB-encoded.
"""

from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple, Protocol

from torch import Tensor, nn

from restorect.render.rows import Rows


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


class RowScene(NamedTuple):
    """A scene that is read by rows; attributes as those of `Scene`."""

    photo: Rows
    seen: Rows
    thumbnail: Tensor
    curve: Tensor | None = None

    def rows(self, first: int, last: int) -> Scene:
        """Of these rows."""
        photo = self.photo.read(first, last)
        seen = photo if self.seen is self.photo else self.seen.read(first, last)
        return Scene(photo, seen, self.thumbnail, self.curve)


RowStep = Callable[[Tensor, Scene, slice], Tensor]
"""A step on some rows: the rows (1, 3, n, W), the scene of them, and which they are."""


class Step(nn.Module):
    """A step behind the student: (image, `Scene`) to an image.

    Photographs may be too large to be worked on whole. Then `prepare` looks at the whole first, and rows follow.
    """

    def prepare(self, image: Rows, scene: RowScene) -> RowStep:
        """How rows are changed; unless a step says otherwise, the whole image is made, and rows are taken of that.

        Args:
            image: as it comes to the step, unbounded.
            scene: what it may look at.
        """
        changed: Tensor = self(image.whole(), scene.rows(0, image.height))
        return lambda rows, scene, place: changed[:, :, place]


class PointStep(Step):
    """A step that changes each pixel by itself."""

    def prepare(self, image: Rows, scene: RowScene) -> RowStep:
        """The step itself."""
        return lambda rows, scene, place: self(rows, scene)


class StepConfig(Protocol):
    """The settings of a step: a frozen dataclass with a name."""

    name: ClassVar[str]
    __dataclass_fields__: ClassVar[dict[str, Any]]

    def build(self) -> nn.Module:
        """The step: of `before`, (image, whole photograph or thumbnail) to an image; of `after`, a `Step`."""
        ...
