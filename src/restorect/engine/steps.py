"""What is done around the graphs, on arrays; tests hold it against what `render` and `infer.subject` do on tensors.

Shapes: arrays (H, W, 3) float32, sRGB-encoded, in [0, 1].
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from restorect.images.curves import decode_srgb, encode_srgb
from restorect.retina import darkness, lit_field

Floats = NDArray[np.float32]
_FEATHER = 0.02  # of the field's radius, as in `render.field_of_view`


def area_means(planes: Floats, side: int) -> Floats:
    """(1, 3, H, W) to (1, 3, side, side), as `nets.area.area_means`."""
    rows, columns = (_area_matrix(size, side) for size in planes.shape[2:])
    return np.asarray(rows @ planes @ columns.T, np.float32)


def _area_matrix(size: int, cells: int) -> Floats:
    cell, pixel = np.arange(cells)[:, None], np.arange(size)
    inside = (pixel >= cell * size // cells) & (pixel < -(-(cell + 1) * size // cells))
    return np.asarray(inside / inside.sum(axis=1, keepdims=True), np.float32)


def brightened(image: Floats, stops: float) -> Floats:
    """As `render.brightness.brightened`."""
    light, k = decode_srgb(image), np.float32(2.0**stops)
    brightest = light.max(axis=2, keepdims=True)
    return encode_srgb(light * (k / (1 - brightest + k * brightest)))


def kept_outside(photo: Floats, output: Floats) -> Floats:
    """As `render.field_of_view.keep_outside`."""
    field = lit_field(darkness(photo.max(axis=2)))
    if field.all():
        return output
    depth = cv2.distanceTransform(field.astype(np.uint8), cv2.DIST_L2, 3)
    fade = max(1.0, _FEATHER * max(int(field.any(axis=axis).sum()) for axis in (0, 1)) / 2)
    share = ((depth - 1) / np.float32(fade)).clip(0, 1)[..., None]
    mixed = photo + share * (output - photo)
    return np.where(field[..., None], np.where(share < 1, mixed, output), photo)


def blended(photo: Floats, output: Floats, strength: float) -> Floats:
    """In linear light, as `infer.subject` does it; what is the same stays so."""
    if strength == 1:
        return output
    mixed = encode_srgb((1 - strength) * decode_srgb(photo) + strength * decode_srgb(output))
    return np.where(output == photo, photo, mixed)
