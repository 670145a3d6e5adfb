"""BMP: 8 bit, grey, palette, RGB, alpha; bit fields of any width."""

import io
import struct
from typing import Any

import cv2
import numpy as np
from PIL import BmpImagePlugin, Image

from restorect.errors import ImageError
from restorect.images.codecs.bmp_colour import profile as profile_of_header
from restorect.images.codecs.bmp_fields import decode_fields, read_fields
from restorect.images.codecs.png import join_alpha, split_alpha
from restorect.images.header import Decoded, Header
from restorect.images.photo import Metadata, Photo

_RUN_LENGTH = (1, 2)
_MAX_RUN_LENGTH_BYTES = 8 * 2**20
_MAX_RUN_LENGTH_WIDTH = 65535
_OS2, _OS2_SHORT = 64, 16  # sizes of headers
_PALETTE_OF_FOUR = 2
_OTHER_CODINGS = {  # by whether the header is OS/2's
    (True, 3): "Huffman coding",
    (True, 4): "run lengths of 24 bits",
    (False, 4): "a JPEG inside",
    (False, 5): "a PNG inside",
    **dict.fromkeys(((False, 11), (False, 12), (False, 13)), "CMYK colours"),
}


def header(data: bytes, page: int) -> Header:
    """Read the bitmap header."""
    _check(data)
    if fields := read_fields(data):
        profile, warnings = profile_of_header(data, grey=False)
        bits = max(8, *(mask.bit_count() for mask in fields.masks))
        return Header(
            width=fields.width,
            height=fields.height,
            channels=3,
            stored_bits=min(bits, 16),
            bit_depth=16 if fields.deep else 8,
            has_alpha=fields.masks[3] > 0,
            icc_profile=profile,
            warnings=warnings,
            metadata=Metadata(dpi=_dpi(data)),
        )
    image: Any = BmpImagePlugin.BmpImageFile(io.BytesIO(data))
    coded = len(data) >= 34 and data[14] >= 40 and struct.unpack_from("<I", data, 30)[0] in _RUN_LENGTH
    if coded and (len(data) > _MAX_RUN_LENGTH_BYTES or image.width > _MAX_RUN_LENGTH_WIDTH):
        raise ImageError("is a run-length coded BMP of unusual size: save it as PNG")  # Pillow takes minutes for it
    grey = image.mode in ("1", "L")
    profile, warnings = profile_of_header(data, grey=grey)
    return Header(
        width=image.width,
        height=image.height,
        channels=1 if grey else 3,
        stored_bits=8,
        bit_depth=8,
        has_alpha=image.mode == "RGBA",
        icc_profile=profile,
        warnings=warnings,
        metadata=Metadata(dpi=_dpi(data)),
    )


def decode(data: bytes, page: int, header: Header) -> Decoded:
    """Decode the pixels; palettes become RGB, black and white becomes grey."""
    if fields := read_fields(data):
        return split_alpha(decode_fields(data, fields))
    image: Any = BmpImagePlugin.BmpImageFile(io.BytesIO(data))
    if image.mode not in ("L", "RGB", "RGBA"):
        image = image.convert("L" if image.mode == "1" else "RGB")
    return split_alpha(np.asarray(image))


def encode(photo: Photo) -> tuple[bytes, tuple[str, ...]]:
    """Write a BMP; the photo is 8 bit. Grey with alpha is stored as RGB with alpha."""
    dpi = photo.metadata.dpi or (96.0, 96.0)
    if photo.alpha is None:
        buffer = io.BytesIO()
        Image.fromarray(join_alpha(photo)).save(buffer, "BMP", dpi=dpi)
        return buffer.getvalue(), ()
    rgb = np.repeat(photo.pixels, 3, axis=2) if photo.channels == 1 else photo.pixels
    done, coded = cv2.imencode(".bmp", np.dstack([rgb[..., ::-1], photo.alpha]))
    if not done:
        raise ValueError("OpenCV cannot write this BMP")
    file = bytearray(coded.tobytes())
    struct.pack_into("<ii", file, 38, *(round(value / 0.0254) for value in dpi))
    return bytes(file), ()


def _check(data: bytes) -> None:
    """Refuse kinds that Pillow would call damaged."""
    size = struct.unpack_from("<I", data, 14)[0]
    bits, coding = struct.unpack_from("<HI", data, 28) if size >= 40 and len(data) >= 34 else (24, 0)
    name = _OTHER_CODINGS.get((size == _OS2, coding))
    if size == _OS2_SHORT:
        name = "a short OS/2 header"
    elif bits == _PALETTE_OF_FOUR:
        name = "2 bits a pixel"
    if name:
        raise ImageError(f"is a BMP with {name}, which is not supported: save it as 24-bit RGB or PNG")


def _dpi(data: bytes) -> tuple[float, float] | None:
    """Read the resolution, None where there is none that makes sense."""
    if struct.unpack_from("<I", data, 14)[0] < 40 or len(data) < 46:
        return None
    across, down = (value * 0.0254 for value in struct.unpack_from("<ii", data, 38))
    return (across, down) if min(across, down) > 1 else None
