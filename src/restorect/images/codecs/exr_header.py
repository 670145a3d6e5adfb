"""The header of an OpenEXR file, read without OpenEXR: what its parts hold, before anything is decoded."""

import struct
from dataclasses import dataclass, field

_LONG_NAMES, _DEEP, _MULTIPART = 0x400, 0x800, 0x1000
_MAX_BYTES = 2**20
_MAX_PARTS = 1000
_LOSSY = {6, 7, 8, 9}  # B44, B44A, DWAA, DWAB; PXR24 (5) is so for floats only
_PXR24 = 5
_HALF, _FLOAT = 1, 2


@dataclass(kw_only=True)
class Part:
    """One picture of a file.

    Attributes:
        width: of the data window.
        height: of the data window.
        cropped: the display window is another one.
        channels: name to pixel type (0 unsigned, 1 half, 2 float).
        sampled: the channels that have no sample for every pixel.
        chromaticities: x and y of red, green, blue and white.
        compression: its number.
        deep: pixels have any number of samples.
    """

    width: int = 0
    height: int = 0
    cropped: bool = False
    channels: dict[str, int] = field(default_factory=dict)
    sampled: set[str] = field(default_factory=set)
    chromaticities: tuple[float, ...] | None = None
    compression: int = 0
    deep: bool = False

    @property
    def half(self) -> bool:
        """Whether all colours are 16-bit floats."""
        return all(kind == _HALF for kind in self.channels.values())

    @property
    def lossless(self) -> bool:
        """Whether its compression loses nothing."""
        return self.compression not in _LOSSY and (self.half or self.compression != _PXR24)


def read_parts(data: bytes) -> list[Part]:
    """Read the headers of all parts.

    Raises:
        ValueError: one is damaged, or longer than a mebibyte.
    """
    flags = struct.unpack_from("<I", data, 4)[0]
    parts: list[Part] = []
    at = 8
    while len(parts) < _MAX_PARTS:
        attributes, at = _attributes(data[: _MAX_BYTES + 8], at)
        if not attributes:
            break
        parts.append(_part(attributes, deep=bool(flags & _DEEP) and not flags & _MULTIPART))
        if not flags & _MULTIPART:
            break
    if not parts:
        raise ValueError("no picture in it")
    return parts


def _attributes(data: bytes, at: int) -> tuple[dict[bytes, bytes], int]:
    """Read attributes up to the zero that ends them, and give the place behind it."""
    found: dict[bytes, bytes] = {}
    while data[at : at + 1] != b"\0":
        name, kind = data[at : at + 512].split(b"\0", 2)[:2]
        at += len(name) + len(kind) + 2
        size = struct.unpack_from("<I", data, at)[0]
        if at + 4 + size > len(data):
            raise ValueError("its header is cut off")
        found[name] = data[at + 4 : at + 4 + size]
        at += 4 + size
    return found, at + 1


def _part(attributes: dict[bytes, bytes], *, deep: bool) -> Part:
    left, top, right, bottom = struct.unpack_from("<4i", attributes[b"dataWindow"])
    part = Part(
        width=right - left + 1,
        height=bottom - top + 1,
        cropped=attributes.get(b"displayWindow", attributes[b"dataWindow"]) != attributes[b"dataWindow"],
        compression=attributes.get(b"compression", b"\0")[0],
        deep=deep or attributes.get(b"type", b"").startswith(b"deep"),
    )
    if len(numbers := attributes.get(b"chromaticities", b"")) == 32:
        part.chromaticities = struct.unpack("<8f", numbers)
    listed, at = attributes[b"channels"], 0
    while listed[at : at + 1] not in (b"\0", b""):
        end = listed.index(b"\0", at)
        name = listed[at:end].decode("utf-8", "replace")
        kind, _, across, down = struct.unpack_from("<iiii", listed, end + 1)
        part.channels[name] = kind
        if (across, down) != (1, 1):
            part.sampled.add(name)
        at = end + 17
    return part
