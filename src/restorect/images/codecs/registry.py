"""Which codec reads which format; a codec is imported when the first photo of its format comes."""

import importlib
from dataclasses import dataclass
from typing import Any

from restorect.images.header import Decoded, Header, HeaderReader, PixelReader


@dataclass(frozen=True, kw_only=True)
class Reader:
    """The two steps of reading: `header` is cheap and safe, `decode` allocates the pixels."""

    header: HeaderReader
    decode: PixelReader


def codec(name: str) -> Any:  # noqa: ANN401 - a module
    """The codec of a format."""
    return importlib.import_module(f"restorect.images.codecs.{name}")


def _reader(name: str) -> Reader:
    def header(data: bytes, page: int) -> Header:
        found: Header = codec(name).header(data, page)
        return found

    def decode(data: bytes, page: int, header: Header) -> Decoded:
        found: Decoded = codec(name).decode(data, page, header)
        return found

    return Reader(header=header, decode=decode)


READERS = {
    name: _reader(name) for name in ("jpeg", "png", "tiff", "webp", "avif", "jxl", "bmp", "hdr", "exr", "heic", "raw")
}
