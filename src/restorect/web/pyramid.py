"""What a browser is shown of a picture of any size: tiles in halving sizes, 8 bit, sRGB, and its histogram.

One file holds them all. Shapes: pictures (H, W, 3), sRGB-encoded with black 0 and white 1. The file of a reduced
picture lacks the largest sizes; tiles of these are enlarged from the largest that there is.
"""

import io
import json
import math
import zipfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from restorect.images.colour import to_depth
from restorect.images.curves import decode_srgb, encode_srgb

TILE = 512
_HISTOGRAM, _BINS, _QUALITY = "histogram.json", 64, 92
_REDUCED = 1_500_000  # pixels at most of a reduced picture
_JPEG = (
    *(cv2.IMWRITE_JPEG_QUALITY, _QUALITY),
    *(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444),
)
_LIGHT = decode_srgb(np.arange(256, dtype=np.float32) / 255)


def pyramid(picture: NDArray[np.float32]) -> bytes:
    """The file of a picture. Level 0 is the whole picture in one tile, each next level twice as large."""
    codes = np.asarray(to_depth(picture, 8), np.uint8)
    levels = [codes]
    for _ in range(top_level(codes.shape[1], codes.shape[0])):
        height, width = levels[-1].shape[:2]
        half = cv2.resize(levels[-1], (_half(width), _half(height)), interpolation=cv2.INTER_AREA)
        levels.append(np.asarray(half, np.uint8))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as container:
        container.writestr(_HISTOGRAM, json.dumps(histogram(codes)))
        for number, level in enumerate(reversed(levels)):
            for (column, row), tile in _tiles(level):
                container.writestr(_name(number, column, row), _encoded(tile))
    return file.getvalue()


def top_level(width: int, height: int) -> int:
    """The level that shows all pixels of a picture."""
    return max(0, math.ceil(math.log2(max(width, height, 1) / TILE)))


def reduced(picture: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """A large picture halved until it has about a megapixel, so that its levels are those of the whole; else None."""
    height, width = picture.shape[:2]
    while height * width > _REDUCED:
        height, width = _half(height), _half(width)
    if (height, width) == picture.shape[:2]:
        return None
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.float32)


def histogram(codes: NDArray[np.uint8]) -> list[list[float]]:
    """Shares of pixels in 64 equal ranges of values, for red, green and blue."""
    counts = [np.bincount(codes[..., channel].ravel() // (256 // _BINS), minlength=_BINS) for channel in range(3)]
    return [(count / max(1, count.sum())).round(6).tolist() for count in counts]


def read_histogram(path: Path) -> list[list[float]]:
    """The histogram in a file of `pyramid`."""
    with zipfile.ZipFile(path) as container:
        shares: list[list[float]] = json.loads(container.read(_HISTOGRAM))
        return shares


def read_tile(path: Path, level: int, column: int, row: int) -> bytes:
    """A tile (JPEG) of a file of `pyramid`.

    Raises:
        KeyError: there is no such tile.
        OSError: there is no such file.
    """
    with zipfile.ZipFile(path) as container:
        top = max(int(name.partition("/")[0]) for name in container.namelist() if name != _HISTOGRAM)
        if level <= top:
            return container.read(_name(level, column, row))
        by = 2 ** (level - top)
        return _enlarged(container.read(_name(top, column // by, row // by)), column % by, row % by, by)


def blended(before: bytes, after: bytes, share: float) -> bytes:
    """The tile between two in linear light, as restoring blends: 0 gives the first, 1 the second, above 1 beyond it."""
    first, second = (_LIGHT[cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)] for data in (before, after))
    light = np.clip(first + np.float32(share) * (second - first), 0, 1)
    return _jpeg(np.asarray(to_depth(encode_srgb(light), 8), np.uint8))


def _enlarged(tile: bytes, column: int, row: int, by: int) -> bytes:
    """The part of a tile that is one itself in a level so many times as large."""
    side = TILE // by
    codes = np.asarray(cv2.imdecode(np.frombuffer(tile, np.uint8), cv2.IMREAD_COLOR), np.uint8)
    part = codes[row * side : (row + 1) * side, column * side : (column + 1) * side]
    if part.size == 0:
        raise KeyError("beyond the picture")
    return _jpeg(np.asarray(cv2.resize(part, None, fx=by, fy=by, interpolation=cv2.INTER_LINEAR), np.uint8))


def _half(pixels: int) -> int:
    return -(-pixels // 2)


def _tiles(level: NDArray[np.uint8]) -> Iterator[tuple[tuple[int, int], NDArray[np.uint8]]]:
    for top in range(0, level.shape[0], TILE):
        for left in range(0, level.shape[1], TILE):
            yield (left // TILE, top // TILE), level[top : top + TILE, left : left + TILE]


def _name(level: int, column: int, row: int) -> str:
    return f"{level}/{column}_{row}.jpg"


def _encoded(tile: NDArray[np.uint8]) -> bytes:
    return _jpeg(np.ascontiguousarray(tile[..., ::-1]))


def _jpeg(codes_bgr: NDArray[np.uint8]) -> bytes:
    return bytes(cv2.imencode(".jpg", codes_bgr, _JPEG)[1])
