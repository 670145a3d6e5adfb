"""Outputs that appear whole or not at all, what a kill leaves of them, and their hashes."""

import contextlib
import hashlib
from pathlib import Path

from restorect.errors import shown
from restorect.files import PART_PREFIX, PART_SUFFIX, write_atomically
from restorect.infer.batch.failures import OutputError


def commit(
    target: Path, data: bytes, *, replace: bool, mode: int = 0o666, date_ns: int | None = None, tag: str = ""
) -> None:
    """Put `data` at `target` (see `write_atomically`).

    Raises:
        OutputError: `target` exists and `replace` is false.
        OSError: the system refuses.
    """
    try:
        write_atomically(target, data, replace=replace, mode=mode, date_ns=date_ns, tag=tag)
    except FileExistsError:
        text = f"{shown(target)}: exists and was not made by restorect; move it, or use --force"
        raise OutputError(text) from None


def remove_parts(folder: Path, tag: str = "") -> int:
    """Delete temporary files (with that tag) that a killed batch left in `folder`; only while holding its lock."""
    removed = 0
    with contextlib.suppress(OSError):
        for part in folder.iterdir():
            if part.name.startswith(PART_PREFIX + tag) and part.name.endswith(PART_SUFFIX):
                part.unlink(missing_ok=True)
                removed += 1
    return removed


def hash_bytes(data: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()
