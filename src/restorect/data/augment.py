"""Augmentation: another light."""

from torch import Tensor

WHITE = 255.0
_DARKEST = 1e-4 * WHITE


class LightJitter:
    """Other lights for B photos: each raised to a power, each of its channels times a factor.

    Args:
        draws: (B, 5) standard normal: of the power, of all channels together, of each channel.
        light: deviation of the factor's logarithm, the same for all channels.
        cast: and that of each channel's by itself.
        contrast: and that of the power's.
    """

    def __init__(self, draws: Tensor, *, light: float, cast: float, contrast: float) -> None:
        draws = draws[..., None, None]
        powers, together, channels = draws[:, :1], draws[:, 1:2], draws[:, 2:]
        self.powers = (contrast * powers).exp() if contrast > 0 else None
        self.factors = (light * together + cast * channels).exp()
        if self.powers is not None:
            self.factors *= WHITE ** (1 - self.powers)

    def __call__(self, pixels: Tensor) -> Tensor:
        """The pixels (B, 3, H, W) from 0 to 255, sRGB-encoded, in these lights; in place."""
        pixels.clamp_(min=_DARKEST)
        if self.powers is not None:
            pixels.pow_(self.powers)
        return pixels.mul_(self.factors).clamp_(max=WHITE)
