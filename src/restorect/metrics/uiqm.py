"""Underwater image quality measure (UIQM; Panetta, Gao, Agaian, IEEE J. Oceanic Eng. 41(3), 2016).

UIQM = 0.0282 UICM + 0.2953 UISM + 3.5753 UIConM: colourfulness, sharpness, contrast, of 8-bit values.

Shapes: B samples, C channels, H x W pixels, N = H * W, n x m blocks of s x s pixels.
"""

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from restorect.colour import luma
from restorect.metrics.inputs import eight_bit, rgb_batch

Variant = Literal["plip", "funie"]

_COEFFICIENTS = (0.0282, 0.2953, 3.5753)
_TRIMMED = 0.1  # of the pixels, at each end
_PLIP = 1026.0  # gamma = k = 1026 in the parameterised logarithmic image processing of the paper


@dataclass(frozen=True, kw_only=True)
class _Settings:
    block: int
    channel_weights: tuple[float, float, float]
    plip: bool


_SETTINGS = {
    "plip": _Settings(block=8, channel_weights=(0.299, 0.587, 0.114), plip=True),
    "funie": _Settings(block=10, channel_weights=(0.299, 0.587, 0.144), plip=False),
}


def uiqm(image_BCHW: Tensor, *, variant: Variant = "funie") -> Tensor:
    """UIQM of each image; figures of two variants are not comparable.

    Args:
        image_BCHW: images (B, 3, H, W), sRGB in [0, 1]; rounded to 8 bit first.
        variant: which program.
            "funie": the one published with FUnIE-GAN (Islam et al. 2020), which most tables with values of 2 to 3.5
            come from: blocks of 10 pixels over all three channels for the contrast, plain instead of logarithmic
            differences, spread around the trimmed mean over *all* pixels, weight 0.144 for blue. Those tables
            resize images to 256 x 256 first; this function does not.
            "plip": the paper's formulas: contrast of BT.601 luma in blocks of 8 pixels with parameterised
            logarithmic sum and difference (gamma = k = 1026), the sign of the contrast term taken positive,
            mean and spread both over the trimmed pixels. Our reading; the paper's program is not public.

    Returns:
        (B,) higher is better; float32.

    Raises:
        ValueError: no such variant, images not (B, 3, H, W) floating point and finite, or smaller than one block.
    """
    if variant not in _SETTINGS:
        raise ValueError(f"UIQM variant {variant!r}: choose from {', '.join(_SETTINGS)}")
    settings = _SETTINGS[variant]
    rgb_BCHW = eight_bit(rgb_batch(image_BCHW, smallest=settings.block))
    terms = [_colourfulness(rgb_BCHW, settings), _sharpness(rgb_BCHW, settings), _contrast(rgb_BCHW, settings)]
    return (torch.stack(terms, dim=1) @ rgb_BCHW.new_tensor(_COEFFICIENTS)).float()


def _colourfulness(rgb_BCHW: Tensor, settings: _Settings) -> Tensor:
    """UICM = -0.0268 |mu| + 0.1586 sqrt(sum of variances) of the opponent channels R - G and (R + G)/2 - B."""
    r, g, b = rgb_BCHW.flatten(2).unbind(dim=1)
    opponents = torch.stack([r - g, (r + g) / 2 - b], dim=1).sort(dim=2).values
    count = opponents.shape[2]
    if settings.plip:
        cut = int(_TRIMMED * count)
        kept = opponents[:, :, cut : count - cut]
        mean = kept.mean(dim=2)
        spread = (kept - mean.unsqueeze(2)).square().mean(dim=2)
    else:  # that program starts one pixel late, divides as if it had not, and takes the spread of all pixels
        low, high = -int(-_TRIMMED * count // 1), int(_TRIMMED * count)
        mean = opponents[:, :, low + 1 : count - high].sum(dim=2) / (count - low - high)
        spread = (opponents - mean.unsqueeze(2)).square().mean(dim=2)
    return -0.0268 * mean.square().sum(dim=1).sqrt() + 0.1586 * spread.sum(dim=1).sqrt()


def _sharpness(rgb_BCHW: Tensor, settings: _Settings) -> Tensor:
    """UISM: weighted sum over channels of EME = 2 / blocks * sum ln(max / min) of the Sobel edges times the channel."""
    edges = _sobel(rgb_BCHW) * rgb_BCHW
    high, low = _block_extremes(edges, settings.block)
    usable = (low > 0) & (high > 0)
    ratio = torch.where(usable, high / low.where(usable, torch.ones_like(low)), torch.ones_like(low))
    eme_BC = 2 * ratio.log().mean(dim=(2, 3))
    return eme_BC @ eme_BC.new_tensor(settings.channel_weights)


def _contrast(rgb_BCHW: Tensor, settings: _Settings) -> Tensor:
    """UIConM: the mean over blocks of -m ln m, m the Michelson contrast (0 where a block is flat)."""
    if settings.plip:
        high, low = _block_extremes(luma(rgb_BCHW), settings.block)
        difference, total = _PLIP * (high - low) / (_PLIP - low), high + low - high * low / _PLIP
    else:
        high, low = _block_extremes(rgb_BCHW, settings.block)
        high, low = high.amax(dim=1, keepdim=True), low.amin(dim=1, keepdim=True)
        difference, total = high - low, high + low
    michelson = difference / total.where(total > 0, torch.ones_like(total))
    entropy: Tensor = -torch.special.xlogy(michelson, michelson).sum(dim=(1, 2, 3))
    blocks = high.shape[2] * high.shape[3]
    if settings.plip:  # (1 / blocks) times the sum, in the logarithmic model
        return _PLIP - _PLIP * (1 - entropy / _PLIP).pow(1 / blocks)
    return entropy / blocks


def _sobel(rgb_BCHW: Tensor) -> Tensor:
    """Gradient magnitude by Sobel's 3 x 3 filters, border mirrored with its edge pixel, scaled to a maximum of 255."""
    channels = rgb_BCHW.shape[1]
    smooth, step = rgb_BCHW.new_tensor((1.0, 2.0, 1.0)), rgb_BCHW.new_tensor((-1.0, 0.0, 1.0))
    kernels = torch.stack([torch.outer(step, smooth), torch.outer(smooth, step)]).unsqueeze(1)
    padded = F.pad(rgb_BCHW, (1, 1, 1, 1), mode="replicate")  # one pixel: the same as mirroring with the edge
    gradient = F.conv2d(padded, kernels.repeat(channels, 1, 1, 1), groups=channels)
    magnitude = torch.hypot(gradient[:, 0::2], gradient[:, 1::2])
    return magnitude * 255 / magnitude.amax(dim=(2, 3), keepdim=True).clamp_min(1e-12)


def _block_extremes(x_BCHW: Tensor, block: int) -> tuple[Tensor, Tensor]:
    """Maximum and minimum of each whole block: (B, C, H, W) -> twice (B, C, n, m); the rest at the border drops out."""
    return F.max_pool2d(x_BCHW, block), -F.max_pool2d(-x_BCHW, block)
