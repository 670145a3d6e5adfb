"""IPTC-IIM data sets inside Photoshop image resources, as JPEG carries them."""

import struct

_IPTC_RESOURCE = 0x0404
SIGNATURE = b"Photoshop 3.0\0"


def from_resources(block: bytes) -> bytes | None:
    """Find the IPTC data sets in a block of Photoshop image resources (without the signature)."""
    at = 0
    while at + 12 <= len(block) and block[at : at + 4] == b"8BIM":
        code = struct.unpack_from(">H", block, at + 4)[0]
        name_size = block[at + 6] + 1
        at += 6 + name_size + name_size % 2
        if at + 4 > len(block):
            return None
        size = struct.unpack_from(">I", block, at)[0]
        at += 4
        if code == _IPTC_RESOURCE:
            return block[at : at + size] if size and at + size <= len(block) else None
        at += size + size % 2
    return None


def to_resources(iptc: bytes) -> bytes:
    """Wrap IPTC data sets as one Photoshop image resource (without the signature)."""
    return b"8BIM" + struct.pack(">HHI", _IPTC_RESOURCE, 0, len(iptc)) + iptc + b"\0" * (len(iptc) % 2)
