"""The still picture of an AVIF or HEIC file: its properties, its metadata, and what lies beside it."""

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from restorect.images import cicp
from restorect.images.codecs.boxes import Meta, content, read_meta, walk
from restorect.images.header import Header
from restorect.images.metadata import exif, xmp
from restorect.images.orient import combined
from restorect.images.photo import Metadata

_TURNS = {0: 1, 1: 8, 2: 3, 3: 6}  # quarters against the clock
_MIRRORS = {0: 4, 1: 2}  # top and bottom, left and right
_PICTURES = {b"hvc1", b"av01", b"avc1", b"vvc1", b"jpeg", b"j2k1", b"unci", b"grid", b"iden", b"iovl"}
_MAX_ITEMS = 100
_MAX_DEPTH = 4
_C2PA = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
_ALPHA = (b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", b"urn:mpeg:hevc:2015:auxid:1")
_AUXILIARY = (
    (b"hdrgainmap", "gain map"),
    (b"depth", "depth map"),
    (b"disparity", "depth map"),
    (b"urn:mpeg:hevc:2015:auxid:2", "depth map"),
)
_BOXES = {b"mpvd": "motion-photo video", b"sefd": "Samsung's trailer"}


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
        pictures: pictures of equal right in the file, of which this is one.
        beside: what lies beside these.
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
    pictures: int = 1
    beside: tuple[str, ...] = ()

    def header(self, *, planes: int) -> Header:
        """What a header says of it, with so many planes after decoding; of the file it is the only picture."""
        points, profile = self.hdr_code_points, self.icc
        warnings: tuple[str, ...] = ()
        if profile is None and self.code_points is not None and points is None:
            profile, warnings = cicp.profile(*self.code_points, grey=planes == 1)
        return Header(
            width=self.width,
            height=self.height,
            channels=planes,
            stored_bits=self.bits,
            bit_depth=8 if self.bits == 8 else 16,
            has_alpha=self.alpha,
            icc_profile=profile,
            code_points=points,
            metadata=Metadata(exif=exif.bare(self.exif), xmp=xmp.usable(self.xmp)),
            orientation=self.orientation,
            names_colours=self.code_points is not None and self.code_points != (2, 2),
            lossless=False,
            beside=self.beside,
            warnings=warnings,
        )

    @property
    def hdr_code_points(self) -> tuple[int, int] | None:
        """The code points, if they are those of PQ or HLG, and there is no profile."""
        known = self.icc is None and self.code_points is not None and cicp.is_hdr(*self.code_points)
        return self.code_points if known else None


def read_still(data: bytes) -> Still:
    """Read the primary picture's properties and metadata.

    Raises:
        ValueError: there is no still picture.
    """
    meta = next((read_meta(data, start, end) for kind, start, end in walk(data) if kind == b"meta"), None)
    if meta is None:
        raise ValueError("no still picture in it")
    own, inner = meta.properties_of(meta.primary), _of_tiles(meta)
    still = Still(alpha=any(meta.primary in to and _is_alpha(meta, item) for item, to in _auxiliaries(meta)))
    _apply_colours(still, inner)
    _apply(still, own)
    _apply_colours(still, own)
    if not any(kind == b"pixi" for kind, _ in own):
        _bits_from_codec(still, [*own, *inner] or meta.properties)
    _read_metadata(still, data, meta)
    still.pictures = len(_pictures(meta))
    still.beside = tuple(dict.fromkeys([*_beside(meta), *_boxes_beside(data)]))
    return still


def _of_tiles(meta: Meta) -> list[tuple[bytes, bytes]]:
    """Give the properties of the first tile, or of what the picture is derived from otherwise."""
    found: list[tuple[bytes, bytes]] = []
    item = meta.primary
    for _ in range(_MAX_DEPTH):
        inner = meta.referred(b"dimg", item)
        if not inner or meta.kinds.get(item) not in (b"grid", b"iden", b"iovl"):
            break
        item = inner[0]
        found = meta.properties_of(item) + found
    return found


def _apply(still: Still, properties: list[tuple[bytes, bytes]]) -> None:
    """Take over size, depth, crop and turns, these in their order."""
    for kind, body in properties:
        if kind == b"ispe":
            still.width, still.height = struct.unpack_from(">II", body, 4)
        elif kind == b"clap":
            across, across_by, down, down_by = struct.unpack_from(">4I", body)
            still.crop = (across // across_by, down // down_by)
        elif kind == b"pixi":
            still.planes, still.bits = (1 if body[4] == 1 else 3), body[5]
        elif kind == b"irot":
            still.orientation = combined(still.orientation, _TURNS[body[0] & 3])
        elif kind == b"imir":
            still.orientation = combined(still.orientation, _MIRRORS[body[0] & 1])


def _apply_colours(still: Still, properties: list[tuple[bytes, bytes]]) -> None:
    """Take over the colours' profile and code points."""
    for kind, body in properties:
        if kind == b"colr" and body[:4] == b"nclx":
            still.code_points = struct.unpack_from(">HH", body, 4)
        elif kind == b"colr" and body[:4] in (b"prof", b"rICC"):
            still.icc = body[4:]


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


def _read_metadata(still: Still, data: bytes, meta: Meta) -> None:
    """Take over the EXIF and XMP items that describe the primary picture, or that describe none."""
    told = [(item, kind) for item, kind in meta.kinds.items() if kind in (b"Exif", b"mime")]
    room = len(data)  # of all items together: overlapping ones would be copied a thousand times
    for item, kind in told[:_MAX_ITEMS]:
        about = meta.referred(b"cdsc", item)
        known = still.exif if kind == b"Exif" else still.xmp
        if known is not None or (about and meta.primary not in about):
            continue
        block = content(data, meta, item, room)
        room -= len(block)
        if kind == b"Exif":
            skip = 4 + struct.unpack_from(">I", block)[0] if len(block) > 4 else 0
            still.exif = block[skip:] or None
        else:
            still.xmp = block if b"<x:xmpmeta" in block[:4096] or b"<rdf:RDF" in block[:4096] else None


def _auxiliaries(meta: Meta) -> Iterable[tuple[int, tuple[int, ...]]]:
    """Give auxiliary pictures and the pictures that they belong to."""
    return ((item, to) for kind, item, to in meta.references if kind == b"auxl")


def _type_of(meta: Meta, item: int) -> bytes:
    """Give the name of an auxiliary picture's type."""
    return next((body[4:].split(b"\0")[0] for kind, body in meta.properties_of(item) if kind == b"auxC"), b"")


def _is_alpha(meta: Meta, item: int) -> bool:
    return _type_of(meta, item) in _ALPHA


def _pictures(meta: Meta) -> set[int]:
    """Give the pictures that are meant to be seen by themselves."""
    parts = {item for kind, _, to in meta.references if kind == b"dimg" for item in to}
    served = {item for kind, item, _ in meta.references if kind in (b"thmb", b"auxl")}
    shown = {item for item, kind in meta.kinds.items() if kind in _PICTURES}
    return shown - parts - served - meta.hidden | {meta.primary}


def _beside(meta: Meta) -> list[str]:
    """Name gain maps, depth maps and other auxiliary pictures."""
    found = ["gain map"] if b"tmap" in meta.kinds.values() else []
    for item, _ in list(_auxiliaries(meta))[:_MAX_ITEMS]:
        if not _is_alpha(meta, item):
            sort = _type_of(meta, item)
            text = sort.rpartition(b":")[2].decode("ascii", "replace")[:40]
            found.append(next((name for sign, name in _AUXILIARY if sign in sort), f"auxiliary picture ({text})"))
    return found


def _boxes_beside(data: bytes) -> list[str]:
    """Name what lies beside the `meta` box."""
    found, movies = [], 0
    sequence = b"avis" in data[8:64]
    for kind, start, end in walk(data):
        movies += kind == b"ftyp"
        if kind in _BOXES:
            found.append(_BOXES[kind])
        elif kind == b"uuid" and data[start : min(start + 16, end)] == _C2PA:
            found.append("C2PA manifest")
        elif kind == b"moov" and not sequence:
            found.append("motion-photo video" if movies > 1 else "picture sequence")
    return found
