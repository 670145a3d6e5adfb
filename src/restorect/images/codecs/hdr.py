"""Radiance HDR: linear light in 32-bit float, coded as a shared exponent of 8 bits."""

import re

import cv2
import numpy as np

from restorect.images.header import Decoded, Header
from restorect.images.photo import Photo

_SIZE = re.compile(rb"\n\n-Y (\d{1,7}) \+X (\d{1,7})\n")


def header(data: bytes, page: int) -> Header:
    """Read the text header; only the usual pixel order is supported."""
    match = _SIZE.search(data[:65536])
    if match is None or b"FORMAT=32-bit_rle_xyze" in data[: match.start()]:
        raise ValueError("only RGB pixels in rows from the top left are supported")
    height, width = (int(text) for text in match.groups())
    return Header(width=width, height=height, channels=3, stored_bits=32, bit_depth=32, linear=True)


def decode(data: bytes, page: int, header: Header) -> Decoded:
    """Decode the pixels."""
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if bgr is None or bgr.ndim != 3:
        raise ValueError("OpenCV cannot read it")
    return Decoded(pixels=np.ascontiguousarray(bgr[..., ::-1], np.float32))


def encode(photo: Photo) -> tuple[bytes, tuple[str, ...]]:
    """Write an HDR; the photo is linear 32-bit float without alpha. Negative values become 0."""
    rgb = np.repeat(photo.pixels, 3, axis=2) if photo.channels == 1 else photo.pixels
    warnings = ("values below 0 are not kept by HDR",) if (rgb < 0).any() else ()
    done, coded = cv2.imencode(".hdr", np.ascontiguousarray(np.maximum(np.nan_to_num(rgb), 0)[..., ::-1]))
    if not done:
        raise ValueError("OpenCV cannot write this HDR")
    return coded.tobytes(), warnings
