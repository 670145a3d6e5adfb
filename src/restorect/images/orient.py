"""Turn stored pixels upright by the EXIF orientation."""

import numpy as np

from restorect.images.photo import Array


def upright(pixels: Array, orientation: int) -> Array:
    """Apply an EXIF orientation to an H x W or H x W x C array.

    Args:
        pixels: the stored picture.
        orientation: 1 to 8; anything else is taken as 1.

    Returns:
        The picture as it was meant to be seen; contiguous.
    """
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def upright_size(width: int, height: int, orientation: int) -> tuple[int, int]:
    """Give width and height once upright."""
    return (height, width) if orientation in (5, 6, 7, 8) else (width, height)
