"""A photograph as it is seen, in 8 bit: what training, and the fitting of metrics, take in.

The same reader as a user's photo goes through, so that a network learns from the pictures it will be given: upright, in
sRGB whatever the file's colours are, and with hidden pixels filled.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from restorect.errors import DataError
from restorect.images.colour import is_plain, to_depth, to_network
from restorect.images.read import open_photo, read_photo


def read_srgb(path: Path) -> NDArray[np.uint8]:
    """Read a photograph as (H, W, 3) uint8 sRGB, contiguous and writable; deeper ones are rounded.

    Raises:
        ImageError: it cannot be read.
        DataError: its pixels are floats, which have no white that 8 bit could end at.
    """
    photo = read_photo(path)
    if photo.bit_depth == 32:
        raise DataError(f"{path}: float32 pixels are no training image; use 8 or 16 bit")
    if photo.bit_depth == 8 and is_plain(photo):
        return (
            np.repeat(photo.pixels, 3, axis=2)
            if photo.channels == 1
            else np.require(photo.pixels, requirements=["C", "W"])
        )
    return np.asarray(to_depth(to_network(photo), 8), np.uint8)


def size_of(path: Path) -> tuple[int, int]:
    """(width, height) of a photograph when upright, from its header.

    Raises:
        ImageError: it cannot be read.
    """
    info = open_photo(path).info
    return info.width, info.height
