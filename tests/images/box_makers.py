"""HEIC and AVIF files put together box by box (ISO/IEC 14496-12 and 23008-12), around pictures coded by others."""

import io
import struct
from dataclasses import dataclass, field
from pathlib import Path

import imagecodecs
import numpy as np
from PIL import Image

from restorect.images.codecs.boxes import content, read_meta, walk

ESSENTIAL = (b"irot", b"imir", b"clap")
HERE = Path(__file__).parent
C2PA_UUID = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")


@dataclass(frozen=True)
class Item:
    """An item: its number, four letters, bytes, properties (kind and content), and whether it is hidden."""

    number: int
    kind: bytes
    body: bytes = b""
    properties: tuple[tuple[bytes, bytes], ...] = field(default=())
    hidden: bool = False
    name: bytes = b"\0"


def box(kind, body):
    return struct.pack(">I4s", 8 + len(body), kind) + body


def full(kind, body, version=0, flags=0):
    return box(kind, struct.pack(">I", version << 24 | flags) + body)


def nclx(primaries, transfer, matrix=1):
    return b"colr", b"nclx" + struct.pack(">HHHB", primaries, transfer, matrix, 0x80)


def prof(icc):
    return b"colr", b"prof" + icc


def auxc(urn):
    return b"auxC", bytes(4) + urn + b"\0"


def ispe(width, height):
    return b"ispe", bytes(4) + struct.pack(">II", width, height)


def xmp_item(number, packet):
    return Item(number, b"mime", packet, name=b"\0application/rdf+xml\0")


def exif_item(number, block):
    return Item(number, b"Exif", bytes(4) + block)


def coded(kind, pixels=None):
    """A picture as `(four letters, bytes, properties)`: HEVC of `ramp8.heic`, 64 x 48, or AV1 by Pillow or libavif."""
    if kind == "heic":
        data = (HERE / "ramp8.heic").read_bytes()
    elif pixels.ndim == 2:
        data = bytes(imagecodecs.avif_encode(pixels, level=100, pixelformat="400"))
    else:
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "AVIF", quality=100, subsampling="4:4:4")
        data = buffer.getvalue()
    meta = next(read_meta(data, start, end) for name, start, end in walk(data) if name == b"meta")
    own = tuple((name, body) for name, body in meta.properties_of(meta.primary) if name not in (b"colr", b"irot"))
    return meta.kinds[meta.primary], content(data, meta, meta.primary), own


def picture(number, kind, *more, pixels=None, hidden=False):
    """A coded picture as an item, with more properties."""
    letters, body, own = coded(kind, pixels)
    return Item(number, letters, body, (*own, *more), hidden)


def grid(number, rows, columns, width, height, *properties):
    """An item that puts tiles together."""
    return Item(number, b"grid", struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, width, height), properties)


def make(kind, items, *, primary=1, references=(), behind=b""):
    """A whole file; `references` are (four letters, from, to...), `behind` are boxes behind the pictures."""
    brand = {"heic": b"heic", "avif": b"avif"}[kind]
    start = box(b"ftyp", brand + bytes(4) + b"mif1" + brand)
    items = sorted(items, key=lambda item: item.number)
    table = [one for item in items for one in item.properties]
    table = list(dict.fromkeys(table))
    owned = b""
    for item in items:
        places = bytes(table.index(one) + 1 | (0x80 if one[0] in ESSENTIAL else 0) for one in item.properties)
        owned += struct.pack(">HB", item.number, len(places)) + places
    infos = b"".join(
        full(b"infe", struct.pack(">HH4s", item.number, 0, item.kind) + item.name, 2, int(item.hidden))
        for item in items
    )
    links = b"".join(box(name, struct.pack(f">HH{len(to)}H", source, len(to), *to)) for name, source, *to in references)

    def meta(places):
        rows = b"".join(struct.pack(">HHHII", item.number, 0, 1, at, len(item.body)) for item, at in places)
        body = full(b"hdlr", bytes(4) + b"pict" + bytes(13)) + full(b"pitm", struct.pack(">H", primary))
        body += full(b"iloc", b"\x44\0" + struct.pack(">H", len(places)) + rows)
        body += full(b"iinf", struct.pack(">H", len(items)) + infos)
        body += full(b"iref", links) if links else b""
        stored = box(b"ipco", b"".join(box(name, one) for name, one in table))
        body += box(b"iprp", stored + full(b"ipma", struct.pack(">I", len(items)) + owned))
        return full(b"meta", body)

    at = len(start) + len(meta([(item, 0) for item in items])) + 8
    places = []
    for item in items:
        places.append((item, at))
        at += len(item.body)
    return start + meta(places) + box(b"mdat", b"".join(item.body for item in items)) + behind


def ramp(width=64, height=48):
    """A small picture for AV1."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 3, y * 4, x + y], -1).astype(np.uint8)
