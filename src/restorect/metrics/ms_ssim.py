"""Multi-scale structural similarity (Wang, Simoncelli, Bovik, Asilomar 2003).

Shapes: B samples, C channels, H x W pixels.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from restorect.metrics.psnr import comparable
from restorect.metrics.ssim import WINDOW, similarities

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Exponents of the five scales, finest first; they sum to 1."""

SMALLEST = WINDOW * 2 ** (len(WEIGHTS) - 1)
"""The shortest side that still has a full window at the coarsest scale, 176 pixels."""


def ms_ssim(output_BCHW: Tensor, target_BCHW: Tensor, *, data_range: float = 1.0) -> Tensor:
    """Multi-scale structural similarity of each sample: prod_j (mean cs_j)^w_j, with luminance at the coarsest scale.

    The windows are those of `ssim`; each scale halves the last by the mean of 2 x 2 pixels (an odd last row or column
    is dropped). Per channel, then the mean over channels. A mean that is negative counts as 0: a negative number has
    no such power.

    Args:
        output_BCHW: the restored images, floating point.
        target_BCHW: the references, of the same shape.
        data_range: the distance between black and white: 1.0, or 255.0 for 8-bit values.

    Returns:
        (B,) in [0, 1], 1 for identical images; float32 (float64 for float64 images).

    Raises:
        ValueError: shapes differ or are not (B, C, H, W), integers, or a side shorter than 176 pixels.
    """
    x_BCHW, y_BCHW = comparable(output_BCHW, target_BCHW, data_range)
    height, width = x_BCHW.shape[-2:]
    if min(height, width) < SMALLEST:
        raise ValueError(f"MS-SSIM needs images of at least {SMALLEST}x{SMALLEST} pixels, got {height}x{width}")
    product = torch.ones_like(x_BCHW[:, :, 0, 0])
    for scale, weight in enumerate(WEIGHTS):
        luminance, contrast_structure = similarities(x_BCHW, y_BCHW)
        last = scale == len(WEIGHTS) - 1
        similarity = luminance * contrast_structure if last else contrast_structure
        product = product * similarity.mean(dim=(2, 3)).clamp_min(0) ** weight
        x_BCHW, y_BCHW = F.avg_pool2d(x_BCHW, 2), F.avg_pool2d(y_BCHW, 2)
    return product.mean(dim=1)
