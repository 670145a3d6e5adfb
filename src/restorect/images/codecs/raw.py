"""Camera RAW, read through the optional rawpy: linear 16-bit RGB with sRGB's primaries, camera white balance.

LibRaw turns the picture upright itself. It prints about damaged files, and so works in a process of its own.
"""

import io
import json

import numpy as np

from restorect.errors import ImageError
from restorect.images import icc
from restorect.images.codecs.apart import installed, run_apart
from restorect.images.codecs.tiff_metadata import exif_block
from restorect.images.header import Decoded, Header
from restorect.images.metadata import exif
from restorect.images.photo import Metadata

_MISSING = 'camera RAW needs an extra: pip install "restorect[raw]"'
_TURNED = (5, 6)  # LibRaw's codes for a quarter turn
_HEADER = """
import io, json, sys, rawpy
with rawpy.imread(io.BytesIO(sys.stdin.buffer.read())) as raw:
    sizes, start = raw.sizes, b""
    try:
        thumbnail = raw.extract_thumb()
        if thumbnail.format == rawpy.ThumbFormat.JPEG:
            start = bytes(thumbnail.data[:70000])
    except rawpy.LibRawError:
        pass
    numbers = [int(number) for number in (sizes.width, sizes.height, sizes.flip)]
    sys.stdout.buffer.write(json.dumps(numbers).encode() + b"\\n" + start)
"""
# Demosaiced with the camera's white balance, without brightening and without a tone curve.
_DECODER = """
import io, sys, numpy, rawpy
with rawpy.imread(io.BytesIO(sys.stdin.buffer.read())) as raw:
    pixels = raw.postprocess(
        gamma=(1, 1), no_auto_bright=True, use_camera_wb=True, output_bps=16, output_color=rawpy.ColorSpace.sRGB
    )
    numpy.save(sys.stdout.buffer, numpy.asarray(pixels), allow_pickle=False)
"""


def header(data: bytes, page: int) -> Header:
    """Read what LibRaw says about the file."""
    if not installed("rawpy"):
        raise ImageError(_MISSING)
    _, result = run_apart(_HEADER, [], data, library="LibRaw")
    sizes, _, thumbnail = result.partition(b"\n")
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
    megapixels = header.width * header.height / 1e6
    _, result = run_apart(_DECODER, [], data, library="LibRaw", megapixels=megapixels)
    return Decoded(pixels=np.load(io.BytesIO(result), allow_pickle=False))


def _from_thumbnail(jpeg: bytes) -> bytes | None:
    """Take EXIF from the beginning of the preview, in files that are not TIFF inside (RAF, CR3)."""
    if jpeg[6:10] != b"Exif":
        return None
    size = int.from_bytes(jpeg[4:6], "big")
    return exif.bare(jpeg[6 : 4 + size])
