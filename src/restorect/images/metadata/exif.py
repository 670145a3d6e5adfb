"""EXIF blocks: orientation, and editing that moves no byte of the maker notes.

Maker notes hold offsets from the start of the block, so a block is never written anew: the new first directory is
appended and the header pointed at it; everything else stays where it was.
"""

import re
import struct

from restorect.images.metadata.ifd import TYPE_SIZES, Directory, Entry, Head, read_directory, read_head, write_directory

ORIENTATION = 0x0112
SOFTWARE = 0x0131
EXIF_IFD = 0x8769
GPS_IFD = 0x8825
INTEROP_IFD = 0xA005
INTEROP_INDEX = 0x0001
COLOUR_SPACE = 0xA001
THUMBNAIL_AT = 0x0201
THUMBNAIL_SIZE = 0x0202
_SIZES = {0x0100: 0, 0x0101: 1, 0xA002: 0, 0xA003: 1}
_ADOBE, _STANDARD = b"R03", b"R98"
_SRGB_SPACE, _ADOBE_SPACE, _UNCALIBRATED = 1, 2, 65535
_ADOBE_NAME = re.compile(r"_\w{3}\d{4}\.\w+", re.ASCII)
_XMP, _IPTC, _ICC = 700, 33723, 34675


def bare(exif: bytes | None) -> bytes | None:
    """Drop the `Exif` prefix some containers carry; None for an empty block."""
    if exif and exif[:6] in (b"Exif\0\0", b"Exif\0\xff"):
        exif = exif[6:]
    return exif or None


def problem(exif: bytes | None) -> str | None:
    """Say why a block cannot be used, or None when it can."""
    if exif is None:
        return None
    try:
        head = read_head(exif)
        if head.big:
            return "BigTIFF inside EXIF"
        read_directory(exif, head.first, head)
    except (ValueError, struct.error) as error:
        return str(error)
    return None


def orientation(exif: bytes | None, other: int = 1) -> int:
    """Read the orientation, 1 to 8; `other` when there is none or it is not valid."""
    if exif is None or problem(exif):
        return other
    head = read_head(exif)
    value = read_directory(exif, head.first, head).number(ORIENTATION, head.order)
    return value if 1 <= value <= 8 else other


def names_adobe_rgb(exif: bytes | None, file_name: str = "") -> bool:
    """Say whether a file is in Adobe RGB by the DCF standard (JEITA CP-3461B), if it has no profile.

    The interoperability index R03 says so; where there is no index, uncalibrated colours in a file whose name begins
    with an underscore, such as `_DSC0001.JPG`. Some cameras name it as colour space 2.
    """
    index, space, order = _colour_entries(exif or b"")
    number = space.number(order) if space else None
    if index is not None:
        return number != _SRGB_SPACE and index.data.startswith(_ADOBE)
    return number == _ADOBE_SPACE or (number == _UNCALIBRATED and _ADOBE_NAME.fullmatch(file_name) is not None)


def for_writing(exif: bytes, *, size: tuple[int, int], software: str | None, srgb: bool = False) -> bytes:
    """Give the block of an upright picture: orientation 1, its size, a software tag, no thumbnail.

    Args:
        exif: a block without `problem`.
        size: width and height of the picture written.
        software: text of the new software tag; None leaves the old one.
        srgb: say that the colours are sRGB's, where the block speaks of them.
    """
    head = read_head(exif)
    first = read_directory(exif, head.first, head)
    block = bytearray(exif)
    _drop_thumbnail(block, first, head)
    _set_sizes(block, first, head, size)
    if srgb:
        _name_srgb(block, exif)
    changes: dict[int, Entry | None] = {_XMP: None, _IPTC: None, _ICC: None}
    if ORIENTATION in first.entries:
        changes[ORIENTATION] = Entry(ORIENTATION, 3, 1, struct.pack(head.order + "H", 1), 0)
    if software is not None:
        text = software.encode("ascii", "replace") + b"\0"
        changes[SOFTWARE] = Entry(SOFTWARE, 2, len(text), text, 0)
    return _with_first_directory(block, head, first, changes)


def fresh(entries: list[Entry], order: str = "<") -> bytes:
    """Write a new block with one directory."""
    mark = b"II" if order == "<" else b"MM"
    return mark + struct.pack(order + "HI", 42, 8) + write_directory(entries, 8, order)


def with_software(software: str) -> bytes:
    """Write a block that holds only a software tag."""
    text = software.encode("ascii", "replace") + b"\0"
    return fresh([Entry(SOFTWARE, 2, len(text), text, 0)])


def sub_directory(exif: bytes, tag: int) -> Directory | None:
    """Read the EXIF or GPS directory that the first one points to, or None."""
    try:
        head = read_head(exif)
        at = read_directory(exif, head.first, head).number(tag, head.order)
        return read_directory(exif, at, head) if at else None
    except (ValueError, struct.error):
        return None


def _colour_entries(exif: bytes) -> tuple[Entry | None, Entry | None, str]:
    """Find the index of the interoperability directory, and the colour space, of which either may be missing."""
    inside = sub_directory(exif, EXIF_IFD)
    space = inside.entries.get(COLOUR_SPACE) if inside else None
    try:
        head = read_head(exif)
        outside = read_directory(exif, head.first, head)
        at = (inside.number(INTEROP_IFD, head.order) if inside else 0) or outside.number(INTEROP_IFD, head.order)
        return read_directory(exif, at, head).entries.get(INTEROP_INDEX), space, head.order
    except (ValueError, struct.error):
        return None, space, "<" if exif[:2] == b"II" else ">"


def _name_srgb(block: bytearray, exif: bytes) -> None:
    """Write sRGB over another colour space."""
    index, space, order = _colour_entries(exif)
    if index is not None and index.data.startswith(_ADOBE):
        block[index.at : index.at + len(_STANDARD)] = _STANDARD
    if space is not None and space.type == 3:
        struct.pack_into(order + "H", block, space.at, _SRGB_SPACE)


def _with_first_directory(block: bytearray, head: Head, first: Directory, changes: dict[int, Entry | None]) -> bytes:
    """Append a changed first directory; values that are not changed keep their place."""
    added = {tag: entry for tag, entry in changes.items() if entry is not None}
    touched = set(changes) & (set(first.entries) | set(added))
    turned = first.entries.get(ORIENTATION)
    if touched <= {ORIENTATION} and (turned is None or turned.type == 3):
        if turned is not None:
            block[turned.at : turned.at + 2] = added[ORIENTATION].data
        return bytes(block)
    entries = {tag: entry for tag, entry in first.entries.items() if tag not in changes}
    block += b"\0" * (len(block) % 2)
    at = len(block)
    table = bytearray(struct.pack(head.order + "H", len(entries) + len(added)))
    tail = bytearray()
    tail_at = at + 2 + 12 * (len(entries) + len(added)) + 4
    for tag in sorted({**entries, **added}):
        entry = added.get(tag) or entries[tag]
        table += struct.pack(head.order + "HHI", tag, entry.type, entry.length)
        if len(entry.data) <= 4:
            table += entry.data.ljust(4, b"\0")
        elif tag in added:
            table += struct.pack(head.order + "I", tail_at + len(tail))
            tail += entry.data + b"\0" * (len(entry.data) % 2)
        else:
            table += struct.pack(head.order + "I", entry.at)
    block += table + struct.pack(head.order + "I", 0) + tail
    struct.pack_into(head.order + "I", block, 4, at)
    return bytes(block)


def _drop_thumbnail(block: bytearray, first: Directory, head: Head) -> None:
    """Unlink the second directory and blank the picture it points to."""
    if not first.next:
        return
    count = struct.unpack_from(head.order + "H", block, first.at)[0]
    struct.pack_into(head.order + "I", block, first.at + 2 + 12 * count, 0)
    try:
        second = read_directory(bytes(block), first.next, head)
    except (ValueError, struct.error):
        return
    at, size = (second.number(tag, head.order) for tag in (THUMBNAIL_AT, THUMBNAIL_SIZE))
    if at < 8 or not size or at + size > len(block) or block[at : at + 2] != b"\xff\xd8":
        return
    if at + size >= len(block) - 1:
        del block[at:]
    else:
        block[at : at + size] = bytes(size)


def _set_sizes(block: bytearray, first: Directory, head: Head, size: tuple[int, int]) -> None:
    """Write the picture's width and height where the block states them."""
    inside = sub_directory(bytes(block), EXIF_IFD)
    for directory in (first, inside):
        for tag, axis in _SIZES.items():
            entry = directory.entries.get(tag) if directory else None
            if entry and entry.length == 1 and entry.type in (3, 4) and entry.at + TYPE_SIZES[entry.type] <= len(block):
                code = "H" if entry.type == 3 else "I"
                struct.pack_into(
                    head.order + code, block, entry.at, min(size[axis], 2 ** (8 * TYPE_SIZES[entry.type]) - 1)
                )
