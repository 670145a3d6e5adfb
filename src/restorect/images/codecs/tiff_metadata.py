"""EXIF in TIFF files, where it is part of the file's own directories: taken out into a block, and put back."""

import json
import struct

from restorect.images.metadata.exif import EXIF_IFD, GPS_IFD, INTEROP_IFD
from restorect.images.metadata.ifd import (
    Directory,
    Entry,
    Head,
    read_directory,
    read_head,
    swapped,
    write_directory,
)

# What the picture is about; tags on how it is stored are written anew.
DESCRIPTIVE = {
    *(269, 270, 271, 272, 285, 305, 306, 315, 316, 33432, 18246, 18249, 40091, 40092, 40093, 40094, 40095),
    *(36867, 37510, 33550, 33922, 34264, 34735, 34736, 34737, 42112, 42113, 50838, 50839),
}
_DESCRIPTION = 270
_POINTERS = (EXIF_IFD, GPS_IFD)
Tag = tuple[int, int, int, bytes, bool]


def exif_block(tiff: bytes, page_at: int | None = None) -> bytes | None:
    """Make an EXIF block from a TIFF's first directory (or the one at `page_at`) and those it points to."""
    try:
        head = read_head(tiff)
        first = read_directory(tiff, page_at or head.first, head)
    except (ValueError, struct.error):
        return None
    descriptive = (entry for tag, entry in first.entries.items() if tag in DESCRIPTIVE or tag == 274)
    own = [_retyped(entry) for some in descriptive if (entry := _without_shape(some))]
    children = _children(tiff, head, first)
    if not own and not children:
        return None
    order = head.order
    pointers, _ = _lay_out(children, 0, order)
    pointers, blobs = _lay_out(children, 8 + len(write_directory(own + pointers, 8, order)), order)
    mark = b"II" if order == "<" else b"MM"
    return mark + struct.pack(order + "HI", 42, 8) + write_directory(own + pointers, 8, order) + blobs


def extra_tags(exif: bytes | None) -> list[Tag]:
    """Give the descriptive tags of a block's first directory as tifffile's `extratags`, little endian."""
    if exif is None:
        return []
    head = read_head(exif)
    first = read_directory(exif, head.first, head)
    return [
        (tag, entry.type, entry.length, swapped(entry, head.order, "<"), True)
        for tag, entry in sorted(first.entries.items())
        if tag in DESCRIPTIVE
    ]


def attach(tiff: bytes, exif: bytes | None) -> tuple[bytes, tuple[str, ...]]:
    """Append a block's EXIF and GPS directories, which tifffile does not write, to a little-endian TIFF.

    The file's first directory is written anew behind them, with pointers to them.

    Returns:
        The file, and a warning where it is a BigTIFF, which is left as it is.
    """
    source = read_head(exif) if exif else None
    children = _children(exif, source, read_directory(exif, source.first, source)) if exif and source else {}
    if not children or source is None:
        return tiff, ()
    head = read_head(tiff)
    if head.big:
        return tiff, ("its EXIF dates and GPS are not kept in a TIFF over 4 GB",)
    first = read_directory(tiff, head.first, head)
    file = bytearray(tiff) + b"\0" * (len(tiff) % 2)
    ours = {tag: [_swap(entry, source.order) for entry in entries] for tag, entries in children.items()}
    pointers, blobs = _lay_out(ours, len(file), "<")
    file += blobs
    struct.pack_into("<I", file, 4, len(file))
    file += write_directory([*first.entries.values(), *pointers], len(file), "<", following=first.next)
    return bytes(file), ()


def _children(data: bytes, head: Head, first: Directory) -> dict[int, list[Entry]]:
    """Read the EXIF and GPS directories, and the interoperability one, wherever its pointer stands."""
    found = {tag: _entries(data, first.number(tag, head.order), head) for tag in _POINTERS}
    pointed = next((entry for entry in found[EXIF_IFD] if entry.tag == INTEROP_IFD), first.entries.get(INTEROP_IFD))
    if pointed and found[EXIF_IFD]:
        found[INTEROP_IFD] = _entries(data, pointed.number(head.order) or 0, head)
        found[EXIF_IFD] = [entry for entry in found[EXIF_IFD] if entry.tag != INTEROP_IFD]
    return {tag: entries for tag, entries in found.items() if entries}


def _entries(data: bytes, at: int, head: Head) -> list[Entry]:
    """Read a directory's entries; none where it is missing or damaged."""
    try:
        return [_retyped(entry) for entry in read_directory(data, at, head).entries.values()] if at else []
    except (ValueError, struct.error):
        return []


def _lay_out(children: dict[int, list[Entry]], at: int, order: str) -> tuple[list[Entry], bytes]:
    """Write child directories from `at` on; the interoperability one is a child of the EXIF one.

    Returns:
        Pointers for the first directory, and the bytes, of even length.
    """
    pointers: list[Entry] = []
    inner: list[Entry] = []
    blobs = b""
    for tag in (INTEROP_IFD, *_POINTERS):
        if tag in children:
            here = at + len(blobs)
            blobs += write_directory(children[tag] + (inner if tag == EXIF_IFD else []), here, order)
            blobs += b"\0" * (len(blobs) % 2)
            (inner if tag == INTEROP_IFD else pointers).append(Entry(tag, 4, 1, struct.pack(order + "I", here), 0))
    return pointers, blobs


def _without_shape(entry: Entry) -> Entry | None:
    """Take tifffile's note of the array's shape out of a description: the pixels may be laid out otherwise now."""
    if entry.tag != _DESCRIPTION or not (entry.data.startswith(b"{") and b'"shape":' in entry.data):
        return entry
    try:
        notes = json.loads(entry.data.rstrip(b"\0"))
    except (ValueError, RecursionError):  # nested a thousand deep
        return entry
    if not isinstance(notes.pop("shape", None), list):  # somebody else's
        return entry
    text = json.dumps(notes).encode("ascii") + b"\0"
    return entry._replace(length=len(text), data=text) if notes else None


def _retyped(entry: Entry) -> Entry:
    """Give BigTIFF's 8-byte integers, which EXIF does not know, as plain bytes."""
    return entry._replace(type=7, length=len(entry.data)) if entry.type in (16, 17, 18) else entry


def _swap(entry: Entry, order: str) -> Entry:
    return entry._replace(data=swapped(entry, order, "<"))
