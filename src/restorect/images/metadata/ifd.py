"""TIFF directories (IFDs), as found in EXIF blocks and TIFF files: read with bounds, and written."""

import struct
from dataclasses import dataclass
from typing import NamedTuple

TYPE_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_SWAP_UNITS = {**TYPE_SIZES, 5: 4, 10: 4}
_UNSIGNED = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_MAX_ENTRIES = 4096
_MAX_VALUE = 64 * 2**20


class Entry(NamedTuple):
    """One directory entry; `data` holds the whole value in the file's byte order, `at` says where it lies."""

    tag: int
    type: int
    length: int
    data: bytes
    at: int

    def number(self, order: str) -> int | None:
        """Give the first value when it is an unsigned integer, else None."""
        code = _UNSIGNED.get(self.type)
        if code is None or len(self.data) < TYPE_SIZES[self.type]:
            return None
        return int(struct.unpack_from(order + code, self.data)[0])

    def numbers(self, order: str) -> tuple[int, ...]:
        """Give all values when they are unsigned integers, else nothing."""
        code = _UNSIGNED.get(self.type)
        if code is None:
            return ()
        return struct.unpack_from(f"{order}{len(self.data) // TYPE_SIZES[self.type]}{code}", self.data)


@dataclass(frozen=True, kw_only=True)
class Directory:
    """One IFD: its entries by tag, where it starts, and the offset of the next (0: none)."""

    entries: dict[int, Entry]
    at: int
    next: int

    def number(self, tag: int, order: str, default: int = 0) -> int:
        """Give an unsigned integer tag's first value, or `default`."""
        entry = self.entries.get(tag)
        value = entry.number(order) if entry else None
        return default if value is None else value


@dataclass(frozen=True, kw_only=True)
class Head:
    """A TIFF header: struct's byte-order sign, BigTIFF or not, and where the first IFD lies."""

    order: str
    big: bool
    first: int


def read_head(data: bytes) -> Head:
    """Read a TIFF or BigTIFF header.

    Raises:
        ValueError: `data` does not begin with one.
    """
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None or len(data) < 8:
        raise ValueError("no TIFF header")
    magic = struct.unpack_from(order + "H", data, 2)[0]
    if magic == 43 and len(data) >= 16:
        return Head(order=order, big=True, first=struct.unpack_from(order + "Q", data, 8)[0])
    if magic != 42:
        raise ValueError("no TIFF header")
    return Head(order=order, big=False, first=struct.unpack_from(order + "I", data, 4)[0])


def read_directory(data: bytes, at: int, head: Head) -> Directory:
    """Read the IFD at `at`; entries of unknown type, or lying outside `data`, are left out.

    All entries together are at most as long as `data`: overlapping ones cannot fill the memory.

    Raises:
        ValueError: the directory itself lies outside `data` or is absurdly long.
    """
    count_code, entry_size, inline, offset_code = ("Q", 20, 8, "Q") if head.big else ("H", 12, 4, "I")
    start = at + struct.calcsize(count_code)
    if at < 8 or start > len(data):
        raise ValueError("a directory lies outside the data")
    count = struct.unpack_from(head.order + count_code, data, at)[0]
    end = start + count * entry_size
    if count > _MAX_ENTRIES or end > len(data):
        raise ValueError("a directory is cut off")
    entries: dict[int, Entry] = {}
    room = len(data)
    for position in range(start, end, entry_size):
        tag, kind, number = struct.unpack_from(f"{head.order}HH{offset_code}", data, position)
        size = TYPE_SIZES.get(kind, 0) * number
        value_at = position + entry_size - inline
        if size > inline:
            value_at = struct.unpack_from(head.order + offset_code, data, value_at)[0]
        if tag not in entries and 0 < size <= min(_MAX_VALUE, room) and value_at + size <= len(data):
            entries[tag] = Entry(tag, kind, number, data[value_at : value_at + size], value_at)
            room -= size
    width = struct.calcsize(offset_code)
    following = struct.unpack_from(head.order + offset_code, data, end)[0] if end + width <= len(data) else 0
    return Directory(entries=entries, at=at, next=following)


def chain(data: bytes, head: Head, *, limit: int = 10_000) -> list[int]:
    """List the offsets of the main chain of IFDs, stopping at loops and at damage."""
    found: list[int] = []
    seen: set[int] = set()
    at = head.first
    while at and at not in seen and len(found) < limit:
        try:
            following = read_directory(data, at, head).next if len(found) < 64 else _next(data, at, head)
        except (ValueError, struct.error):
            break
        seen.add(at)
        found.append(at)
        at = following
    return found


def swapped(entry: Entry, order: str, wanted: str) -> bytes:
    """Give an entry's value in byte order `wanted`; bytes of unknown meaning (UNDEFINED) stay as they are."""
    unit = _SWAP_UNITS[entry.type]
    if order == wanted or unit == 1:
        return entry.data
    return b"".join(entry.data[at : at + unit][::-1] for at in range(0, len(entry.data), unit))


def write_directory(entries: list[Entry], at: int, order: str, *, following: int = 0) -> bytes:
    """Write a classic IFD to lie at offset `at`, its long values right behind it.

    Args:
        entries: entries with `data` already in `order`; `at` of an entry is not used.
        at: even offset where the bytes will lie.
        order: struct's byte-order sign.
        following: offset of the next IFD.
    """
    entries = sorted(entries)
    body = bytearray()
    values_at = at + 2 + 12 * len(entries) + 4
    table = bytearray(struct.pack(order + "H", len(entries)))
    for entry in entries:
        table += struct.pack(order + "HHI", entry.tag, entry.type, entry.length)
        if len(entry.data) <= 4:
            table += entry.data.ljust(4, b"\0")
        else:
            table += struct.pack(order + "I", values_at + len(body))
            body += entry.data + b"\0" * (len(entry.data) % 2)
    return bytes(table + struct.pack(order + "I", following) + body)


def _next(data: bytes, at: int, head: Head) -> int:
    """Follow one link of the chain without reading entries."""
    count_code, entry_size, offset_code = ("Q", 20, "Q") if head.big else ("H", 12, "I")
    count = struct.unpack_from(head.order + count_code, data, at)[0]
    return int(
        struct.unpack_from(head.order + offset_code, data, at + struct.calcsize(count_code) + count * entry_size)[0]
    )
