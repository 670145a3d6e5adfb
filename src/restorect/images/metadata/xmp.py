"""XMP packets: orientation and thumbnails put right, and a note on how the picture was restored.

A packet is edited as text: no XML is parsed, so nothing in a hostile packet is ever expanded.
"""

import hashlib
import json
import re
import struct
from collections.abc import Iterable, Mapping

from restorect.images.metadata.claims import without_claims
from restorect.images.metadata.xml_text import decoded, of, prefixes, values, with_value, without
from restorect.images.orient import remaining

NAMESPACE = "http://ns.restorect/1.0/"
EXTENSION_SIGNATURE = b"http://ns.adobe.com/xmp/extension/\0"
_EXTENSION_HEAD = 40
_EXTENSION_PART = 65000
_MAX_BYTES = 16 * 2**20
_TIFF, _BASIC = "http://ns.adobe.com/tiff/1.0/", "http://ns.adobe.com/xap/1.0/"
_OLD_NOTE = re.compile(
    rf"""<rdf:Description rdf:about="[^"]*" xmlns:restorect="{re.escape(NAMESPACE)}"[^<>]*/>\s*""",
)
_ENTITIES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}
)
_CLOSE = "</rdf:RDF>"
_EMPTY = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
    f"{_CLOSE}\n</x:xmpmeta>\n"
    '<?xpacket end="w"?>'
)


def for_writing(
    xmp: bytes | None,
    note: Mapping[str, object] | None,
    *,
    orientation: int = 1,
    extended: bool = True,
    turned: bool = False,
) -> tuple[bytes | None, tuple[str, ...]]:
    """Give the packet of an upright, restored picture.

    Args:
        xmp: the packet as read, or None.
        note: names and values to record; None records nothing.
        orientation: what the packet is to say where it speaks of one; a sidecar's may be another than 1.
        extended: the extended packet that it refers to, if it does, is written with it.
        turned: the picture was turned.

    Returns:
        The packet (None when there is neither a packet nor a note), and warnings.
    """
    if xmp is None and note is None:
        return None, ()
    try:
        text = _EMPTY if xmp is None else decoded(xmp)
    except UnicodeDecodeError:
        return xmp, ("its XMP is not UTF-8: kept as it is, without a note",)
    text = with_value(text, _orientation_names(text), str(orientation))
    text = without(text, of(prefixes(text, _BASIC) | {"xmp", "xap"}, "Thumbnails"))
    text = without_claims(text, extended=extended, turned=turned)
    if note is None:
        return text.encode(), ()
    if _CLOSE not in text:
        return text.encode(), ("its XMP is not understood: kept as it is, without a note",)
    before, _, after = _OLD_NOTE.sub("", text).rpartition(_CLOSE)
    return f"{before}{_description(note)}\n{_CLOSE}{after}".encode(), ()


def for_sidecar(xmp: bytes, *, turned: int) -> bytes:
    """Give the packet of a file beside a picture that was turned by the orientation its own file states.

    A sidecar that states another one, for a program turned the photo further, states what is left of that.
    """
    own = orientation(xmp)
    left = 1 if own == 1 else remaining(turned, own)
    packet, _ = for_writing(xmp, None, orientation=left, turned=turned != 1)
    return packet or xmp


def orientation(xmp: bytes | None) -> int:
    """Read the orientation, 1 to 8; 1 when there is none or it is not valid."""
    try:
        text = decoded(xmp) if xmp else ""
    except UnicodeDecodeError:
        return 1
    found = values(text, _orientation_names(text))
    return int(found[0]) if found and found[0].strip() in set("12345678") else 1


def problem(xmp: bytes | None) -> str | None:
    """Say why a packet cannot be kept, or None when it can."""
    return f"it has {len(xmp)} bytes" if xmp and len(xmp) > _MAX_BYTES else None


def usable(xmp: bytes | None) -> bytes | None:
    """Give a packet without padding zeros, or None when it is empty."""
    wide = xmp is not None and xmp[:2] in (b"\xfe\xff", b"\xff\xfe")  # whose letters have zeros too
    return xmp if wide else (xmp or b"").strip(b"\0") or None


def join_extension(segments: Iterable[bytes], xmp: bytes | None) -> bytes | None:
    """Put together the extended packet of a JPEG (XMP Specification Part 3, 1.1.3.1).

    Args:
        segments: bodies of the APP1 segments that begin with `EXTENSION_SIGNATURE`.
        xmp: the main packet, which names the extended one by its MD5.

    Returns:
        The packet; None unless it is whole, the one that `xmp` names, and free of thumbnails (the MD5 forbids to
        take those out).
    """
    parts: dict[int, bytes] = {}
    for body in (segment[len(EXTENSION_SIGNATURE) :] for segment in segments):
        if len(body) > _EXTENSION_HEAD and xmp and body[:32] in xmp:
            parts[struct.unpack_from(">I", body, 36)[0]] = body[_EXTENSION_HEAD:]
    packet = b"".join(parts[at] for at in sorted(parts))
    known = xmp and _digest(packet) in xmp
    return packet if known and len(packet) <= _MAX_BYTES and b":Thumbnails" not in packet else None


def split_extension(packet: bytes) -> list[bytes]:
    """Give an extended packet as bodies of APP1 segments, each with `EXTENSION_SIGNATURE`."""
    head = EXTENSION_SIGNATURE + _digest(packet)
    return [
        head + struct.pack(">II", len(packet), at) + packet[at : at + _EXTENSION_PART]
        for at in range(0, len(packet), _EXTENSION_PART)
    ]


def _digest(packet: bytes) -> bytes:
    """Name an extended packet as the standard does."""
    return hashlib.md5(packet, usedforsecurity=False).hexdigest().upper().encode()


def _orientation_names(text: str) -> str:
    """Give a pattern for the names by which a packet states an orientation."""
    return of(prefixes(text, _TIFF) | {"tiff"}, "Orientation")


def _description(note: Mapping[str, object]) -> str:
    """Write the note as one RDF description; keys become XML names, values text."""
    parts = []
    for key, value in note.items():
        name = re.sub(r"\W", "_", key, flags=re.ASCII)
        name = name if re.match(r"[A-Za-z_]", name) else f"_{name}"
        text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
        text = re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text)
        parts.append(f'restorect:{name}="{_quoted(text)}"')
    return f'<rdf:Description rdf:about="" xmlns:restorect="{NAMESPACE}" {" ".join(parts)}/>'


def _quoted(text: str) -> str:
    """Escape text for a double-quoted attribute."""
    return text.translate(_ENTITIES)
