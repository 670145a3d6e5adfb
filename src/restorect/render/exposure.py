"""How bright a restoration is: brought towards the mean that a net of its own predicts for the good photo.

Shapes: image_B3HW and low_B3HW in [0, 1]; means (B, 1), sRGB-encoded.
"""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from restorect.configs import require
from restorect.nets.thumbnail import THUMBNAIL, view_of
from restorect.nets.tone import lifted
from restorect.render.rows import Rows
from restorect.render.step import RowScene, RowStep, Scene, Step

READ = 48  # side of the thumbnail that an exposure net reads
_STEEPEST = 3.0  # largest log slope of the curve at black
_HALVINGS = 20
_DARKEST = 1e-3
_MEANS = (0.05, 0.9)  # a good photograph is not expected to be darker or brighter


@dataclass(frozen=True, kw_only=True)
class ExposureNetConfig:
    """The shape of an exposure net.

    Attributes:
        width: channels of its first half; the second half has twice as many.
        dropout: share of the features left out in training.
    """

    width: int = 36
    dropout: float = 0.2

    def __post_init__(self) -> None:
        require(0 < self.width <= 1024, f"width is {self.width}; it must be above 0, up to 1024")
        require(0 <= self.dropout < 1, f"dropout is {self.dropout}; it is a share from 0 to below 1")


@dataclass(frozen=True, kw_only=True)
class ExposureConfig:
    """How bright a restoration comes out.

    Attributes:
        trust: how far a restoration's own mean is kept against the expected one; 1 keeps it.
        source: who tells the expected one: "net", the exposure net; "seen", the mean of what the network sees, for
            tasks with a balance in front; "constant", `mean`.
        mean: of good photos; an untrained net expects it, too.
        net: the shape of the exposure net.
    """

    name: ClassVar[str] = "exposure"

    trust: float = 0.5
    source: Literal["net", "seen", "constant"] = "constant"
    mean: float = 0.45
    net: ExposureNetConfig = field(default_factory=ExposureNetConfig)

    def __post_init__(self) -> None:
        require(0 <= self.trust <= 1, f"trust is {self.trust}; it must be from 0 to 1")
        require(0 < self.mean < 1, f"mean is {self.mean}; it must be above 0 and below 1")

    def build(self) -> "Exposure":
        """The step; its net, if it has one, is untrained."""
        return Exposure(self)


class Exposure(Step):
    """Brings a restoration's mean towards the expected one; samples are lifted as much as the mean restoration is."""

    def __init__(self, config: ExposureConfig) -> None:
        super().__init__()
        self.config = config
        self.net = ExposureNet(config.net, config.mean) if config.source == "net" else None

    def forward(self, image: Tensor, scene: Scene) -> Tensor:
        """The image at its exposure."""
        if self.config.trust == 1:
            return image
        image = image.clamp(0, 1)
        return lifted(image, self.curve(image, scene) if scene.curve is None else scene.curve)

    def prepare(self, image: Rows, scene: RowScene) -> RowStep:
        """The curve is read off a thumbnail of the whole."""
        curve = scene.curve
        if curve is None and self.config.trust < 1:
            curve = self.curve(image.then(lambda rows: rows.clamp(0, 1)).view(THUMBNAIL), self.small(scene))
        return lambda rows, scene, place: self(rows, scene._replace(curve=curve))

    def small(self, scene: RowScene) -> Scene:
        """What `expected` looks at, of a scene that is read by rows."""
        photo = scene.thumbnail if self.net is None else scene.photo.view(READ)
        return Scene(photo, scene.thumbnail, scene.thumbnail)

    def curve(self, image: Tensor, scene: Scene) -> Tensor:
        """The k (B, 1, 1, 1) of the curve that brings this restoration, or a thumbnail of it, to its exposure."""
        return exposure_curve(image, self.expected(scene), self.config.trust)

    def expected(self, scene: Scene) -> Tensor | float:
        """How bright the good photograph is, by what is not the transformer: (B, 1), or one number for all."""
        if self.net is not None:
            return self.net(scene.photo)  # type: ignore[no-any-return]
        if self.config.source == "seen":
            return scene.thumbnail.mean(dim=(1, 2, 3)).clamp(*_MEANS)[:, None]
        return self.config.mean


class ExposureNet(nn.Module):
    """Degraded photos to the mean of the good ones; ours, of depthwise separable convolutions (MobileNet, 2017).

    It sees scene and light apart: the picture divided by its mean, its logarithm, and the logarithm of the mean. An
    untrained net gives `start`. Layer norms would hide the light, so there is batch norm.

    Args:
        config: its shape.
        start: mean of good photos.
    """

    def __init__(self, config: ExposureNetConfig, start: float) -> None:
        super().__init__()
        w = config.width
        layers: list[nn.Module] = [nn.Conv2d(7, w, 5, stride=2, padding=2, bias=False), nn.BatchNorm2d(w), nn.ReLU()]
        for inputs, outputs in ((w, w), (w, 2 * w), (2 * w, 2 * w)):
            layers.append(nn.Conv2d(inputs, inputs, 3, stride=2, padding=1, groups=inputs, bias=False))
            layers += [
                nn.BatchNorm2d(inputs),
                nn.Conv2d(inputs, outputs, 1, bias=False),
                nn.BatchNorm2d(outputs),
                nn.ReLU(),
            ]
        self.body = nn.Sequential(*layers)
        self.dropout = nn.Dropout(config.dropout)
        self.output = nn.Linear(2 * w, 1)
        nn.init.zeros_(self.output.weight)
        nn.init.constant_(self.output.bias, torch.logit(torch.tensor(start, device="cpu")).item())

    def forward(self, low: Tensor) -> Tensor:
        """(B, 3, H, W) of any size to means (B, 1), above 0 and below 1."""
        return torch.sigmoid(self.logit(low))

    def logit(self, low: Tensor) -> Tensor:
        """The same on the scale that is learned, ln(m / (1 - m))."""
        view = view_of(low, READ)
        mean = view.mean(dim=(1, 2, 3), keepdim=True).clamp(min=_DARKEST)
        light = (mean.log() / 2 + 1.5).expand(-1, 1, READ, READ)
        seen = torch.cat([view / mean / 2 - 0.5, (view + _DARKEST).log() / 3 + 1.5, light], dim=1)
        return self.output(self.dropout(self.body(seen).mean(dim=(2, 3))))  # type: ignore[no-any-return]


def exposure_curve(image: Tensor, wanted: Tensor | float, trust: float) -> Tensor:
    """The curve that brings an image's mean m to m^trust * wanted^(1 - trust), and leaves black and white.

    How bright a dark scene should be is partly the photographer's choice. Two predictions of it, each with errors of
    its own, are better than one; and one alone is improved by shrinking it towards the mean of all (James and Stein
    1961).

    Args:
        image: (B, 3, H, W) in [0, 1].
        wanted: another prediction of the mean, sRGB-encoded, above 0 and below 1: (B, 1), or one number for all.
        trust: share of the image's own mean; 1 changes nothing.

    Returns:
        k of k x / (1 + (k - 1) x), (B, 1, 1, 1).
    """
    view = view_of(image, THUMBNAIL)
    other = torch.as_tensor(wanted, dtype=image.dtype, device=image.device).view(-1, 1, 1, 1)
    own = view.mean(dim=(1, 2, 3), keepdim=True).clamp(_DARKEST, 1 - _DARKEST)
    target = (own**trust * other ** (1 - trust)).clamp(max=1 - _DARKEST)
    low = torch.full_like(own, -_STEEPEST)
    high = -low
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        short = lifted(view, middle.exp()).mean(dim=(1, 2, 3), keepdim=True) < target
        low, high = torch.where(short, middle, low), torch.where(short, high, middle)
    return ((low + high) / 2).exp()
