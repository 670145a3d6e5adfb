"""PNG and plain TIFF by Pillow and OpenCV, where there is no imagecodecs: the same pixels, of fewer kinds of files."""

import io
from typing import Any

import cv2
import numpy as np
from PIL import PngImagePlugin

from restorect.errors import ImageError
from restorect.images.header import Header
from restorect.images.photo import Array


def png(data: bytes, header: Header) -> Array:
    """Decode a PNG's picture: H x W, or H x W x 2, 3 or 4.

    Raises:
        OSError: it is damaged or cut off. OpenCV would fill what is missing with grey, so Pillow always looks first.
        ValueError: likewise.
    """
    image: Any = PngImagePlugin.PngImageFile(io.BytesIO(data))
    image.load()
    if header.bit_depth == 16:
        return _sixteen_bits(data, header)
    mode = ("LA" if header.has_alpha else "L") if header.channels == 1 else ("RGBA" if header.has_alpha else "RGB")
    return np.asarray(image if image.mode == mode else image.convert(mode))


def tiff(data: bytes, page: int, header: Header) -> Array:
    """Decode a TIFF of one upright picture of 8 or 16 bit without alpha.

    Raises:
        ImageError: it is of another kind.
    """
    usual = header.options["photometric"] in "12" and header.options["by"] == "tifffile"
    whole = page == 0 and header.orientation == 1 and header.stored_bits in (8, 16) and not header.has_alpha
    frame = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) if usual and whole else None
    if frame is None:
        raise ImageError("is of a kind that needs imagecodecs and tifffile: pip install imagecodecs tifffile")
    return _red_first(frame)


def _sixteen_bits(data: bytes, header: Header) -> Array:
    frame = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if frame is None:
        raise ValueError("OpenCV cannot read it")
    frame = _red_first(frame)
    if header.channels == 1 and frame.ndim == 3:  # grey with alpha, which it gives as colours
        return np.ascontiguousarray(frame[..., [0, -1]])
    return frame


def _red_first(frame: Array) -> Array:
    if frame.ndim == 2:
        return frame
    return np.ascontiguousarray(frame[..., {1: [0], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[frame.shape[2]]])
