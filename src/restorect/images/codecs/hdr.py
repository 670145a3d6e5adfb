"""Radiance HDR: linear light in 32-bit float, coded as a shared exponent of 8 bits."""

import re

import cv2
import numpy as np

from restorect.errors import ImageError
from restorect.images.codecs.apart import run_apart
from restorect.images.header import Decoded, Header
from restorect.images.photo import Array, Photo

_SIZE = re.compile(rb"\n\n *([+-])([XY]) +(\d{1,7}) +([+-])([XY]) +(\d{1,7}) *\n")
_PLAIN_HEADER = "#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y %d +X %d\n"
_BIAS = 128 + 8  # of the exponent of a mantissa of 8 bits


def header(data: bytes, page: int) -> Header:
    """Read the text header; the rows may run in any of the eight ways."""
    match = _match(data)
    if b"FORMAT=32-bit_rle_xyze" in data[: match.start()]:
        raise ImageError("has XYZ colours, which are not supported: save it as RGB")
    rows, columns = int(match[3]), int(match[6])
    height, width = (rows, columns) if match[2] == b"Y" else (columns, rows)
    return Header(width=width, height=height, channels=3, stored_bits=32, bit_depth=32, linear=True)


def decode(data: bytes, page: int, header: Header) -> Decoded:
    """Decode the pixels, and bring rows and columns into the usual order."""
    match = _match(data)
    megapixels = header.width * header.height / 1e6
    frame = run_apart(_pixels, data, match.end(), int(match[3]), int(match[6]), library="OpenCV", megapixels=megapixels)
    signs = {match[2]: match[1], match[5]: match[4]}
    frame = frame if match[2] == b"Y" else frame.swapaxes(0, 1)
    frame = frame if signs[b"Y"] == b"-" else frame[::-1]
    return Decoded(pixels=np.ascontiguousarray(frame if signs[b"X"] == b"+" else frame[:, ::-1]))


def _match(data: bytes) -> re.Match[bytes]:
    """Find the line of the size."""
    match = _SIZE.search(data[:65536])
    if match is None or match[2] == match[5]:
        raise ValueError("no size in its header")
    return match


def _pixels(data: bytes, at: int, rows: int, columns: int) -> Array:
    """Decode apart: rows x columns x 3 float32."""
    if data[at : at + 4] != bytes((2, 2, columns >> 8 & 0x7F, columns & 0xFF)):
        return _flat(np.frombuffer(data, np.uint8, (len(data) - at) // 4 * 4, at).reshape(-1, 4), rows, columns)
    plain = (_PLAIN_HEADER % (rows, columns)).encode() + data[at:]
    bgr = cv2.imdecode(np.frombuffer(plain, np.uint8), cv2.IMREAD_UNCHANGED)
    if bgr is None or bgr.ndim != 3:
        raise ValueError("OpenCV cannot read it")
    return np.asarray(bgr[..., ::-1], np.float32)


def _flat(codes: Array, rows: int, columns: int) -> Array:
    """Decode pixels (N x 4) that are not run-length coded, or as before 1991: 1, 1, 1, n repeats the last n times.

    Several such repeats in a row are the bytes of one number, the lowest first.
    """
    repeat = (codes[:, :3] == 1).all(axis=1)
    number = np.arange(len(codes))
    last = np.maximum.accumulate(np.where(repeat, 0, number))  # the pixel that is meant
    place = np.minimum(number - last - 1, 3)
    counts = np.where(repeat, codes[:, 3].astype(np.int64) << np.maximum(8 * place, 0), 1)
    ends = np.cumsum(counts)
    if not len(codes) or repeat[0] or ends[-1] < rows * columns:
        raise ValueError("its pixels are cut off")
    pixels = codes[last[np.searchsorted(ends, np.arange(rows * columns), side="right")]]
    scale = np.where(pixels[:, 3:] > 0, np.ldexp(np.float32(1), pixels[:, 3:].astype(np.int32) - _BIAS), 0)
    return (pixels[:, :3] * scale.astype(np.float32)).reshape(rows, columns, 3)


def encode(photo: Photo) -> tuple[bytes, tuple[str, ...]]:
    """Write an HDR; the photo is linear 32-bit float without alpha. Negative values become 0."""
    rgb = np.repeat(photo.pixels, 3, axis=2) if photo.channels == 1 else photo.pixels
    warnings = ("values below 0 are not kept by HDR",) if (rgb < 0).any() else ()
    done, coded = cv2.imencode(".hdr", np.ascontiguousarray(np.maximum(np.nan_to_num(rgb), 0)[..., ::-1]))
    if not done:
        raise ValueError("OpenCV cannot write this HDR")
    return coded.tobytes(), warnings
