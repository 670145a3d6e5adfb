"""HEIC, read through the optional pi-heif: 8 bit, and 10 or 12 bit held as 16 bit."""

import io

import numpy as np

from restorect.errors import ImageError
from restorect.images import cicp
from restorect.images.codecs.apart import installed, run_apart
from restorect.images.codecs.avif import widen
from restorect.images.codecs.png import split_alpha
from restorect.images.codecs.still import read_still
from restorect.images.header import Decoded, Header
from restorect.images.metadata import exif, xmp
from restorect.images.orient import upright_size
from restorect.images.photo import Array, Metadata

_MISSING = 'HEIC needs an extra: pip install "restorect[heif]"'


def header(data: bytes, page: int) -> Header:
    """Read the boxes of the still picture; libheif turns it upright itself."""
    if not installed("pi_heif"):
        raise ImageError(_MISSING)
    still = read_still(data)
    profile = still.icc
    warnings: tuple[str, ...] = ()
    points = still.hdr_code_points
    if profile is None and still.code_points is not None and points is None:
        profile, warnings = cicp.profile(*still.code_points)
    width, height = upright_size(*(still.crop or (still.width, still.height)), still.orientation)
    return Header(
        width=width,
        height=height,
        channels=3,
        stored_bits=still.bits,
        bit_depth=8 if still.bits == 8 else 16,
        has_alpha=still.alpha,
        icc_profile=profile,
        code_points=points,
        metadata=Metadata(exif=exif.bare(still.exif), xmp=xmp.usable(still.xmp)),
        orientation=still.orientation,
        upright=True,
        pages=still.pictures,
        names_colours=still.code_points is not None and still.code_points != (2, 2),
        lossless=False,
        beside=still.beside,
        warnings=warnings,
    )


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
