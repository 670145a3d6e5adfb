"""The lock of an output folder on a disk without file locks, as some network shares are: a file that names its owner.

A killed run leaves the file behind. The next run on the same machine sees that its owner is gone; another machine
cannot know, and says what to remove.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from restorect.errors import shown
from restorect.infer.batch.failures import BusyError

SOFT_ENDING = ".held"
_SECONDS = 0.5  # to find out that an owner is gone


@contextlib.contextmanager
def softly_locked(path: Path, busy: str) -> Iterator[None]:
    """Hold the lock at `path` for this process.

    Args:
        path: of the lock that the disk does not offer.
        busy: says who holds it, for the message.

    Raises:
        BusyError: another process holds it, or held it on another machine.
        OSError: the file cannot be made.
    """
    from filelock import SoftFileLock, Timeout

    marker = path.with_name(path.name + SOFT_ENDING)
    lock = SoftFileLock(str(marker), timeout=_SECONDS)
    try:
        lock.acquire()
    except Timeout as error:
        remedy = f"wait for it, or choose another folder; if it has ended, remove {shown(marker)}"
        raise BusyError(f"{shown(path.parent)}: {busy}; {remedy}") from error
    try:
        yield
    finally:
        lock.release()
