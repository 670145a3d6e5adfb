"""OpenEXR: linear light in 32-bit float, where this OpenCV was built with it."""

import os
import struct
from functools import lru_cache

import cv2
import numpy as np

from restorect.errors import ImageError
from restorect.images.codecs.png import split_alpha
from restorect.images.header import Decoded, Header
from restorect.images.photo import Photo

_ADVICE = "this OpenCV was built without OpenEXR: convert the photo to a 32-bit float TIFF"


@lru_cache(maxsize=1)
def can_write() -> bool:
    """Say whether OpenCV reads and writes EXR here."""
    os.environ.setdefault("OPENCV_IO_ENABLE_OPENEXR", "1")
    return bool(cv2.haveImageWriter("probe.exr"))


def header(data: bytes, page: int) -> Header:
    """Read the attributes up to the data window."""
    if not can_write():
        raise ImageError(_ADVICE)
    at = 8
    sides, channels = None, b""
    while at < min(len(data), 65536) and data[at]:
        name, kind = data[at : at + 512].split(b"\0", 2)[:2]
        at += len(name) + len(kind) + 2
        size = struct.unpack_from("<I", data, at)[0]
        if name == b"dataWindow":
            left, top, right, bottom = struct.unpack_from("<4i", data, at + 4)
            sides = (right - left + 1, bottom - top + 1)
        channels = data[at + 4 : at + 4 + size] if name == b"channels" else channels
        at += 4 + size
    if sides is None:
        raise ValueError("no data window")
    return Header(
        width=sides[0],
        height=sides[1],
        channels=3 if channels.find(b"\0R\0") >= 0 or channels.startswith((b"R\0", b"B\0")) else 1,
        stored_bits=32,
        bit_depth=32,
        has_alpha=channels.startswith(b"A\0"),
        linear=True,
    )


def decode(data: bytes, page: int, header: Header) -> Decoded:
    """Decode the pixels."""
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if bgr is None:
        raise ValueError("OpenCV cannot read it")
    frame = np.atleast_3d(bgr).astype(np.float32)
    order = {1: [0], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[frame.shape[2]]
    return split_alpha(frame[..., order])


def encode(photo: Photo) -> tuple[bytes, tuple[str, ...]]:
    """Write an EXR; the photo is linear 32-bit float without alpha."""
    if not can_write():
        raise ImageError(_ADVICE.replace("convert", "write"))
    rgb = np.repeat(photo.pixels, 3, axis=2) if photo.channels == 1 else photo.pixels
    done, coded = cv2.imencode(".exr", np.ascontiguousarray(rgb[..., ::-1]))
    if not done:
        raise ImageError("OpenCV cannot write this EXR: use --format tiff")
    return coded.tobytes(), ()
