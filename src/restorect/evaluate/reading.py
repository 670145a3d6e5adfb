"""A photograph as it is judged: decoded like a user's, and refused where its pixels mean nothing.

Shapes: pictures H x W x 3 float32, sRGB-encoded.
"""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from restorect.errors import DataError
from restorect.images.colour import from_network, to_network
from restorect.images.photo import Photo
from restorect.images.read import read_photo

Picture = NDArray[np.float32]


def read_whole(path: Path) -> tuple[Photo, Picture]:
    """Read a photograph and what the networks see of it.

    Raises:
        ImageError: it cannot be read.
        DataError: pixels are not finite or not visible, and would be replaced by neighbours.
    """
    photo = read_photo(path)
    bad = int(np.count_nonzero(~np.isfinite(photo.pixels)))
    if bad:
        raise DataError(f"{path}: {bad} values are NaN or infinite; repair or remove it")
    hidden = 0 if photo.alpha is None else int(np.count_nonzero(photo.alpha == 0))
    if hidden:
        raise DataError(f"{path}: {hidden} pixels are fully transparent; flatten or remove it")
    return photo, to_network(photo)


def as_written(restored: Picture, photo: Photo) -> Picture:
    """A restored picture after the way into a file like the input's and out again: rounded and clipped as a user's.

    Raises:
        DataError: the picture has values that are not finite.
    """
    bad = int(np.count_nonzero(~np.isfinite(restored)))
    if bad:
        raise DataError(f"the method gave {bad} values that are NaN or infinite")
    return to_network(from_network(restored, photo))


def as_tensor(picture: Picture) -> Tensor:
    """(1, 3, H, W) float32 in [0, 1]; colours outside sRGB are clipped, as on a screen."""
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))[None].clamp(0, 1)
