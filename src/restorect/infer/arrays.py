"""Photographs as arrays or tensors, and as the networks see them.

Shapes: arrays HWC, tensors BCHW; float values are sRGB-encoded with black 0 and white 1.
"""

from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from restorect.errors import ImageError

Image = TypeVar("Image", NDArray[Any], Tensor)
_WHITE = {np.dtype(np.uint8): 255.0, np.dtype(np.uint16): 65535.0, np.dtype(np.float32): 1.0}


def to_tensor(image: NDArray[Any] | Tensor) -> Tensor:
    """(B, 3, H, W) float32 with white at 1, unbounded.

    Args:
        image: (H, W, 3) or (H, W) of uint8, uint16 or float32, or a float tensor (3, H, W) or (B, 3, H, W).

    Raises:
        ImageError: the image has another shape or type, no pixel, or NaN in it.
    """
    if not isinstance(image, Tensor | np.ndarray):
        raise ImageError(f"expected a numpy array or a torch tensor, got {type(image).__name__}")
    if isinstance(image, Tensor):
        tensor = image[None] if image.ndim == 3 else image
        if tensor.ndim != 4 or tensor.shape[1] != 3 or not tensor.is_floating_point():
            raise ImageError(f"expected a float tensor (B, 3, H, W), got {image.dtype} {tuple(image.shape)}")
        tensor = tensor.float()
    else:
        if image.dtype not in _WHITE:
            raise ImageError(f"expected uint8, uint16 or float32 pixels, got {image.dtype}; convert the array first")
        array = np.repeat(image[:, :, None], 3, axis=2) if image.ndim == 2 else image
        if array.ndim != 3 or array.shape[2] != 3:
            raise ImageError(f"expected an array (H, W, 3) or (H, W), got shape {image.shape}")
        scaled = array.astype(np.float32) / np.float32(_WHITE[image.dtype])
        tensor = torch.from_numpy(scaled).permute(2, 0, 1)[None]
    if 0 in tensor.shape:
        raise ImageError(f"expected an image with pixels in it, got shape {tuple(image.shape)}")
    if not bool(torch.isfinite(tensor).all()):
        raise ImageError("the image holds NaN or infinite values; repair them first")
    return tensor


def like(image: NDArray[Any] | Tensor, output: Tensor) -> NDArray[Any] | Tensor:
    """The output in the kind, shape, type and place of the image."""
    if isinstance(image, Tensor):
        return output.reshape(image.shape).to(image.device, image.dtype)
    array = output[0].permute(1, 2, 0).cpu().numpy()
    if image.ndim == 2:
        # The luminance, in a form that is exact where the channels are equal.
        array = array[..., 1] + 0.2126 * (array[..., 0] - array[..., 1]) + 0.0722 * (array[..., 2] - array[..., 1])
    if image.dtype == np.float32:
        return np.ascontiguousarray(array, dtype=np.float32)
    white = _WHITE[image.dtype]
    return np.ascontiguousarray(np.round(np.clip(array, 0, 1) * white).astype(image.dtype))


def sides_of(image: NDArray[Any] | Tensor) -> tuple[int, int] | None:
    """Height and width; None of what `to_tensor` refuses by its shape or type."""
    if isinstance(image, Tensor):
        fits = image.ndim in (3, 4) and image.shape[-3] == 3 and image.is_floating_point()
        return (image.shape[-2], image.shape[-1]) if fits and image.numel() else None
    if not isinstance(image, np.ndarray) or image.dtype not in _WHITE or not image.size:
        return None
    return image.shape[:2] if image.ndim == 2 or image.shape[2:] == (3,) else None


def copy_of(image: Image) -> Image:
    """The image once more, in memory of its own."""
    return image.clone() if isinstance(image, Tensor) else image.copy()
