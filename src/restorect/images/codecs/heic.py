"""HEIC, read through the optional pi-heif: 8 bit, and 10 or 12 bit held as 16 bit."""

import io
from dataclasses import replace

import numpy as np

from restorect.errors import ImageError
from restorect.images.codecs.apart import installed, run_apart
from restorect.images.codecs.avif import widen
from restorect.images.codecs.png import split_alpha
from restorect.images.codecs.still import read_still
from restorect.images.header import Decoded, Header
from restorect.images.orient import upright_size
from restorect.images.photo import Array

_MISSING = 'HEIC needs an extra: pip install "restorect[heif]"'


def header(data: bytes, page: int) -> Header:
    """Read the boxes of the still picture; libheif turns it upright itself."""
    if not installed("pi_heif"):
        raise ImageError(_MISSING)
    still = read_still(data)
    width, height = upright_size(*(still.crop or (still.width, still.height)), still.orientation)
    return replace(still.header(planes=3), width=width, height=height, upright=True, pages=still.pictures)


def decode(data: bytes, page: int, header: Header) -> Decoded:
    """Decode the primary picture, or another one of the file."""
    frame = run_apart(_pixels, data, page, library="libheif", megapixels=header.width * header.height / 1e6)
    if frame.ndim == 3 and frame.dtype == np.uint16 and header.bit_depth == 8:
        raise ValueError("its depth is not the one its header says")
    if frame.dtype == np.uint16 and header.stored_bits < 16:
        frame = widen(frame >> (16 - header.stored_bits), header.stored_bits)
    return split_alpha(frame)


def _pixels(data: bytes, page: int) -> Array:
    """Decode apart: libheif can crash on damaged files (pi-heif 1.4 with libheif 1.23 does)."""
    import pi_heif

    found = pi_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=False)
    if page >= len(found):
        raise ImageError(f"has no page {page}: choose a smaller --page")
    first = found.primary_index
    order = [first, *(index for index in range(len(found)) if index != first)]
    image = found[order[page]]
    return np.array(image)  # copied while it lives: the memory of its pixels is libheif's, and nothing else holds it
