"""Natural scene statistics, the common ground of NIQE, BRISQUE and BIQI.

Shapes: B samples, H x W pixels, N values, G the grid of shapes that a fit chooses from.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from restorect.metrics.inputs import eight_bit, rgb_batch

_RADIUS = 3
_SIGMA = 7 / 6
_LUMA = (0.2989, 0.5870, 0.1140)
_SHIFTS = ((0, 1), (1, 0), (1, 1), (1, -1))  # rows, columns: horizontal, vertical, both diagonals


def luma8(image_BCHW: Tensor, *, smallest: int = 1) -> Tensor:
    """BT.601 full-range luma of sRGB images in [0, 1] as 8-bit files hold it: (B, H, W), 0 to 255, float64."""
    rgb = eight_bit(rgb_batch(image_BCHW, smallest=smallest))
    return torch.einsum("c,bchw->bhw", rgb.new_tensor(_LUMA), rgb).round()


def mscn(luma_BHW: Tensor) -> tuple[Tensor, Tensor]:
    """Mean-subtracted contrast-normalised luma, (x - mu) / (sigma + 1), and the local deviation sigma, both (B, H, W).

    mu and sigma over a Gaussian window of 7 x 7 pixels, standard deviation 7/6, the border repeated.
    """
    offset = torch.arange(-_RADIUS, _RADIUS + 1, dtype=luma_BHW.dtype, device=luma_BHW.device)
    weight = torch.exp(-offset.square() / (2 * _SIGMA**2))
    weight = weight / weight.sum()
    padded = F.pad(luma_BHW.unsqueeze(1), (_RADIUS,) * 4, mode="replicate")
    both = torch.cat([padded, padded.square()], dim=1).flatten(0, 1).unsqueeze(1)
    means = F.conv2d(F.conv2d(both, weight.view(1, 1, -1, 1)), weight.view(1, 1, 1, -1))
    mu, square = means.view(-1, 2, *luma_BHW.shape[1:]).unbind(dim=1)
    sigma = (square - mu.square()).abs().sqrt()
    return (luma_BHW - mu) / (sigma + 1), sigma


def halved(luma_BHW: Tensor) -> Tensor:
    """Bicubic, antialiased, at half the size (MATLAB's imresize but for the border); an odd last line drops out."""
    height, width = luma_BHW.shape[1] // 2 * 2, luma_BHW.shape[2] // 2 * 2
    even = luma_BHW[:, None, :height, :width]
    return F.interpolate(even, size=(height // 2, width // 2), mode="bicubic", antialias=True)[:, 0]


def neighbours(mscn_BHW: Tensor) -> list[Tensor]:
    """Products with the horizontal, vertical and two diagonal neighbours, wrapped at the border, as published."""
    return [mscn_BHW * mscn_BHW.roll(shift, dims=(1, 2)) for shift in _SHIFTS]


def fit_ggd(x_BN: Tensor) -> tuple[Tensor, Tensor]:
    """Shape and variance of a zero-mean generalised Gaussian by moments (Sharifi, Leon-Garcia 1995), each (B,).

    Not a number where all values of a sample are zero.
    """
    variance = x_BN.square().mean(dim=1)
    return _shape(x_BN.abs().mean(dim=1).square() / variance), variance


def fit_aggd(x_BN: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Shape, left and right standard deviation of an asymmetric generalised Gaussian (Lasmar et al. 2009), each (B,).

    Not a number where a sample has no negative or no positive value.
    """
    square = x_BN.square()
    left = (square * (x_BN < 0)).sum(dim=1) / (x_BN < 0).sum(dim=1)
    right = (square * (x_BN > 0)).sum(dim=1) / (x_BN > 0).sum(dim=1)
    ratio = (left / right).sqrt()
    r = x_BN.abs().mean(dim=1).square() / square.mean(dim=1)
    r = r * (ratio**3 + 1) * (ratio + 1) / (ratio**2 + 1).square()
    return _shape(r), left.sqrt(), right.sqrt()


def aggd_mean(shape_B: Tensor, left_B: Tensor, right_B: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean (br - bl) G(2/a) / G(1/a) of the asymmetric generalised Gaussian, and its scales bl and br."""
    log_1, log_2, log_3 = (torch.lgamma(k / shape_B) for k in (1, 2, 3))
    scale = ((log_1 - log_3) / 2).exp()
    low, high = left_B * scale, right_B * scale
    return (high - low) * (log_2 - log_1).exp(), low, high


def _shape(r_B: Tensor) -> Tensor:
    """The shape a in 0.2, 0.201, ... 10 whose G(2/a)^2 / (G(1/a) G(3/a)) is nearest to r; that ratio rises with a."""
    shapes_G = torch.arange(200, 10_001, dtype=torch.float64, device=r_B.device) / 1000
    log_1, log_2, log_3 = (torch.lgamma(k / shapes_G) for k in (1, 2, 3))
    ratios_G = (2 * log_2 - log_1 - log_3).exp()
    above = torch.searchsorted(ratios_G, r_B.double().contiguous()).clamp(1, len(ratios_G) - 1)
    nearer_below = r_B - ratios_G[above - 1] < ratios_G[above] - r_B
    shape = shapes_G[torch.where(nearer_below, above - 1, above)]
    return torch.where(r_B.isnan(), r_B, shape)
