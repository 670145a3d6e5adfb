"""Tell camera RAW files that are TIFF inside (DNG, CR2, NEF, ARW, PEF, SRW) from TIFF photographs."""

import struct

from restorect.images.metadata.ifd import Directory, Head, read_directory, read_head

_PHOTOMETRIC, _COMPRESSION, _SUB_IFDS, _DNG_VERSION = 262, 259, 330, 50706
_RAW_PHOTOMETRIC = {32803, 34892}  # colour filter array, linear RAW
_RAW_COMPRESSION = {34713, 32767, 32770, 65535, 262, 65000}  # Nikon, Sony, Samsung, Pentax, Kodak


def is_camera_raw(data: bytes) -> bool:
    """Look at the first directories of a TIFF for what only camera RAW files have."""
    if data[8:10] == b"CR":
        return True
    try:
        head = read_head(data)
        first = read_directory(data, head.first, head)
    except (ValueError, struct.error):
        return False
    return _DNG_VERSION in first.entries or any(_raw(one, head.order) for one in _family(data, head, first))


def _family(data: bytes, head: Head, first: Directory) -> list[Directory]:
    """Give the first directory, its children and the next ones of the chain, at most 16."""
    entry = first.entries.get(_SUB_IFDS)
    offsets = list(entry.numbers(head.order))[:8] if entry else []
    found = [first]
    at = first.next
    for _ in range(7):
        offsets += [at] if at else []
        try:
            at = read_directory(data, at, head).next if at else 0
        except (ValueError, struct.error):
            break
    for offset in offsets:
        try:
            found.append(read_directory(data, offset, head))
        except (ValueError, struct.error):
            continue
    return found


def _raw(directory: Directory, order: str) -> bool:
    """Say whether a directory describes sensor data."""
    return (
        directory.number(_PHOTOMETRIC, order) in _RAW_PHOTOMETRIC
        or directory.number(_COMPRESSION, order) in _RAW_COMPRESSION
    )
