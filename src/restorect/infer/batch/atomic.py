"""Writing a file so that at any moment, even through a power cut, it is either whole or not there."""

import contextlib
import hashlib
import os
import secrets
from pathlib import Path

from restorect.infer.batch.failures import OutputError, shown

_PART_PREFIX, _PART_SUFFIX = ".restorect-", ".part"
_CHUNK = 1 << 20


def commit(target: Path, data: bytes, *, replace: bool) -> None:
    """Put `data` at `target`: a temporary file in the same folder, fsync, rename, fsync of the folder.

    Args:
        target: the final path; its folder exists. A symbolic link there is replaced, never followed.
        data: the whole content.
        replace: whether an existing file may be overwritten.

    Raises:
        OutputError: `target` exists and `replace` is false.
        OSError: the system refuses.
    """
    part = target.parent / f"{_PART_PREFIX}{os.getpid()}-{secrets.token_hex(6)}{_PART_SUFFIX}"
    try:
        with part.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            part.replace(target)
        else:
            _rename_new(part, target)
    finally:
        part.unlink(missing_ok=True)
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable, where the system can."""
    with contextlib.suppress(OSError):  # Windows opens no folders; some network disks sync none
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def remove_parts(folder: Path) -> int:
    """Delete temporary files that a killed batch left in `folder`; call it only while holding the lock."""
    removed = 0
    with contextlib.suppress(OSError):
        for part in folder.iterdir():
            if part.name.startswith(_PART_PREFIX) and part.name.endswith(_PART_SUFFIX):
                part.unlink(missing_ok=True)
                removed += 1
    return removed


def hash_bytes(data: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def hash_file(path: Path) -> str:
    """SHA-256 of a file's content in hex, read piece by piece."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _rename_new(part: Path, target: Path) -> None:
    """Rename, but never onto an existing file: a hard link cannot replace one, a rename would."""
    exists = OutputError(f"{shown(target)}: exists and was not made by restorect; move it, or use --force")
    try:
        os.link(part, target, follow_symlinks=False)
    except FileExistsError:
        raise exists from None
    except (OSError, NotImplementedError):  # a disk without hard links (exFAT)
        if os.path.lexists(target):
            raise exists from None
        part.replace(target)
