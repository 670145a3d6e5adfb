"""Which codec reads and writes which format; a codec is imported when the first photo of its format comes."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from restorect.images.header import Decoded, Header, HeaderReader, PixelReader
from restorect.images.photo import Photo

Writer = Callable[..., tuple[bytes, tuple[str, ...]]]
"""From a photo, and what there is to choose of the format, to a file and warnings."""


@dataclass(frozen=True, kw_only=True)
class Reader:
    """The two steps of reading: `header` is cheap and safe, `decode` allocates the pixels."""

    header: HeaderReader
    decode: PixelReader


def _codec(name: str) -> Any:  # noqa: ANN401 - a module
    return importlib.import_module(f"restorect.images.codecs.{name}")


def _reader(name: str) -> Reader:
    def header(data: bytes, page: int) -> Header:
        found: Header = _codec(name).header(data, page)
        return found

    def decode(data: bytes, page: int, header: Header) -> Decoded:
        found: Decoded = _codec(name).decode(data, page, header)
        return found

    return Reader(header=header, decode=decode)


def _writer(name: str) -> Writer:
    def encode(photo: Photo, **choices: object) -> tuple[bytes, tuple[str, ...]]:
        written: tuple[bytes, tuple[str, ...]] = _codec(name).encode(photo, **choices)
        return written

    return encode


_WRITTEN = ("jpeg", "png", "tiff", "webp", "avif", "jxl", "bmp", "hdr", "exr")
READERS = {name: _reader(name) for name in (*_WRITTEN, "heic", "raw")}
WRITERS = {name: _writer(name) for name in _WRITTEN}
