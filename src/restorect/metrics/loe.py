"""Lightness order error (Wang, Zheng, Hu, Li, IEEE TIP 22(9), 2013): how far enhancing changed what is brighter.

Shapes: B samples, H x W pixels, N sampled points.
"""

from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from restorect.metrics.inputs import eight_bit, rgb_pair

Variant = Literal["npe", "grid100"]

_WINDOW = 15  # the authors take the maximum over 7 pixels to each side
_SHORT_SIDE = 50
_GRID = 100


def loe(output_BCHW: Tensor, input_BCHW: Tensor, *, variant: Variant = "npe") -> Tensor:
    """Lightness order error between enhanced images and the *inputs they were made from*, not a ground truth.

    L = max(R, G, B) of the 8-bit values. LOE = 1/N sum_i sum_j [L_i >= L_j] xor [L'_i >= L'_j] over N sampled points:
    a count of points, so it grows with N, and figures of two variants or resolutions are not comparable.

    Args:
        output_BCHW: the enhanced images (B, 3, H, W), sRGB in [0, 1].
        input_BCHW: the images before enhancing, of the same shape.
        variant: "npe", as the authors' program computes the figures of the paper: local maximum of 15 x 15 pixels,
            then every s-th row and column, s = floor(short side / 50). "grid100", as the program published with
            BIMEF (Ying et al. 2017) computes it: 100 x 100 points evenly over the image, N = 10,000.

    Returns:
        (B,) in [0, N], lower is better, 0 where no order changed; float32.

    Raises:
        ValueError: shapes differ or are not (B, 3, H, W); an unknown variant; a side under 50 pixels for "npe".
    """
    if variant not in get_args(Variant):
        raise ValueError(f"LOE variant {variant!r}: choose from {', '.join(get_args(Variant))}")
    output, before = rgb_pair(output_BCHW, input_BCHW, smallest=_SHORT_SIDE if variant == "npe" else 1)
    sample = _strided if variant == "npe" else _grid
    lightness = [sample(eight_bit(image).amax(dim=1, keepdim=True)) for image in (output, before)]
    return torch.stack([_disorder(after, first) for after, first in zip(*lightness, strict=True)]).float()


def _strided(lightness_B1HW: Tensor) -> Tensor:
    """Local maxima, mirrored at the border, at every s-th pixel, starting with the s-th: (B, 1, H, W) -> (B, N)."""
    margin = _WINDOW // 2
    mirrored = F.pad(lightness_B1HW, (margin,) * 4, mode="reflect")
    largest = F.max_pool2d(mirrored, _WINDOW, stride=1)
    step = min(lightness_B1HW.shape[-2:]) // _SHORT_SIDE
    return largest[:, 0, step - 1 :: step, step - 1 :: step].flatten(1)


def _grid(lightness_B1HW: Tensor) -> Tensor:
    """100 x 100 points from corner to corner: (B, 1, H, W) -> (B, 10000)."""
    rows, columns = (_evenly(length, lightness_B1HW.device) for length in lightness_B1HW.shape[-2:])
    return lightness_B1HW[:, 0, rows][:, :, columns].flatten(1)


def _evenly(length: int, device: torch.device) -> Tensor:
    """100 indices from the first pixel to the last, halves rounded up as MATLAB rounds them."""
    return (torch.linspace(1, length, _GRID, dtype=torch.float64) + 0.5).floor().long().to(device) - 1


def _disorder(after_N: Tensor, before_N: Tensor) -> Tensor:
    """Mean over points of how many others changed sides; row by row, so that memory stays linear in N."""
    changed = [((a >= after_N) ^ (b >= before_N)).sum() for a, b in zip(after_N, before_N, strict=True)]
    return torch.stack(changed).double().mean()
