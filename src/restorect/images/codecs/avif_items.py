"""Add an ICC profile, EXIF and XMP to an AVIF file that our encoder has just written."""

import struct

from restorect.images.codecs.boxes import walk

_EXIF_ID, _XMP_ID = 1001, 1002


def add_items(data: bytes, *, icc: bytes | None, exif: bytes | None, xmp: bytes | None) -> bytes:
    """Rewrite the `meta` box with more items; coded pixels are moved, not changed.

    Raises:
        ValueError: the file is not laid out as libavif writes it.
    """
    items = []
    if exif:
        items.append((_EXIF_ID, b"Exif\0", b"\0\0\0\0" + exif))
    if xmp:
        items.append((_XMP_ID, b"mime\0application/rdf+xml\0", xmp))
    if not items and not icc:
        return data
    top = [(kind, start, end) for kind, start, end in walk(data)]
    if [kind for kind, _, _ in top[:2]] != [b"ftyp", b"meta"]:
        raise ValueError("unexpected AVIF layout")
    _, start, end = top[1]
    parts = [(kind, data[a:b]) for kind, a, b in walk(data, start + 4, end)]
    primary = struct.unpack_from(">H", dict(parts)[b"pitm"], 4)[0]
    references = dict(parts).get(b"iref", b"\0\0\0\0")
    references += b"".join(_box(b"cdsc", struct.pack(">HHH", item, 1, primary)) for item, _, _ in items)
    draft = _meta(parts, references, items, icc, primary, delta=0, tail=0)
    delta = len(draft) - (end - (start - 8))
    tail = len(data) + delta + 8
    meta = _meta(parts, references, items, icc, primary, delta=delta, tail=tail)
    payload = b"".join(body for _, _, body in items)
    return data[: start - 8] + meta + data[end:] + (_box(b"mdat", payload) if payload else b"")


def _meta(
    parts: list[tuple[bytes, bytes]],
    references: bytes,
    items: list[tuple[int, bytes, bytes]],
    icc: bytes | None,
    primary: int,
    *,
    delta: int,
    tail: int,
) -> bytes:
    """Write the whole `meta` box; old places move by `delta`, new items begin at `tail`."""
    body = b"\0\0\0\0"
    for kind, old in parts:
        if kind == b"iloc":
            body += _box(kind, _places(old, items, delta=delta, tail=tail))
        elif kind == b"iinf":
            count = struct.unpack_from(">H", old, 4)[0] + len(items)
            infos = b"".join(_box(b"infe", b"\2\0\0\0" + struct.pack(">HH", item, 0) + name) for item, name, _ in items)
            body += _box(kind, old[:4] + struct.pack(">H", count) + old[6:] + infos)
        elif kind == b"iprp" and icc:
            body += _box(kind, _properties(old, icc, primary))
        elif kind != b"iref":
            body += _box(kind, old)
        if kind == b"iinf" and len(references) > 4:
            body += _box(b"iref", references)
    return _box(b"meta", body)


def _places(old: bytes, items: list[tuple[int, bytes, bytes]], *, delta: int, tail: int) -> bytes:
    """Write the `iloc` box (version 0, 4-byte offsets and lengths)."""
    if old[0] != 0 or old[4:6] != b"\x44\0":
        raise ValueError("unexpected AVIF item table")
    count = struct.unpack_from(">H", old, 6)[0]
    table, at = b"", 8
    for _ in range(count):
        item, source, extents = struct.unpack_from(">HHH", old, at)
        at += 6
        table += struct.pack(">HHH", item, source, extents)
        for _ in range(extents):
            offset, length = struct.unpack_from(">II", old, at)
            at += 8
            table += struct.pack(">II", offset + delta, length)
    for item, _, body in items:
        table += struct.pack(">HHHII", item, 0, 1, tail, len(body))
        tail += len(body)
    return old[:6] + struct.pack(">H", count + len(items)) + table


def _properties(old: bytes, icc: bytes, primary: int) -> bytes:
    """Append the profile to the properties and give it to the primary picture."""
    boxes = [(kind, old[a:b]) for kind, a, b in walk(old)]
    count = sum(1 for _ in walk(dict(boxes)[b"ipco"]))
    result = b""
    for kind, body in boxes:
        if kind == b"ipco":
            result += _box(kind, body + _box(b"colr", b"prof" + icc))
        else:
            result += _box(kind, _owned(body, primary, count + 1))
    return result


def _owned(old: bytes, primary: int, index: int) -> bytes:
    """Append a property index to one item's list."""
    if old[:4] != b"\0\0\0\0":
        raise ValueError("unexpected AVIF property table")
    table, at = old[:8], 8
    for _ in range(struct.unpack_from(">I", old, 4)[0]):
        item, count = struct.unpack_from(">HB", old, at)
        own = old[at + 3 : at + 3 + count] + (bytes([index]) if item == primary else b"")
        table += struct.pack(">HB", item, len(own)) + own
        at += 3 + count
    return table


def _box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + kind + body
