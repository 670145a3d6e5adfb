"""IPTC-IIM data sets inside Photoshop image resources, as JPEG carries them."""

import struct
from collections.abc import Iterator

_IPTC_RESOURCE = 0x0404
_PATHS = range(2000, 2999)
SIGNATURE = b"Photoshop 3.0\0"


def from_resources(block: bytes) -> bytes | None:
    """Find the IPTC data sets in a block of Photoshop image resources (without the signature)."""
    return next((body for code, body in _resources(block) if code == _IPTC_RESOURCE and body), None)


def holds_paths(block: bytes) -> bool:
    """Say whether a block of Photoshop image resources has paths, such as a clipping path."""
    return any(code in _PATHS for code, _ in _resources(block))


def _resources(block: bytes) -> Iterator[tuple[int, bytes]]:
    """Walk a block of image resources: number and content; ends where it is cut off or damaged."""
    at = 0
    while at + 12 <= len(block) and block[at : at + 4] == b"8BIM":
        code = struct.unpack_from(">H", block, at + 4)[0]
        name_size = block[at + 6] + 1
        at += 6 + name_size + name_size % 2
        if at + 4 > len(block):
            return
        size = struct.unpack_from(">I", block, at)[0]
        at += 4
        if at + size > len(block):
            return
        yield code, block[at : at + size]
        at += size + size % 2


def to_resources(iptc: bytes) -> bytes:
    """Wrap IPTC data sets as one Photoshop image resource (without the signature)."""
    return b"8BIM" + struct.pack(">HHI", _IPTC_RESOURCE, 0, len(iptc)) + iptc + b"\0" * (len(iptc) % 2)
