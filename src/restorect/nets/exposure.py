"""How bright a restoration is: brought towards the mean that a net of its own predicts for the good photo.

Shapes: image_B3HW and low_B3HW in [0, 1]; means (B, 1), sRGB-encoded.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from restorect.configs import require
from restorect.nets.priors import THUMBNAIL, view_of
from restorect.nets.tone import lifted

READ = 48  # side of the thumbnail that an exposure net reads
_STEEPEST = 3.0  # largest log slope of the curve at black
_HALVINGS = 20
_DARKEST = 1e-3


@dataclass(frozen=True, kw_only=True)
class ExposureConfig:
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


class ExposureNet(nn.Module):
    """Degraded photos to the mean of the good ones; ours, of depthwise separable convolutions (MobileNet, 2017).

    It sees scene and light apart: the picture divided by its mean, its logarithm, and the logarithm of the mean. An
    untrained net gives `start`. Layer norms would hide the light, so there is batch norm.

    Args:
        config: its shape.
        start: mean of good photos.
    """

    def __init__(self, config: ExposureConfig, start: float) -> None:
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


def shrink_exposure(image: Tensor, wanted: Tensor | float, trust: float) -> Tensor:
    """Bring an image's mean m to m^trust * wanted^(1 - trust), by a curve that leaves black and white.

    How bright a dark scene should be is partly the photographer's choice. Two predictions of it, each with errors of
    its own, are better than one; and one alone is improved by shrinking it towards the mean of all (James and Stein
    1961).

    Args:
        image: (B, 3, H, W), clamped to [0, 1].
        wanted: another prediction of the mean, sRGB-encoded, above 0 and below 1: (B, 1), or one number for all.
        trust: share of the image's own mean; 1 changes nothing.

    Returns:
        k x / (1 + (k - 1) x), with one k for each image.
    """
    if trust == 1:
        return image
    image = image.clamp(0, 1)
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
    return lifted(image, ((low + high) / 2).exp())
