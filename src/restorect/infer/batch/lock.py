"""The lock of an output folder: one batch at a time writes to it; the system frees it however the batch ends."""

import contextlib
import json
import os
import secrets
import socket
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from restorect.errors import RestorectError, shown
from restorect.files import open_regular
from restorect.infer.batch.failures import BusyError, LostError, OutputError
from restorect.infer.batch.part import WHOLE, Part
from restorect.infer.batch.soft_lock import softly_locked
from restorect.reasons import is_shortage, reason_of

_PATIENCE, _PAUSE = 2.0, 0.05  # seconds: another run may look at a lock just now, as this one does
_FIRST, _OWNER_BYTES = 1, 500  # Windows lets nobody read the byte that is locked, the first


@contextlib.contextmanager
def locked(out: Path, part: Part = WHOLE, url: str = "") -> Iterator["Held"]:
    """Hold `out`, or a part of its batch, for this process; gives what raises `LostError` once it is no longer held.

    The lock belongs to the open file, so a killed process leaves none behind; the small file itself stays. Who removes
    it, or the whole folder, lets another batch in: call what is given before each write. A disk
    without file locks gets a soft one (`soft_lock`).

    Args:
        out: the folder.
        part: of a batch.
        url: where the outputs go, if `out` holds the record alone: then users know the place by it.

    Raises:
        BusyError: another process (or another batch of this one) holds it, or one that may take the same photos
            works there; the message says which.
        OutputError: the lock file cannot be made.
    """
    path = out / part.lock
    with contextlib.ExitStack() as held:
        try:
            descriptor = _opened(path)
            held.callback(os.close, descriptor)
            _acquire(held, path, descriptor, url or out)
            signature = _sign(descriptor)
            for rival in part.rivals(out):
                _check_free(rival, url or out)
        except OSError as error:
            told = f"cannot be written ({error.strerror}); choose another output folder"
            raise OutputError(f"{shown(out)}: {reason_of(error) if is_shortage(error) else told}") from error

        check = Held(path, signature)
        check()  # it may have been removed between opening and locking
        yield check


@dataclass(frozen=True)
class Held:
    """Looks whether a lock still is this one's; may be asked in another process than the one that has it.

    Args:
        path: of the lock.
        signature: what its owner wrote.
    """

    path: Path
    signature: bytes

    def __call__(self) -> None:
        """Raise `LostError` if something else stands there, `OSError` if the machine lacks what it takes to look."""
        _check(self.path, self.signature)


def _opened(path: Path) -> int:
    ways = ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC")  # a pipe would block
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | sum(getattr(os, way, 0) for way in ways), 0o666)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OutputError(f"{shown(path)}: is not a regular file, so it cannot be the lock; remove it")
    return descriptor


def _acquire(held: contextlib.ExitStack, path: Path, descriptor: int, place: Path | str) -> None:
    from filelock import lock_descriptor

    try:
        free = lock_descriptor(descriptor, blocking=False)
    except OSError:  # this disk offers no file locks
        held.enter_context(softly_locked(path, _owner(descriptor)))
        return
    if not free:
        raise BusyError(f"{shown(place)}: {_owner(descriptor)}; wait for it, or choose another folder")


def _check_free(path: Path, place: Path | str) -> None:
    """Raise `BusyError` if somebody holds this lock for longer than it takes to look at it."""
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            with contextlib.ExitStack() as held:
                descriptor = _opened(path)
                held.callback(os.close, descriptor)
                _acquire(held, path, descriptor, place)
            return
        except BusyError:
            if time.monotonic() > until:
                raise
            time.sleep(_PAUSE * secrets.randbelow(1000) / 1000)


def _sign(descriptor: int) -> bytes:
    """Write who holds the lock; the nonce makes each signature another one."""
    owner = {"pid": os.getpid(), "host": socket.gethostname()[:200], "since": time.strftime("%Y-%m-%d %H:%M:%S")}
    signature = json.dumps(owner | {"nonce": secrets.token_hex(8)}).encode().ljust(_OWNER_BYTES - 1) + b"\n"
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.write(descriptor, b" " * _FIRST + signature)
    return signature


def _check(path: Path, signature: bytes) -> None:
    """Compare what stands in the lock file now: numbers of files are not steady on every disk, its content is.

    Raises:
        LostError: something else stands there.
        OSError: the machine lacks what it takes to look.
    """
    try:
        with open_regular(path, follow=False) as file:
            file.seek(_FIRST)
            held = file.read(len(signature)) == signature
    except (OSError, RestorectError) as error:
        if is_shortage(error):  # of files: nothing is known of the lock
            raise
        held = False
    if not held:
        raise LostError(
            f"{shown(path.parent)}: this folder or its lock was removed while photos were written to it, and another "
            "run may use it now; leave the folder alone and run the same command again"
        )


def _owner(descriptor: int) -> str:
    try:
        os.lseek(descriptor, _FIRST, os.SEEK_SET)
        owner = json.loads(os.read(descriptor, _OWNER_BYTES))
        text = f"process {owner['pid']} on {owner['host']}, since {owner['since']}"
        return f"another restorect is writing there ({shown(text)})"
    except (OSError, ValueError, KeyError, TypeError, RecursionError):  # it has taken the lock but not yet signed
        return "another restorect is writing there"
