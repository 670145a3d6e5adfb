"""BMP: 8 bit, grey, palette, RGB, alpha."""

import io
import struct
from typing import Any

import cv2
import numpy as np
from PIL import BmpImagePlugin, Image

from restorect.errors import ImageError
from restorect.images.codecs.png import join_alpha, split_alpha
from restorect.images.header import Decoded, Header
from restorect.images.photo import Metadata, Photo

_RUN_LENGTH = (1, 2)
_MAX_RUN_LENGTH_BYTES = 8 * 2**20
_MAX_RUN_LENGTH_WIDTH = 65535


def header(data: bytes, page: int) -> Header:
    """Read the bitmap header."""
    image: Any = BmpImagePlugin.BmpImageFile(io.BytesIO(data))
    coded = len(data) >= 34 and data[14] >= 40 and struct.unpack_from("<I", data, 30)[0] in _RUN_LENGTH
    if coded and (len(data) > _MAX_RUN_LENGTH_BYTES or image.width > _MAX_RUN_LENGTH_WIDTH):
        raise ImageError("is a run-length coded BMP of unusual size: save it as PNG")  # Pillow takes minutes for it
    dpi = image.info.get("dpi") or (0, 0)
    return Header(
        width=image.width,
        height=image.height,
        channels=1 if image.mode in ("1", "L") else 3,
        stored_bits=8,
        bit_depth=8,
        has_alpha=image.mode == "RGBA",
        metadata=Metadata(dpi=(float(dpi[0]), float(dpi[1])) if min(dpi) > 1 else None),
    )


def decode(data: bytes, page: int, header: Header) -> Decoded:
    """Decode the pixels; palettes become RGB, black and white becomes grey."""
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
