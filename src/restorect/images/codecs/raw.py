"""Camera RAW, read through the optional rawpy: linear 16-bit RGB with sRGB's primaries, camera white balance.

LibRaw turns the picture upright itself. It prints about damaged files, and so works apart.
"""

import contextlib
import io
import json
import struct
from typing import Any

import numpy as np

from restorect.errors import ImageError
from restorect.images import icc
from restorect.images.codecs.apart import installed, run_apart
from restorect.images.codecs.tiff_metadata import exif_block
from restorect.images.header import Decoded, Header
from restorect.images.metadata import exif, xmp
from restorect.images.metadata.claims import without_settings
from restorect.images.metadata.ifd import read_directory, read_head
from restorect.images.orient import upright_size
from restorect.images.photo import Array, Metadata

_MISSING = 'camera RAW needs an extra: pip install "restorect[raw]"'
_ORIENTATIONS = {3: 3, 5: 8, 6: 6}  # of LibRaw's codes for turns
_XMP, _IPTC = 700, 33723
_PREVIEW = 70_000  # bytes, enough for its EXIF


def header(data: bytes, page: int) -> Header:
    """Read what LibRaw says about the file."""
    if not installed("rawpy"):
        raise ImageError(_MISSING)
    sizes, _, thumbnail = run_apart(_facts, data, library="LibRaw").tobytes().partition(b"\n")
    width, height, flip = json.loads(sizes)
    orientation = _ORIENTATIONS.get(flip, 1)
    width, height = upright_size(width, height, orientation)
    return Header(
        width=width,
        height=height,
        channels=3,
        stored_bits=16,
        bit_depth=16,
        icc_profile=icc.linear_srgb(),
        orientation=orientation,
        upright=True,
        metadata=_metadata(data, thumbnail),
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


def _metadata(data: bytes, thumbnail: bytes) -> Metadata:
    """Gather EXIF, IPTC, and XMP without the settings by which another program develops the file."""
    block, packet, iptc = exif_block(data), None, None
    with contextlib.suppress(ValueError, struct.error):
        head = read_head(data)
        entries = read_directory(data, head.first, head).entries
        packet = xmp.usable(entries[_XMP].data) if _XMP in entries else None
        iptc = entries[_IPTC].data if _IPTC in entries else None
    return Metadata(exif=block or _from_thumbnail(thumbnail), xmp=packet and without_settings(packet), iptc=iptc)


def _from_thumbnail(jpeg: bytes) -> bytes | None:
    """Take EXIF from the beginning of the preview, in files that are not TIFF inside (RAF, CR3)."""
    if jpeg[6:10] != b"Exif":
        return None
    size = int.from_bytes(jpeg[4:6], "big")
    return exif.bare(jpeg[6 : 4 + size])
