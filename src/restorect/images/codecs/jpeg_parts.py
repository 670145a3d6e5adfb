"""The parts of a JPEG file: its segments, and what lies behind its picture."""

import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

from restorect.images.codecs.boxes import walk
from restorect.images.metadata.ifd import read_directory, read_head

_MARKER = re.compile(rb"\xff([^\x00\xff\xd0-\xd8])")
_MAX_SEGMENTS = 20_000
_MAX_PARTS = 100
_APP1, _APP2, _SCAN, _END = 0xE1, 0xE2, 0xDA, 0xD9
_MPF = b"MPF\0"
_ENTRIES, _ENTRY_BYTES = 0xB002, 16
_PREVIEWS = (0x010001, 0x010002)  # CIPA DC-007: large thumbnails
_MOVIE_BOXES = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"meta", b"uuid", b"udta", b"moof", b"mfra"}
_BEGINNING = re.compile(rb"\xff\xd8\xff|ftyp(?:mp4|isom|iso\d|qt  |avc1|M4V |3gp|MSNV)")
_JUNK = 32


class Segment(NamedTuple):
    """A marker segment: its marker, and its content without length."""

    marker: int
    body: bytes


class Part(NamedTuple):
    """Something behind the picture: `jpeg`, `movie` or `other`, where it begins and ends, a JPEG's segments."""

    kind: str
    start: int
    end: int
    segments: list[Segment]


def read_segments(data: bytes, start: int = 0) -> tuple[list[Segment], int]:
    """Read the application segments of the JPEG that begins at `start`, and where its picture ends.

    Only what precedes the end of the picture counts; a file without one ends at its last byte.
    """
    segments: list[Segment] = []
    at = start + 2
    for _ in range(_MAX_SEGMENTS):
        found = _MARKER.search(data, at)
        if found is None:
            return segments, len(data)
        marker, at = found[1][0], found.end()
        if marker == _END:
            return segments, at
        if marker == 0x01 or at + 2 > len(data):
            continue
        size = max(2, struct.unpack_from(">H", data, at)[0])
        if 0xE0 <= marker <= 0xEF:
            segments.append(Segment(marker, data[at + 2 : at + size]))
        at += size
    return segments, len(data)


def read_parts(data: bytes, at: int) -> Iterator[Part]:
    """Tell apart what lies behind a picture that ends at `at`: further JPEGs, movies, and the rest."""
    for _ in range(_MAX_PARTS):
        found = _BEGINNING.search(data, at)
        start = len(data) if found is None else found.start() - (4 if found[0].startswith(b"ftyp") else 0)
        if len(data[at:start].strip(b"\0\xff\r\n ")) > _JUNK:
            yield Part("other", at, start, [])
        if found is None:
            return
        if data[start : start + 2] == b"\xff\xd8":
            segments, at = read_segments(data, start)
            yield Part("jpeg", start, at, segments)
        else:
            at = _end_of_movie(data, start)
            yield Part("movie", start, at, [])


def previews(data: bytes, segments: list[Segment]) -> set[int]:
    """Give the offsets of the pictures that a multi-picture index calls large thumbnails of the first one."""
    block = next((body[4:] for marker, body in segments if marker == _APP2 and body.startswith(_MPF)), None)
    if block is None:
        return set()
    try:
        head = read_head(block)
        entry = read_directory(block, head.first, head).entries.get(_ENTRIES)
    except (ValueError, struct.error):
        return set()
    base, rows = data.find(_MPF + block) + 4, entry.data if entry else b""
    found = (
        struct.unpack_from(head.order + "III", rows, row)
        for row in range(0, len(rows) - _ENTRY_BYTES + 1, _ENTRY_BYTES)
    )
    return {base + offset for kind, _, offset in found if offset and kind & 0xFFFFFF in _PREVIEWS}


def _end_of_movie(data: bytes, start: int) -> int:
    """Find where the boxes of a movie end."""
    end = start
    for kind, _, stop in walk(data, start):
        if kind not in _MOVIE_BOXES:
            break
        end = stop
    return end
