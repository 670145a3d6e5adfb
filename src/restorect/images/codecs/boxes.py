"""ISO base media boxes, and the tables of items, properties and references in AVIF and HEIC (ISO/IEC 23008-12)."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

_MAX_BOXES = 10_000
_MAX_ROWS = 2**16  # of a table: a photo of 500 megapixels has some 2,000 tiles


@dataclass(kw_only=True)
class Meta:
    """The tables of a `meta` box.

    Attributes:
        primary: the item that is the picture.
        kinds: the four letters of each item.
        hidden: items that are not to be shown by themselves.
        places: where each item lies: 0 in the file or 1 in `idat`, then offsets and lengths.
        properties: kind and content of all.
        owned: which properties each item has, counted from 1.
        references: kind, from which item, to which ones.
        idat: bytes of small items.
    """

    primary: int = 0
    kinds: dict[int, bytes] = field(default_factory=dict)
    hidden: set[int] = field(default_factory=set)
    places: dict[int, tuple[int, list[tuple[int, int]]]] = field(default_factory=dict)
    properties: list[tuple[bytes, bytes]] = field(default_factory=list)
    owned: dict[int, list[int]] = field(default_factory=dict)
    references: list[tuple[bytes, int, tuple[int, ...]]] = field(default_factory=list)
    idat: bytes = b""

    def properties_of(self, item: int) -> list[tuple[bytes, bytes]]:
        """Give an item's properties in their order."""
        return [self.properties[at - 1] for at in self.owned.get(item, []) if 0 < at <= len(self.properties)]

    def referred(self, kind: bytes, item: int) -> tuple[int, ...]:
        """Give the items that one refers to."""
        return next((to for name, source, to in self.references if (name, source) == (kind, item)), ())


def walk(data: bytes, start: int = 0, end: int | None = None) -> Iterator[tuple[bytes, int, int]]:
    """Walk boxes side by side: kind, where the body starts, where it ends (never beyond `end`)."""
    end = len(data) if end is None else end
    for _ in range(_MAX_BOXES):
        if start + 8 > end:
            return
        size, kind = struct.unpack_from(">I4s", data, start)
        body = start + 8
        if size == 1 and start + 16 <= end:
            size, body = struct.unpack_from(">Q", data, body)[0], body + 8
        stop = end if size == 0 else start + size
        if stop < body:
            return
        yield kind, body, min(stop, end)
        start = stop


def samples(data: bytes) -> int:
    """Count the pictures of an image sequence, 1 when it is none."""
    spans = [(0, len(data))]
    for wanted in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsz"):
        spans = [(start, end) for a, b in spans[:1] for kind, start, end in walk(data, a, b) if kind == wanted]
    return (
        max(1, struct.unpack_from(">I", data, spans[0][0] + 8)[0]) if spans and spans[0][1] - spans[0][0] >= 12 else 1
    )


def read_meta(data: bytes, start: int, end: int) -> Meta:
    """Read the tables of a `meta` box, the first one of each kind: together they are walked through but once."""
    meta = Meta()
    for kind, at, stop in walk(data, start + 4, end):
        body = data[at:stop]
        if kind == b"pitm":
            meta.primary = struct.unpack_from(">H" if body[0] == 0 else ">I", body, 4)[0]
        elif kind == b"iinf" and not meta.kinds:
            for name, a, b in walk(body, 6 if body[0] == 0 else 8):
                if name == b"infe" and body[a] in (2, 3):
                    code = ">H" if body[a] == 2 else ">I"
                    item = struct.unpack_from(code, body, a + 4)[0]
                    place = a + 6 + struct.calcsize(code)
                    meta.kinds[item] = body[place : min(place + 4, b)]
                    if body[a + 3] & 1:
                        meta.hidden.add(item)
        elif kind == b"iref" and not meta.references:
            meta.references = _read_references(body)
        elif kind == b"iloc" and not meta.places:
            meta.places = _read_places(body)
        elif kind == b"idat":
            meta.idat = body
        elif kind == b"iprp" and not meta.properties:
            for name, a, b in walk(body):
                if name == b"ipco" and not meta.properties:
                    meta.properties = [(prop, body[c:d]) for prop, c, d in walk(body, a, b)][:1000]
                elif name == b"ipma":
                    meta.owned.update(_read_owned(body[a:b]))
    return meta


def _read_places(body: bytes) -> dict[int, tuple[int, list[tuple[int, int]]]]:
    """Read an `iloc` box: where each item lies, and whether in the file (0) or in `idat` (1)."""
    version, sizes = body[0], body[4:6]
    offset, length, base = sizes[0] >> 4, sizes[0] & 15, sizes[1] >> 4
    index = sizes[1] & 15 if version else 0
    wide = 4 if version == 2 else 2
    at = 6

    def take(size: int) -> int:
        nonlocal at
        if at + size > len(body):
            raise ValueError("its table of items is cut off")
        at += size
        return int.from_bytes(body[at - size : at], "big")

    places = {}
    rows = 0
    for _ in range(take(wide)):
        item = take(wide)
        method = take(2) & 15 if version else 0
        take(2)
        start = take(base)
        extents = []
        count = take(2)
        rows += 1 + count
        if rows > _MAX_ROWS or (count > 1 and not index + offset + length):
            raise ValueError("its table of items is absurdly long")
        for _ in range(count):
            take(index)
            extents.append((start + take(offset), take(length)))
        places[item] = (method, extents)
    return places


def _read_references(body: bytes) -> list[tuple[bytes, int, tuple[int, ...]]]:
    """Read an `iref` box."""
    code, found = ("I" if body[0] else "H"), []
    for kind, at, stop in walk(body, 4):
        source, count = struct.unpack_from(f">{code}H", body, at)
        at += struct.calcsize(f">{code}H")
        count = min(count, (stop - at) // struct.calcsize(code))
        found.append((kind, source, struct.unpack_from(f">{count}{code}", body, at)))
    return found


def _read_owned(body: bytes) -> dict[int, list[int]]:
    """Read an `ipma` box: the properties of each item, counted from 1."""
    wide_item, wide_index = body[0] > 0, body[3] & 1
    owned, at, rows = {}, 8, struct.unpack_from(">I", body, 4)[0]
    if rows > _MAX_ROWS:
        raise ValueError("its table of properties is absurdly long")
    for _ in range(rows):
        item = struct.unpack_from(">I" if wide_item else ">H", body, at)[0]
        at += 4 if wide_item else 2
        count = body[at]
        at += 1
        step = 2 if wide_index else 1
        mask = 0x7FFF if wide_index else 0x7F
        owned[item] = [int.from_bytes(body[at + i * step : at + (i + 1) * step], "big") & mask for i in range(count)]
        at += count * step
    return owned


def content(data: bytes, meta: Meta, item: int, room: int | None = None) -> bytes:
    """Gather an item's bytes, at most `room` of them; None is as many as the file has."""
    room = len(data) if room is None else room
    method, extents = meta.places.get(item, (0, []))
    source = meta.idat if method == 1 else data
    block = b""
    for start, length in extents[:64]:
        left = room - len(block)
        block += source[start : start + min(length or left, left)]
    return block
