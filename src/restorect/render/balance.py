"""White balance in front of a network, without anything learned: water of any colour looks much the same behind it.

Shapes: image_B3HW and view_B3hw in [0, 1], sRGB-encoded.
"""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from restorect.colour import luma
from restorect.configs import require
from restorect.nets.thumbnail import THUMBNAIL, view_of

_DARKEST = 1e-4
_FLAT = 1e-3  # a photograph whose values span less has nothing to stretch
_MEANS = (0.02, 0.98)  # a channel's mean counts as within these


@dataclass(frozen=True, kw_only=True)
class BalanceConfig:
    """How much a photograph's channels are brought to the same.

    Attributes:
        clip: share of a channel's values that may go to black, and as many to white.
        pull: how far the channels' means are brought together: 0 not at all, 1 to the mean of them.
        gain: a channel that must be stretched by more than this beyond the one that is stretched least is filled from
            all of them, and from twice as much on wholly from the others: deep water leaves of red little but noise and
            the blocks of JPEG.
        saturation: how far colours are from grey afterwards; 1 leaves them. Stretching channels by themselves drives
            them apart.
    """

    name: ClassVar[str] = "balance"

    clip: float = 0.001
    pull: float = 0.7
    gain: float = 3.5
    saturation: float = 0.8

    def __post_init__(self) -> None:
        require(0 <= self.clip < 0.5, f"clip is {self.clip}; it is a share from 0 to below 0.5")
        require(0 <= self.pull <= 1, f"pull is {self.pull}; it must be from 0 to 1")
        require(self.gain >= 1, f"gain is {self.gain}; it must be at least 1")
        require(0 <= self.saturation <= 1, f"saturation is {self.saturation}; it must be from 0 to 1")

    def build(self) -> "Balance":
        """The step."""
        return Balance(self)


class Balance(nn.Module):
    """`balance` as a step in front."""

    def __init__(self, config: BalanceConfig) -> None:
        super().__init__()
        self.config = config

    def forward(self, image: Tensor, whole: Tensor) -> Tensor:
        """An image (B, 3, H, W) in [0, 1] by the levels and means of the whole photograph."""
        return balance(image, whole, self.config)


def balance(image: Tensor, view: Tensor, config: BalanceConfig) -> Tensor:
    """Stretch each channel to black and white, bring the means together by a power (grey world), fade a little.

    After the contrast stretch and the grey-world assumption (Buchsbaum 1980), channel by channel: water takes
    light channel by channel, so that what one water makes of a scene differs from what another makes of it by little
    more than this undoes.

    Args:
        image: what is balanced, for example a crop.
        view: the whole photograph, or a thumbnail of it: levels and means are read off this, at 96x96.
        config: how much.

    Returns:
        An image of the first one's shape, from 0 to 1; the image itself where the photograph is of one colour.
    """
    return balanced(image, levels_of(view, config), config)


class Levels(NamedTuple):
    """What a balance reads off the whole photograph; (B, 3, 1, 1), the last one (B, 1, 1, 1).

    Attributes:
        middle: of the values that stay between black and white.
        range: how far apart these are.
        there: how far a channel is its own, and not the mean of all.
        power: that brings its mean to that of all.
        structured: how far there is anything to balance.
    """

    middle: Tensor
    range: Tensor
    there: Tensor
    power: Tensor
    structured: Tensor


def levels_of(view: Tensor, config: BalanceConfig) -> Levels:
    """The levels of a photograph (B, 3, h, w), or of a thumbnail of it."""
    view = view_of(view, THUMBNAIL)
    middle, range_ = _range(view, config.clip)
    widest = range_.amax(dim=1, keepdim=True)
    structured = (widest / _FLAT).clamp(max=1)
    widest = widest.clamp(min=_FLAT)
    there = (2 * config.gain * range_ / widest - 1).clamp(_DARKEST, 1)
    range_ = torch.maximum(range_, 0.5 * widest / config.gain)
    means = _stretched(view, middle, range_, there).mean(dim=(2, 3), keepdim=True).clamp(*_MEANS)
    power = (means.mean(dim=1, keepdim=True).log() / means.log()) ** config.pull
    return Levels(middle, range_, there, power, structured)


def balanced(image: Tensor, levels: Levels, config: BalanceConfig) -> Tensor:
    """An image (B, 3, H, W) balanced by levels that are known; see `balance`."""
    vivid = _stretched(image, levels.middle, levels.range, levels.there) ** levels.power
    return image.lerp(luma(vivid).lerp(vivid, config.saturation), levels.structured)


def _stretched(x: Tensor, middle: Tensor, range_: Tensor, there: Tensor) -> Tensor:
    x = ((x - middle) / range_ + 0.5).clamp(_DARKEST, 1)
    mixed = (there * x).sum(dim=1, keepdim=True) / there.sum(dim=1, keepdim=True)
    return mixed.lerp(x, there)


def _range(view: Tensor, clip: float) -> tuple[Tensor, Tensor]:
    """The middle and the width of the values that stay between black and white, both (B, 3, 1, 1)."""
    values = view.flatten(2).sort(dim=2).values
    last = THUMBNAIL**2 - 1
    skipped = round(clip * last)
    low, high = values[:, :, skipped, None, None], values[:, :, last - skipped, None, None]
    return (low + high) / 2, high - low
