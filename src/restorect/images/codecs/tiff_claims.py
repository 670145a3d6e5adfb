"""The sizes that the strips and tiles of a TIFF claim: each is a picture file of its own where a picture codec made it.

A decoder believes what the stream says of itself, whatever the directory says of it: 16 x 16 pixels of a TIFF may be a
JPEG of 65,535 x 65,535. So streams are read up to their size, and refused, before any of them is decoded. There may be
millions of them, and each may be any stretch of the file: call this apart, where time is limited.
"""

import re
import struct
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from restorect.errors import ImageError
from restorect.images.codecs import webp
from restorect.images.codecs.boxes import walk
from restorect.images.codecs.jxl import stream_header
from restorect.images.metadata.ifd import Directory

_PADDING = 256 * 2**20  # bytes that tiles may take beyond four times the picture's
_LEAST_CHANNELS = 4  # which codecs decode to whatever the directory says
_BLOCK = 15  # a JPEG may be larger than its picture by so much, to be whole blocks
_SCAN = 0xDA
_FRAMES = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}  # SOF markers, JPEG-LS's too
_MARKER = re.compile(rb"\xff([^\x00\x01\xff\xd0-\xd8])")
_JPEG_XR = re.compile(rb"WMPHOTO\0")
_LERC, _LERC_1 = b"Lerc2 ", b"CntZImage "


class Claim(NamedTuple):
    """What a stream says it is."""

    width: int
    height: int
    channels: int


def check_tiles(page: Any) -> None:  # noqa: ANN401 - tifffile's page
    """Refuse tiles that take far more memory than the picture does, however they are compressed.

    Raises:
        ImageError: they do.
    """
    if page.tiledepth > 1:
        raise ImageError("is a volume: save one slice of it")
    if not page.is_tiled:
        return
    across, down = -(-page.imagewidth // page.tilewidth), -(-page.imagelength // page.tilelength)
    picture = page.imagewidth * page.imagelength
    padded = across * down * page.tilewidth * page.tilelength
    sample = page.samplesperpixel * max(1, page.dtype.itemsize if page.dtype is not None else 1)
    if padded * sample > 4 * picture * sample + _PADDING:
        size = f"{page.tilewidth} x {page.tilelength}"
        raise ImageError(f"has tiles of {size} pixels, far more than the picture: it is damaged, get it again")


def check_claims(data: bytes, page: Any) -> None:  # noqa: ANN401 - tifffile's page
    """Refuse a page of which a strip or tile says that it is larger than its place.

    Args:
        data: the file.
        page: tifffile's page.

    Raises:
        ImageError: one does, or it has far more channels than the page.
        ValueError: one is damaged.
    """
    read = _READERS.get(int(page.compression))
    if read is None:
        return  # told its size by the directory
    width, height = (page.tilewidth, page.tilelength) if page.is_tiled else (page.imagewidth, page.rowsperstrip)
    pieces: Iterable[tuple[int, int]] = zip(page.dataoffsets, page.databytecounts, strict=False)
    if page.jpegheader is not None:  # of a slide scanner: one JPEG, whose parts between restarts count as tiles
        width, height = page.imagewidth, page.imagelength
        pieces = zip(page.tags[273].value, page.tags[279].value, strict=False)
    if not page.is_tiled:
        height = min(height, page.imagelength)
    channels = max(_LEAST_CHANNELS, page.samplesperpixel)
    _check(_streams(data, pieces), read, Claim(width, height, channels))


def check_old_jpeg(data: bytes, tags: Directory, order: str) -> None:
    """Refuse JPEG as TIFF 6.0 first had it where a stream says that it is larger than the picture.

    Raises:
        ImageError: one does.
    """
    width, height = (max(tags.number(code, order) for code in codes) for codes in ((256, 322), (257, 323)))
    pieces: list[tuple[int, int]] = []
    for offsets, counts in ((513, 514), (273, 279), (324, 325)):
        if offsets in tags.entries:
            starts = tags.entries[offsets].numbers(order)
            sizes = tags.entries[counts].numbers(order) if counts in tags.entries else ()
            pieces += [(start, sizes[i] if i < len(sizes) else len(data)) for i, start in enumerate(starts)]
    whole = (stream for stream in _streams(data, pieces) if stream[:2] == b"\xff\xd8")
    _check(whole, _of_jpeg, Claim(width + _BLOCK, height + _BLOCK, _LEAST_CHANNELS))


def _streams(data: bytes, pieces: Iterable[tuple[int, int]]) -> Iterator[bytes]:
    return (data[start : start + size] for start, size in pieces if size > 0)


def _check(streams: Iterable[bytes], read: Callable[[bytes], Claim], place: Claim) -> None:
    """Hold each stream against its place."""
    for stream in streams:
        try:
            claim = read(stream)
        except (struct.error, IndexError) as error:
            raise ValueError("a strip or tile is cut off") from error
        if claim.width * claim.height > place.width * place.height:
            raise ImageError(
                f"one of its strips or tiles says it is {claim.width} x {claim.height} pixels, in a place of "
                f"{place.width} x {place.height}: it is damaged or a decompression bomb, get it again"
            )
        if claim.channels > place.channels:
            raise ImageError(f"one of its strips or tiles says it has {claim.channels} channels: get it again")


def _largest(claims: list[Claim]) -> Claim:
    """Join what a stream says several times; one that says nothing is for its decoder to refuse."""
    return Claim(*map(max, zip(*claims, strict=True))) if claims else Claim(0, 0, 0)


def _of_jpeg(stream: bytes) -> Claim:
    """Read all frame headers before the first scan: decoders do not agree on which of several counts."""
    claims: list[Claim] = []
    at = 0
    while found := _MARKER.search(stream, at):
        marker, at = found[1][0], found.end()
        if marker == _SCAN:
            break
        if marker in _FRAMES:
            height, width, channels = struct.unpack_from(">HHB", stream, at + 3)
            claims.append(Claim(width, height, channels))
        at += max(2, struct.unpack_from(">H", stream, at)[0])
    return _largest(claims)


def _of_jpeg2000(stream: bytes) -> Claim:
    """Read the SIZ segment, which follows the start of the codestream."""
    start = 0 if stream[:2] == b"\xff\x4f" else next((at for kind, at, _ in walk(stream) if kind == b"jp2c"), None)
    if start is None or stream[start : start + 4] != b"\xff\x4f\xff\x51":
        raise ValueError("a JPEG 2000 inside without a size")
    right, bottom, left, top = struct.unpack_from(">4I", stream, start + 8)
    return Claim(max(0, right - left), max(0, bottom - top), struct.unpack_from(">H", stream, start + 40)[0])


def _of_jpeg_xr(stream: bytes) -> Claim:
    """Read the headers of the colours' and of the alpha's codestream."""
    claims: list[Claim] = []
    for found in _JPEG_XR.finditer(stream):
        short = stream[found.end() + 2] & 0x80
        width, height = struct.unpack_from(">HH" if short else ">II", stream, found.end() + 4)
        claims.append(Claim(width + 1, height + 1, 1))
    return _largest(claims)


def _of_lerc(stream: bytes) -> Claim:
    """Read the header of LERC 1 or 2; further bands follow each other with headers of their own."""
    if stream.startswith(_LERC_1):
        height, width = struct.unpack_from("<II", stream, len(_LERC_1) + 8)
        return Claim(width, height, stream.count(_LERC_1))
    if not stream.startswith(_LERC):
        raise ValueError("a LERC inside without a size")
    version = struct.unpack_from("<i", stream, len(_LERC))[0]
    at = len(_LERC) + (8 if version >= 3 else 4)  # a check sum
    height, width, values = struct.unpack_from("<III", stream, at)
    return Claim(width, height, (values if version >= 4 else 1) * stream.count(_LERC))


def _of_jpeg_xl(stream: bytes) -> Claim:
    head = stream_header(stream)
    if head.animated:
        raise ImageError("one of its strips or tiles is an animation: save it with LZW or Deflate")
    return Claim(head.width, head.height, (1 if head.grey else 3) + len(head.extras))


def _of_png(stream: bytes) -> Claim:
    """Read the IHDR chunk, which is the first."""
    width, height = struct.unpack_from(">II", stream, 16)
    return Claim(width, height, 1)  # it has at most four channels


def _of_webp(stream: bytes) -> Claim:
    head = webp.header(stream, 0)
    return Claim(head.width, head.height, head.channels + head.has_alpha)


_READERS: dict[int, Callable[[bytes], Claim]] = {
    **dict.fromkeys((6, 7, 33007, 34892), _of_jpeg),
    **dict.fromkeys((33003, 33004, 33005, 34712), _of_jpeg2000),
    **dict.fromkeys((22610, 34934), _of_jpeg_xr),
    **dict.fromkeys((34927, 50001), _of_webp),
    **dict.fromkeys((50002, 52546), _of_jpeg_xl),
    34887: _of_lerc,
    34933: _of_png,
}
