"""HEIC, read through the optional pi-heif: 8 bit, and 10 or 12 bit held as 16 bit."""

import importlib.util
import io
import subprocess
import sys

import numpy as np

from restorect.errors import ImageError
from restorect.images import cicp
from restorect.images.codecs.avif import widen
from restorect.images.codecs.boxes import read_still
from restorect.images.codecs.png import split_alpha
from restorect.images.header import Decoded, Header
from restorect.images.metadata import exif, xmp
from restorect.images.orient import upright_size
from restorect.images.photo import Metadata

_MISSING = 'HEIC needs an extra: pip install "restorect[heif]"'
_SECONDS = 30
_NO_PAGE = 7
_DECODER = f"""
import sys
sys.path[:] = [path for path in sys.path if path]
import io, numpy, pi_heif
page = int(sys.argv[1])
found = pi_heif.open_heif(io.BytesIO(sys.stdin.buffer.read()), convert_hdr_to_8bit=False)
if page >= len(found):
    sys.exit({_NO_PAGE})
numpy.save(sys.stdout.buffer, numpy.asarray(found[page] if page else found), allow_pickle=False)
"""


def header(data: bytes, page: int) -> Header:
    """Read the boxes of the still picture; libheif turns it upright itself."""
    _need_library()
    still = read_still(data)
    profile = still.icc
    warnings: tuple[str, ...] = ()
    if profile is None and still.code_points is not None:
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
        metadata=Metadata(exif=exif.bare(still.exif), xmp=xmp.usable(still.xmp)),
        pages=1,
        lossless=False,
        warnings=warnings,
    )


def decode(data: bytes, page: int, header: Header) -> Decoded:
    """Decode the primary picture, or another one of the file, in a process of its own.

    libheif can crash on damaged files (pi-heif 1.4 with libheif 1.23 does); only that process dies of it.
    """
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and code; the file goes in as data
            [sys.executable, "-c", _DECODER, str(page)],
            input=data,
            capture_output=True,
            timeout=_SECONDS + header.width * header.height / 1e6,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ValueError("libheif does not come to an end") from error
    if done.returncode == _NO_PAGE:
        raise ImageError(f"has no page {page}: choose a smaller --page")
    if done.returncode != 0:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise ValueError(lines[-1] if done.returncode > 0 and lines else "libheif crashed on it")
    frame = np.load(io.BytesIO(done.stdout), allow_pickle=False)
    if frame.ndim == 3 and frame.dtype == np.uint16 and header.bit_depth == 8:
        raise ValueError("its depth is not the one its header says")
    if frame.dtype == np.uint16 and header.stored_bits < 16:
        frame = widen(frame >> (16 - header.stored_bits), header.stored_bits)
    return split_alpha(frame)


def _need_library() -> None:
    """Raise ImageError with the extra's name when pi-heif is not installed."""
    try:
        found = importlib.util.find_spec("pi_heif")
    except ValueError:  # a module set to None in sys.modules
        found = None
    if found is None:
        raise ImageError(_MISSING)
