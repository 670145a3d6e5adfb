"""The first track of an image sequence: what its record says of the pictures, where no still one stands beside it."""

import struct

from restorect.images.codecs.boxes import walk
from restorect.images.codecs.still import Still

_ENTRY = 78  # bytes of a picture track's record before its boxes (ISO/IEC 14496-12, 12.1.3)
_PATH = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")


def describe_track(still: Still, data: bytes) -> None:
    """Take size, depth and colours of an AVIF sequence from its first track."""
    spans = [(0, len(data))]
    for wanted in _PATH:
        spans = [(start, end) for a, b in spans[:1] for kind, start, end in walk(data, a, b) if kind == wanted]
    for table, end in spans[:1]:
        for kind, entry, stop in walk(data, table + 8, end):
            if kind == b"av01" and entry + _ENTRY <= stop:
                still.width, still.height = struct.unpack_from(">HH", data, entry + 24)
                _describe(still, data, entry + _ENTRY, stop)
                return


def _describe(still: Still, data: bytes, start: int, end: int) -> None:
    """Read the boxes of a record."""
    for kind, at, stop in walk(data, start, end):
        body = data[at:stop]
        if kind == b"av1C" and len(body) >= 3:
            still.bits = 8 if not body[2] & 0x40 else (12 if body[2] & 0x20 else 10)
            still.planes = 1 if body[2] & 0x10 else 3
        elif kind == b"colr" and body[:4] == b"nclx":
            still.code_points = struct.unpack_from(">HH", body, 4)
        elif kind == b"colr" and body[:4] in (b"prof", b"rICC"):
            still.icc = body[4:]
