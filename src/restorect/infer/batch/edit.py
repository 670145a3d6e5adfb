"""One photograph restored where it lies, for programs that hand a file to an editor and read it back.

At every moment, also after a kill or a power cut, the original stands whole under its own name or as `FILE.orig`.
"""

import errno
import itertools
import os
import stat
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from restorect.auto.decision import Decision
from restorect.errors import ImageError, RestorectError
from restorect.files import file_hash, write_atomically
from restorect.images.photo import Photo
from restorect.infer.batch.atomic import remove_parts
from restorect.infer.batch.failures import OutputError
from restorect.infer.batch.memory import MemoryBudget
from restorect.infer.batch.photo_job import PhotoJobs, Record
from restorect.infer.batch.plan import Job, output_kind
from restorect.infer.batch.settings import RestoreSettings
from restorect.infer.batch.sources import Source
from restorect.infer.batch.stop import Stop

if TYPE_CHECKING:
    from restorect.infer.networks import Networks

ENDING = ".orig"


@dataclass(frozen=True, kw_only=True)
class Edited:
    """What came of a photograph.

    Attributes:
        changed: whether the file is another one now; a good photograph stays as it is, untouched.
        original: where it is kept; None where it was not to be, or nothing changed.
        task: what was restored; empty for strength 0.
        decision: what the photograph was taken for, where that was asked.
        seconds: of work.
        warnings: one line each.
    """

    changed: bool
    original: Path | None
    task: str
    decision: Decision | None
    seconds: float
    warnings: tuple[str, ...]


def edit_photo(path: Path, networks: "Networks", settings: RestoreSettings, *, backup: bool = True) -> Edited:
    """Restore a photograph in place: the bytes are those that a batch would write, and the name stays.

    A link is followed. The file gets a new date, by which programs see that it changed, and keeps its permissions.

    Args:
        path: of the photograph.
        networks: what restores.
        settings: how; one sample, no map, and the format of the file itself.
        backup: keep the original as `FILE.orig`, or, where another file has that name, `FILE.orig-2` and so on.

    Raises:
        ImageError: it cannot be read, or not be written in its own format without loss of pictures.
        OutputError: somebody else changed the file meanwhile.
        OSError: the system refuses; the file is as it was.
    """
    real = path.resolve(strict=True)
    if not os.access(real, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    before, source = real.stat(), Source(path=real)
    jobs = PhotoJobs(networks, settings, MemoryBudget(), Stop())
    record = jobs.read(Job(source=source, format=output_kind(source, settings)[0]))
    if record is None or record.photo is None:  # only a stop leads here, and nobody else holds it
        raise AssertionError("a fresh Stop cannot be set")
    _check_kept(record.photo, record.job.format)
    jobs.restore(record)
    (content,) = jobs.encode(record)
    changed, original = content != record.data, None
    if changed:
        original = _replace(real, content, record, before, backup=backup)
    return Edited(
        changed=changed,
        original=original,
        task=record.task,
        decision=record.decision,
        seconds=record.seconds,
        warnings=tuple(dict.fromkeys(record.warnings)),
    )


def _check_kept(photo: Photo, format: str) -> None:
    """Refuse what would be another kind of file, or have fewer pictures, under the same name.

    Raises:
        ImageError: it is refused.
    """
    if photo.format != format:
        raise ImageError(
            f"is {photo.format}, which is read and not written; hand over a TIFF, or use restorect restore"
        )
    if photo.pages > 1:
        raise ImageError(
            f"holds {photo.pages} pictures, and one would be left in their place; use restorect restore, or hand over "
            "a file with one"
        )


def _replace(path: Path, content: bytes, record: Record, before: os.stat_result, *, backup: bool) -> Path | None:
    """Put the content in the place of the original, and tell where that is kept.

    Raises:
        OutputError: the file is not the one that was read.
        OSError: the system refuses.
    """
    if not _is_still(path, before):
        raise OutputError("was changed by another program meanwhile, so it is left as it is; try it again")
    tag = f"edit-{zlib.crc32(os.fsencode(path.name)):08x}-"  # of what is half written
    remove_parts(path.parent, tag)  # of an edit of the same file that was killed
    kept, new = _keep(path, record, before, tag) if backup else (None, False)
    try:
        write_atomically(path, content, mode=before.st_mode, tag=tag)
    except OSError:
        if kept is not None and new and _is_still(path, before):
            kept.unlink(missing_ok=True)
        raise
    if os.name != "nt":
        path.chmod(stat.S_IMODE(before.st_mode))  # whatever the umask says: it is no new file
    return kept


def _keep(path: Path, record: Record, before: os.stat_result, tag: str) -> tuple[Path, bool]:
    """Give the original a second name that is free, and tell it and whether it is new; a copy where links cannot be."""
    for place in _names(path):
        try:
            _link(path, place, record.data, before, tag)
        except FileExistsError:
            if _holds(place, before.st_size, record.sha256):
                return place, False
        else:
            return place, True
    raise AssertionError("names do not end")


def _names(path: Path) -> Iterator[Path]:
    for number in itertools.count(1):
        yield path.with_name(path.name + ENDING + (f"-{number}" if number > 1 else ""))


def _link(path: Path, place: Path, data: bytes, before: os.stat_result, tag: str) -> None:
    """Neither of the two ways replaces what stands there.

    Raises:
        FileExistsError: something stands there.
        OSError: the system refuses.
    """
    try:
        os.link(path, place)
    except FileExistsError:
        raise
    except OSError:  # this disk has no hard links
        write_atomically(place, data, replace=False, mode=before.st_mode, date_ns=before.st_mtime_ns, tag=tag)


def _holds(place: Path, size: int, sha256: str) -> bool:
    """Whether that file is the original already."""
    try:
        return place.is_file() and place.stat().st_size == size and file_hash(place) == sha256
    except (OSError, RestorectError):
        return False


def _is_still(path: Path, before: os.stat_result) -> bool:
    """Whether that file is the one that was read; numbers of files are not steady on every disk."""
    try:
        now = path.stat()
    except OSError:
        return False
    return (now.st_size, now.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
