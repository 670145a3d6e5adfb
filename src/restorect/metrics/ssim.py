"""Structural similarity (Wang, Bovik, Sheikh, Simoncelli, IEEE TIP 13(4), 2004).

Shapes: B samples, C channels, H x W pixels.
"""

import functools
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor

from restorect.devices import exact_products
from restorect.metrics.psnr import comparable

WINDOW = 11
"""Side of the Gaussian window in pixels; also the smallest side of an image that has an SSIM."""

SIGMA = 1.5
"""Standard deviation of the window in pixels."""

_C1 = 0.01**2
_C2 = 0.03**2


def ssim(output_BCHW: Tensor, target_BCHW: Tensor, *, data_range: float = 1.0) -> Tensor:
    """Structural similarity of each sample: the mean over all channels and all full windows.

    The settings of the original paper: Gaussian window 11 x 11, sigma 1.5, K1 = 0.01, K2 = 0.03, biased moments, valid
    windows only. Equal to scikit-image with `gaussian_weights=True, sigma=1.5, use_sample_covariance=False`, whose
    mean also leaves out the border.

    Args:
        output_BCHW: the restored images, floating point.
        target_BCHW: the references, of the same shape.
        data_range: the distance between black and white: 1.0, or 255.0 for 8-bit values.

    Returns:
        (B,) in [-1, 1], 1 for identical images; float32 (float64 for float64 images).

    Raises:
        ValueError: shapes differ or are not (B, C, H, W), integers, or a side shorter than 11 pixels.
    """
    return ssim_map(output_BCHW, target_BCHW, data_range=data_range).mean(dim=(1, 2, 3))


def ssim_map(output_BCHW: Tensor, target_BCHW: Tensor, *, data_range: float = 1.0) -> Tensor:
    """The local similarities that `ssim` averages: (B, C, H, W) -> (B, C, H - 10, W - 10); arguments as there."""
    x_BCHW, y_BCHW = comparable(output_BCHW, target_BCHW, data_range)
    height, width = x_BCHW.shape[-2:]
    if min(height, width) < WINDOW:
        raise ValueError(f"SSIM needs images of at least {WINDOW}x{WINDOW} pixels, got {height}x{width}")
    luminance, contrast_structure = similarities(x_BCHW, y_BCHW)
    return luminance * contrast_structure


def similarities(x_BCHW: Tensor, y_BCHW: Tensor) -> tuple[Tensor, Tensor]:
    """Luminance term l and contrast-structure term cs of every full window, of images in a range of 1."""
    # Five moments in one pass; E[x^2] - E[x]^2 loses less precision around zero, and variances ignore the shift.
    x, y = x_BCHW - 0.5, y_BCHW - 0.5
    moments = _window_mean(torch.cat([x, y, x * x, y * y, x * y], dim=1))
    mean_x, mean_y, mean_xx, mean_yy, mean_xy = moments.chunk(5, dim=1)
    var_x, var_y = mean_xx - mean_x.square(), mean_yy - mean_y.square()
    covariance = mean_xy - mean_x * mean_y
    mean_x, mean_y = mean_x + 0.5, mean_y + 0.5
    luminance = (2 * mean_x * mean_y + _C1) / (mean_x.square() + mean_y.square() + _C1)
    contrast_structure = (2 * covariance + _C2) / (var_x + var_y + _C2)
    return luminance, contrast_structure


def _window_mean(x_BCHW: Tensor) -> Tensor:
    """Gaussian-weighted mean over every full window, as two depthwise convolutions; on a GPU as two products."""
    if x_BCHW.is_cuda:
        return cast(Tensor, BandProducts.apply(x_BCHW.contiguous()))  # type: ignore[no-untyped-call]
    weight, channels = _window(x_BCHW.device, x_BCHW.dtype), x_BCHW.shape[1]
    with torch.autocast(x_BCHW.device.type, enabled=False):
        columns = F.conv2d(x_BCHW, weight.view(1, 1, -1, 1).repeat(channels, 1, 1, 1), groups=channels)
        return F.conv2d(columns, weight.view(1, 1, 1, -1).repeat(channels, 1, 1, 1), groups=channels)


class BandProducts(torch.autograd.Function):
    """The same by matrices whose rows are the window: cuDNN takes several times as long for depthwise convolutions."""

    @staticmethod
    def forward(ctx: Any, x_BCHW: Tensor) -> Tensor:  # noqa: ANN401 - torch hides its type
        """(B, C, H, W) to (B, C, H - 10, W - 10)."""
        ctx.rows, ctx.columns = (_bands(size, x_BCHW.device, x_BCHW.dtype) for size in x_BCHW.shape[-2:])
        return BandProducts._product(ctx.rows, x_BCHW, ctx.columns.T)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # noqa: ANN401
        """The transposed products."""
        return BandProducts._product(ctx.rows.T, gradient, ctx.columns)

    @staticmethod
    def _product(left: Tensor, x: Tensor, right: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False), exact_products():
            return left @ x @ right


@functools.cache
def _bands(size: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """(size - 10, size): row i is the window at i."""
    weight = _window(torch.device("cpu"), dtype)
    rows = torch.zeros(size - WINDOW + 1, size, dtype=dtype)
    for place, row in enumerate(rows):
        row[place : place + WINDOW] = weight
    return rows.to(device)


@functools.cache
@torch.inference_mode(False)  # made there, it could never be used in training
def _window(device: torch.device, dtype: torch.dtype) -> Tensor:
    """The Gaussian window (11,), made once a device: moving it there in every call stops a GPU's queue."""
    offset = torch.arange(WINDOW, dtype=torch.float64) - WINDOW // 2
    weight = torch.exp(-offset.square() / (2 * SIGMA**2))
    return (weight / weight.sum()).to(device, dtype)
