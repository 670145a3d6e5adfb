"""ISO base media boxes: the still pictures of AVIF and HEIC, their properties and their metadata items."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

_ORIENTATIONS = {
    (0, None): 1, (1, None): 8, (2, None): 3, (3, None): 6,
    (0, 1): 2, (1, 1): 7, (2, 1): 4, (3, 1): 5,
    (0, 0): 4, (1, 0): 5, (2, 0): 2, (3, 0): 7,
}  # fmt: skip


_MAX_BOXES = 10_000
_MAX_ITEMS = 100
_MAX_ROWS = 2**16  # of a table: a photo of 500 megapixels has some 2,000 tiles


@dataclass(kw_only=True)
class Still:
    """The primary picture of a file.

    Attributes:
        width: coded width.
        height: coded height.
        crop: width and height of the part that is shown, or None for all of it.
        bits: bits a channel.
        planes: 1 grey, 3 colour.
        alpha: there is an alpha picture.
        orientation: EXIF orientation equal to its rotation and mirror properties.
        icc: ICC profile.
        code_points: colour primaries and transfer characteristics.
        exif: TIFF-structured EXIF block.
        xmp: XMP packet.
    """

    width: int = 0
    height: int = 0
    crop: tuple[int, int] | None = None
    bits: int = 8
    planes: int = 3
    alpha: bool = False
    orientation: int = 1
    icc: bytes | None = None
    code_points: tuple[int, int] | None = None
    exif: bytes | None = None
    xmp: bytes | None = None


@dataclass(kw_only=True)
class _Meta:
    """The tables of a `meta` box."""

    primary: int = 0
    kinds: dict[int, bytes] = field(default_factory=dict)
    places: dict[int, tuple[int, list[tuple[int, int]]]] = field(default_factory=dict)
    properties: list[tuple[bytes, bytes]] = field(default_factory=list)
    owned: dict[int, list[int]] = field(default_factory=dict)
    idat: bytes = b""


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


def read_still(data: bytes) -> Still:
    """Read the primary picture's properties and metadata.

    Raises:
        ValueError: there is no still picture.
    """
    meta = next((_read_meta(data, start, end) for kind, start, end in walk(data) if kind == b"meta"), None)
    if meta is None:
        raise ValueError("no still picture in it")
    still = Still(alpha=any(kind == b"auxC" and b"alpha" in body for kind, body in meta.properties))
    own = [meta.properties[at - 1] for at in meta.owned.get(meta.primary, []) if 0 < at <= len(meta.properties)]
    _apply(still, own)
    if not any(kind == b"pixi" for kind, _ in own):
        _bits_from_codec(still, own or meta.properties)
    told = [(item, kind) for item, kind in meta.kinds.items() if kind in (b"Exif", b"mime")]
    room = len(data)  # of all items together: overlapping ones would be copied a thousand times
    for item, kind in told[:_MAX_ITEMS]:
        if (still.exif if kind == b"Exif" else still.xmp) is not None:
            continue
        block = _content(data, meta, item, room)
        room -= len(block)
        if kind == b"Exif":
            skip = 4 + struct.unpack_from(">I", block)[0] if len(block) > 4 else 0
            still.exif = block[skip:] or None
        else:
            still.xmp = block if b"<x:xmpmeta" in block[:4096] or b"<rdf:RDF" in block[:4096] else None
    return still


def samples(data: bytes) -> int:
    """Count the pictures of an image sequence, 1 when it is none."""
    spans = [(0, len(data))]
    for wanted in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsz"):
        spans = [(start, end) for a, b in spans[:1] for kind, start, end in walk(data, a, b) if kind == wanted]
    return (
        max(1, struct.unpack_from(">I", data, spans[0][0] + 8)[0]) if spans and spans[0][1] - spans[0][0] >= 12 else 1
    )


def _read_meta(data: bytes, start: int, end: int) -> _Meta:
    """Read the tables of a `meta` box, the first one of each kind: together they are walked through but once."""
    meta = _Meta()
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


def _apply(still: Still, properties: list[tuple[bytes, bytes]]) -> None:
    """Take over a picture's properties."""
    angle, axis = 0, None
    for kind, body in properties:
        if kind == b"ispe":
            still.width, still.height = struct.unpack_from(">II", body, 4)
        elif kind == b"clap":
            across, across_by, down, down_by = struct.unpack_from(">4I", body)
            still.crop = (across // across_by, down // down_by)
        elif kind == b"pixi":
            still.planes, still.bits = (1 if body[4] == 1 else 3), body[5]
        elif kind == b"irot":
            angle = body[0] & 3
        elif kind == b"imir":
            axis = body[0] & 1
        elif kind == b"colr" and body[:4] == b"nclx":
            still.code_points = struct.unpack_from(">HH", body, 4)
        elif kind == b"colr" and body[:4] in (b"prof", b"rICC"):
            still.icc = body[4:]
    still.orientation = _ORIENTATIONS[angle, axis]


def _bits_from_codec(still: Still, properties: list[tuple[bytes, bytes]]) -> None:
    """Find depth and planes in the codec's own record."""
    for kind, body in properties:
        if kind == b"av1C" and len(body) >= 3:
            still.bits = 8 if not body[2] & 0x40 else (12 if body[2] & 0x20 else 10)
            still.planes = 1 if body[2] & 0x10 else 3
            return
        if kind == b"hvcC" and len(body) >= 18:
            still.bits = 8 + (body[17] & 7)
            still.planes = 1 if body[16] & 3 == 0 else 3
            return


def _content(data: bytes, meta: _Meta, item: int, room: int) -> bytes:
    """Gather an item's bytes, at most `room`."""
    method, extents = meta.places.get(item, (0, []))
    source = meta.idat if method == 1 else data
    block = b""
    for start, length in extents[:64]:
        left = room - len(block)
        block += source[start : start + min(length or left, left)]
    return block
