"""Files: written so that they are whole or not there, even through a power cut; read if they are files."""

import contextlib
import errno
import os
import secrets
import stat
from pathlib import Path
from typing import BinaryIO

from restorect.errors import RestorectError, shown

PART_PREFIX, PART_SUFFIX = ".restorect-", ".part"


def open_regular(path: Path, *, follow: bool = True) -> BinaryIO:
    """Open a regular file for reading; a pipe would block for ever, and a device may never end.

    Args:
        path: the file.
        follow: whether it may be a symbolic link.

    Raises:
        RestorectError: it is something else than a file.
        OSError: the system refuses.
    """
    ways = ("O_NONBLOCK", "O_BINARY", "O_CLOEXEC") if follow else ("O_NONBLOCK", "O_BINARY", "O_CLOEXEC", "O_NOFOLLOW")
    try:
        descriptor = os.open(path, os.O_RDONLY | sum(getattr(os, way, 0) for way in ways))
    except OSError as error:
        if follow or error.errno != errno.ELOOP:
            raise
        raise RestorectError(f"{shown(path)}: is a symbolic link; put the file itself there, or remove it") from error
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(mode):
            raise RestorectError(f"{shown(path)}: is not a regular file; give a file, or remove what stands there")
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def write_atomically(
    path: Path, content: bytes, *, replace: bool = True, mode: int = 0o666, date_ns: int | None = None
) -> None:
    """Write a file: a temporary one in the same folder, fsync, rename, fsync of the folder.

    Args:
        path: the final path; its folder exists. A symbolic link there is replaced, never followed.
        content: the whole content.
        replace: whether an existing file may be overwritten.
        mode: permissions wanted; the umask takes its share away, from the first byte on.
        date_ns: when it shall seem to be written, in nanoseconds; None for now. A disk that keeps no dates is no error.

    Raises:
        FileExistsError: something stands at `path` and `replace` is false.
        OSError: the system refuses.
    """
    part = path.parent / f"{PART_PREFIX}{os.getpid()}-{secrets.token_hex(6)}{PART_SUFFIX}"
    try:
        with open(part, "xb", opener=lambda name, flags: os.open(name, flags, mode & 0o666)) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if date_ns is not None:
            with contextlib.suppress(OSError):
                os.utime(part, ns=(date_ns, date_ns))
        if replace:
            part.replace(path)
        else:
            _rename_new(part, path)
    except OSError as error:
        error.filename = str(path)  # a full disk names none, and the temporary file's name says nothing to anybody
        raise
    finally:
        part.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _rename_new(part: Path, path: Path) -> None:
    """Rename, but never onto an existing file: a hard link cannot replace one, a rename would."""
    try:
        os.link(part, path, follow_symlinks=False)
    except FileExistsError:
        raise
    except (OSError, NotImplementedError):  # a disk without hard links (exFAT)
        if os.path.lexists(path):
            raise FileExistsError(str(path)) from None
        part.replace(path)


def _sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable, where the system can."""
    with contextlib.suppress(OSError):  # Windows opens no folders; some network disks sync none
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
