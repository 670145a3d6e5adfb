"""Camera RAW, read through the optional rawpy: linear 16-bit RGB with sRGB's primaries, camera white balance."""

import io
from typing import Any

import numpy as np

from restorect.errors import ImageError
from restorect.images import icc
from restorect.images.codecs.tiff_metadata import exif_block
from restorect.images.header import Decoded, Header
from restorect.images.metadata import exif
from restorect.images.photo import Metadata

_MISSING = 'camera RAW needs an extra: pip install "restorect[raw]"'


def header(data: bytes, page: int) -> Header:
    """Read what LibRaw says about the file; LibRaw turns the picture upright itself."""
    library = _library()
    with _open(library, data) as raw:
        sizes = raw.sizes
        width, height = int(sizes.width), int(sizes.height)
        if sizes.flip in (5, 6):
            width, height = height, width
        block = exif_block(data) or _from_thumbnail(library, raw)
        return Header(
            width=width,
            height=height,
            channels=3,
            stored_bits=16,
            bit_depth=16,
            icc_profile=icc.linear_srgb(),
            metadata=Metadata(exif=block),
            linear=True,
        )


def decode(data: bytes, page: int, header: Header) -> Decoded:
    """Demosaic with the camera's white balance, without brightening and without a tone curve."""
    library = _library()
    with _open(library, data) as raw:
        pixels = raw.postprocess(
            gamma=(1, 1),
            no_auto_bright=True,
            use_camera_wb=True,
            output_bps=16,
            output_color=library.ColorSpace.sRGB,
        )
        return Decoded(pixels=np.asarray(pixels))


def _library() -> Any:  # noqa: ANN401 - a module
    try:
        import rawpy
    except ImportError as error:
        raise ImageError(_MISSING) from error
    return rawpy


def _open(library: Any, data: bytes) -> Any:  # noqa: ANN401 - rawpy's classes
    return library.imread(io.BytesIO(data))


def _from_thumbnail(library: Any, raw: Any) -> bytes | None:  # noqa: ANN401 - rawpy's classes
    """Take EXIF from the preview of files that are not TIFF inside (RAF, CR3)."""
    try:
        thumbnail = raw.extract_thumb()
    except library.LibRawError:
        return None
    if thumbnail.format != library.ThumbFormat.JPEG or thumbnail.data[6:10] != b"Exif":
        return None
    size = int.from_bytes(thumbnail.data[4:6], "big")
    return exif.bare(bytes(thumbnail.data[6 : 4 + size]))
