"""Files: written whole or not at all, even through a power cut; read only if they are files; hashed and named."""

import contextlib
import errno
import hashlib
import os
import secrets
import stat
from pathlib import Path
from typing import Any, BinaryIO

from restorect.errors import ConfigError, RestorectError, shown

PART_PREFIX, PART_SUFFIX = ".restorect-", ".part"
_CHUNK = 1 << 20


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
    path: Path,
    content: bytes,
    *,
    replace: bool = True,
    mode: int = 0o666,
    date_ns: int | None = None,
    tag: str = "",
) -> None:
    """Write a file: a temporary one in the same folder, fsync, rename, fsync of the folder.

    Args:
        path: the final path; its folder exists. A symbolic link there is replaced, never followed.
        content: the whole content.
        replace: whether an existing file may be overwritten.
        mode: permissions wanted; the umask takes its share away, from the first byte on.
        date_ns: when it shall seem to be written, in nanoseconds; None for now. A disk that keeps no dates is no error.
        tag: begins the rest of the temporary file's name, to tell whose it is.

    Raises:
        FileExistsError: something stands at `path` and `replace` is false.
        OSError: the system refuses.
    """
    part = path.parent / f"{PART_PREFIX}{tag}{os.getpid()}-{secrets.token_hex(6)}{PART_SUFFIX}"
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


def refuse_taken(path: Path, *, force: bool) -> None:
    """Say before any work, not after it, that a file would have to be replaced.

    Raises:
        ConfigError: something stands there, and may not be replaced.
    """
    if os.path.lexists(path) and not force:
        raise ConfigError(f"{shown(path)}: is there already; choose another name, or use --force")


def short_path(path: str) -> str:
    """The last two parts of a path: what it is called, not where it lies on somebody's machine."""
    return "/".join(part for part in Path(path).parts[-2:] if part != Path(path).anchor)


def portable(recipe: Any) -> Any:  # noqa: ANN401 - a recipe's mapping, or a value in it
    """A recipe with all absolute paths shortened, for a file that others will read."""
    if isinstance(recipe, dict):
        return {name: portable(value) for name, value in recipe.items()}
    if isinstance(recipe, list | tuple):
        return [portable(value) for value in recipe]
    return short_path(recipe) if isinstance(recipe, str) and Path(recipe).is_absolute() else recipe


def file_hash(path: Path) -> str:
    """SHA-256 of a file's content in hex, read piece by piece."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


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
