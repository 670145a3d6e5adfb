"""Camera RAW, read through the optional rawpy: linear 16-bit RGB with sRGB's primaries, camera white balance.

LibRaw turns the picture upright itself. It prints about damaged files, and so works apart.
"""

import contextlib
import io
import json
from typing import Any

import numpy as np

from restorect.errors import ImageError
from restorect.images import icc
from restorect.images.codecs.apart import installed, run_apart
from restorect.images.codecs.tiff_metadata import exif_block
from restorect.images.header import Decoded, Header
from restorect.images.metadata import exif
from restorect.images.photo import Array, Metadata

_MISSING = 'camera RAW needs an extra: pip install "restorect[raw]"'
_TURNED = (5, 6)  # LibRaw's codes for a quarter turn
_PREVIEW = 70_000  # bytes, enough for its EXIF


def header(data: bytes, page: int) -> Header:
    """Read what LibRaw says about the file."""
    if not installed("rawpy"):
        raise ImageError(_MISSING)
    sizes, _, thumbnail = run_apart(_facts, data, library="LibRaw").tobytes().partition(b"\n")
    width, height, flip = json.loads(sizes)
    if flip in _TURNED:
        width, height = height, width
    return Header(
        width=width,
        height=height,
        channels=3,
        stored_bits=16,
        bit_depth=16,
        icc_profile=icc.linear_srgb(),
        metadata=Metadata(exif=exif_block(data) or _from_thumbnail(thumbnail)),
        linear=True,
    )


def decode(data: bytes, page: int, header: Header) -> Decoded:
    """Develop the picture."""
    return Decoded(pixels=run_apart(_pixels, data, library="LibRaw", megapixels=header.width * header.height / 1e6))


def _facts(data: bytes) -> Array:
    """Give width, height and turn as a line of JSON, and behind it the beginning of the preview; as bytes."""
    import rawpy

    with rawpy.imread(io.BytesIO(data)) as raw:
        sizes, start = raw.sizes, b""
        with contextlib.suppress(rawpy.LibRawError):
            thumbnail = raw.extract_thumb()
            if thumbnail.format == rawpy.ThumbFormat.JPEG:
                start = bytes(thumbnail.data[:_PREVIEW])
        numbers = [int(number) for number in (sizes.width, sizes.height, sizes.flip)]
    return np.frombuffer(json.dumps(numbers).encode() + b"\n" + start, np.uint8)


def _pixels(data: bytes) -> Array:
    """Demosaic with the camera's white balance, without brightening and without a tone curve."""
    import rawpy

    linear: dict[str, Any] = {"gamma": (1, 1), "no_auto_bright": True, "use_camera_wb": True, "output_bps": 16}
    with rawpy.imread(io.BytesIO(data)) as raw:
        return np.asarray(raw.postprocess(output_color=rawpy.ColorSpace.sRGB, **linear))


def _from_thumbnail(jpeg: bytes) -> bytes | None:
    """Take EXIF from the beginning of the preview, in files that are not TIFF inside (RAF, CR3)."""
    if jpeg[6:10] != b"Exif":
        return None
    size = int.from_bytes(jpeg[4:6], "big")
    return exif.bare(jpeg[6 : 4 + size])
