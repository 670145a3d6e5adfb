"""JSON lines: a file of records that only ever grows, and is read whatever a kill or another program left in it."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from restorect.configs import read_json
from restorect.files import open_regular, write_atomically


def read_records(path: Path, *, follow: bool = True) -> Iterator[dict[str, Any]]:
    """The records of a file, none if it does not exist; a torn line, or one that is no JSON object, is passed over.

    Args:
        path: the file.
        follow: whether it may be a symbolic link.

    Raises:
        RestorectError: it is something else than a file.
        OSError: the system refuses.
    """
    try:
        with open_regular(path, follow=follow) as file:
            yield from (values for values in map(_parsed, file) if values is not None)
    except (FileNotFoundError, NotADirectoryError):
        return


def append_record(path: Path, values: Mapping[str, Any], *, durable: bool = False, follow: bool = True) -> None:
    """Add one line (see `append_records`)."""
    append_records(path, [values], durable=durable, follow=follow)


def append_records(
    path: Path, records: Iterable[Mapping[str, Any]], *, durable: bool = False, follow: bool = True
) -> None:
    """Add lines; what a kill tore off before them stays a line of its own.

    Args:
        path: the file; its folder exists.
        records: one a line.
        durable: whether to wait until it is on the disk.
        follow: whether the file may be a symbolic link.

    Raises:
        OSError: the system refuses.
    """
    ways = ("O_BINARY", "O_CLOEXEC") if follow else ("O_BINARY", "O_CLOEXEC", "O_NOFOLLOW")
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | sum(getattr(os, way, 0) for way in ways)
    descriptor = os.open(path, flags, 0o666)
    try:
        left = _torn(descriptor) + b"".join(map(_line, records))
        while left:
            left = left[os.write(descriptor, left) :]
        if durable:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def rewrite_records(path: Path, records: Iterable[Mapping[str, Any]]) -> None:
    """Leave these records only; a kill or a full disk meanwhile loses none.

    Raises:
        OSError: the system refuses.
    """
    write_atomically(path, b"".join(map(_line, records)))


def _torn(descriptor: int) -> bytes:
    """The line break that a kill has kept from the file's end."""
    if not os.lseek(descriptor, 0, os.SEEK_END):
        return b""
    os.lseek(descriptor, -1, os.SEEK_END)
    return b"" if os.read(descriptor, 1) == b"\n" else b"\n"


def _line(values: Mapping[str, Any]) -> bytes:
    return json.dumps(values).encode() + b"\n"


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        values = read_json(line)
    except ValueError:
        return None
    return values if isinstance(values, dict) else None
