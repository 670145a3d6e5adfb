"""Peak signal-to-noise ratio, on RGB and on the luma channel.

Shapes: B samples, C channels, H x W pixels.
"""

import torch
from torch import Tensor

# ITU-R BT.601, limited range: full-range RGB in [0, 1] to Y in [16, 235] / 255.
_LUMA_WEIGHTS = (65.481 / 255, 128.553 / 255, 24.966 / 255)
_LUMA_OFFSET = 16 / 255


def psnr(output_BCHW: Tensor, target_BCHW: Tensor, *, data_range: float = 1.0) -> Tensor:
    """Peak signal-to-noise ratio of each sample, 10 log10(data_range^2 / MSE), over all its channels and pixels.

    Args:
        output_BCHW: the restored images, floating point.
        target_BCHW: the references, of the same shape.
        data_range: the distance between black and white: 1.0, or 255.0 for 8-bit values.

    Returns:
        (B,) decibels, float32 (float64 for float64 images); infinity where the two are identical.

    Raises:
        ValueError: the shapes differ, are not (B, C, H, W), or hold integers.
    """
    output_BCHW, target_BCHW = comparable(output_BCHW, target_BCHW, data_range)
    mse_B = (output_BCHW - target_BCHW).square().mean(dim=(1, 2, 3))
    return -10 * mse_B.log10()


def psnr_y(output_BCHW: Tensor, target_BCHW: Tensor, *, data_range: float = 1.0) -> Tensor:
    """PSNR of the luma Y of ITU-R BT.601 in its limited range (16 to 235 of 255), as super-resolution reports it.

    Args and returns are those of `psnr`; the images must have 3 channels, red first.
    """
    output_BCHW, target_BCHW = comparable(output_BCHW, target_BCHW, data_range)
    return psnr(luma(output_BCHW), luma(target_BCHW))


def luma(image_BCHW: Tensor) -> Tensor:
    """Limited-range BT.601 luma of RGB in [0, 1]: (B, 3, H, W) -> (B, 1, H, W), values in [16/255, 235/255]."""
    if image_BCHW.shape[1] != 3:
        raise ValueError(f"luma needs 3 channels, got {image_BCHW.shape[1]}")
    weights = image_BCHW.new_tensor(_LUMA_WEIGHTS).view(1, 3, 1, 1)
    return (image_BCHW * weights).sum(dim=1, keepdim=True) + _LUMA_OFFSET


def comparable(output_BCHW: Tensor, target_BCHW: Tensor, data_range: float) -> tuple[Tensor, Tensor]:
    """Check two image batches and bring them to a range of 1, in float32 or, if either has it, float64.

    Raises:
        ValueError: the shapes differ, are not (B, C, H, W), or hold integers; or `data_range` is not positive.
    """
    if output_BCHW.shape != target_BCHW.shape or output_BCHW.ndim != 4:
        raise ValueError(
            "metrics compare two batches of one shape (B, C, H, W), "
            f"got {tuple(output_BCHW.shape)} and {tuple(target_BCHW.shape)}"
        )
    if not (output_BCHW.is_floating_point() and target_BCHW.is_floating_point()):
        raise ValueError(f"metrics need floating point images, got {output_BCHW.dtype} and {target_BCHW.dtype}")
    if not data_range > 0:
        raise ValueError(f"data_range must be positive, got {data_range}")
    wide = torch.float64 in (output_BCHW.dtype, target_BCHW.dtype)
    dtype = torch.float64 if wide else torch.float32
    return output_BCHW.to(dtype) / data_range, target_BCHW.to(dtype) / data_range
