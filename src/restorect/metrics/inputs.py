"""What every metric checks of the images it is given.

Shapes: B samples, H x W pixels.
"""

import torch
from torch import Tensor


def rgb_batch(image_BCHW: Tensor, *, smallest: int = 1) -> Tensor:
    """Check a batch of colour images: (B, 3, H, W), floating point; float32 out, or float64 if it came so.

    Args:
        image_BCHW: sRGB-encoded images in [0, 1].
        smallest: the fewest pixels that the metric needs in each direction.

    Raises:
        ValueError: another shape, integers, values that are not finite, or a side shorter than `smallest`.
    """
    if image_BCHW.ndim != 4 or image_BCHW.shape[1] != 3:
        raise ValueError(f"needs colour images of shape (B, 3, H, W), got {tuple(image_BCHW.shape)}")
    if not image_BCHW.is_floating_point():
        raise ValueError(f"needs floating point images in [0, 1], got {image_BCHW.dtype}")
    height, width = image_BCHW.shape[-2:]
    if min(height, width) < smallest:
        raise ValueError(f"needs images of at least {smallest}x{smallest} pixels, got {height}x{width}")
    if not bool(image_BCHW.isfinite().all()):
        raise ValueError("holds pixels that are not finite (NaN or infinity)")
    return image_BCHW if image_BCHW.dtype == torch.float64 else image_BCHW.float()


def rgb_pair(output_BCHW: Tensor, target_BCHW: Tensor, *, smallest: int = 1) -> tuple[Tensor, Tensor]:
    """Check two batches of colour images of one shape, as `rgb_batch` does each, and bring them to one dtype.

    Raises:
        ValueError: see `rgb_batch`; or the shapes differ.
    """
    if output_BCHW.shape != target_BCHW.shape:
        raise ValueError(f"compares images of one shape, got {tuple(output_BCHW.shape)} and {tuple(target_BCHW.shape)}")
    output, target = rgb_batch(output_BCHW, smallest=smallest), rgb_batch(target_BCHW, smallest=smallest)
    dtype = torch.promote_types(output.dtype, target.dtype)
    return output.to(dtype), target.to(dtype)


def eight_bit(image_BCHW: Tensor) -> Tensor:
    """Values 0, 1, ... 255 in float64: what a metric defined on 8-bit files sees of an image in [0, 1]."""
    return (image_BCHW.double().clamp(0, 1) * 255).round()
