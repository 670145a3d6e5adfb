"""Turn stored pixels upright by the EXIF orientation."""

from functools import cache

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


@cache
def combined(first: int, then: int) -> int:
    """Give the one orientation that does what two do, one after the other."""
    mark = np.arange(6).reshape(2, 3)
    wanted = upright(upright(mark, first), then)
    return next(turn for turn in range(1, 9) if np.array_equal(upright(mark, turn), wanted))


def remaining(done: int, wanted: int) -> int:
    """Give what is still to do to a picture turned by `done` that ought to be turned by `wanted`."""
    return next(turn for turn in range(1, 9) if combined(done, turn) == wanted)


def upright_size(width: int, height: int, orientation: int) -> tuple[int, int]:
    """Give width and height once upright."""
    return (height, width) if orientation in (5, 6, 7, 8) else (width, height)
