"""Bytes of a photograph from a file or from memory, refused early when they cannot be a photograph."""

import os
import stat
from pathlib import Path

from restorect.errors import ImageError, shown
from restorect.images.formats import sniff, stranger
from restorect.images.header import file_limit


def check_file_size(size: int, name: str, max_megapixels: float) -> None:
    """Refuse a file too large for any photo under the limit, before it is read.

    Raises:
        ImageError: it is refused.
    """
    _refuse_above(file_limit(max_megapixels * 1e6), size, shown(name))


def load(source: Path | bytes, name: str | None, max_megapixels: float) -> tuple[bytes, str, str]:
    """Read a file and recognise it.

    Args:
        source: a path, or a file's content.
        name: what to call it in messages; None takes the path.
        max_megapixels: no photo of that many megapixels has a larger file than is read.

    Returns:
        Content, name for messages, canonical format.

    Raises:
        ImageError: it cannot be read, or is no photograph.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        data, label = bytes(source), shown(name or "the photo in memory")
    else:
        label = shown(name or str(source))
        data = _read(Path(source), label, file_limit(max_megapixels * 1e6))
    if not data:
        raise ImageError(f"{label}: is empty (0 bytes): get the file again")
    try:
        format = sniff(data)
    except Exception as error:
        raise ImageError(f"{label}: its first bytes are damaged: get the file again") from error
    if format is None:
        raise ImageError(f"{label}: is not a photo that can be read, it {stranger(data)}: convert it first")
    return data, label, format


def _refuse_above(limit: int, size: int, label: str) -> None:
    if size > limit:
        raise ImageError(f"{label}: has {size} bytes, too many for a photo: raise --max-megapixels")


def _read(path: Path, label: str, limit: int) -> bytes:
    """Read a regular file of at most `limit` bytes."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise ImageError(f"{label}: is not a regular file: give the path of a photo")
            _refuse_above(limit, status.st_size, label)
            return file.read(status.st_size)
    except IsADirectoryError as error:
        raise ImageError(f"{label}: is a folder: give the path of a photo") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ImageError(f"{label}: cannot be opened ({reason}): check the path and its permissions") from error
