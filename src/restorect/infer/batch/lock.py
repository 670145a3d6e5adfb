"""The lock of an output folder: one batch at a time writes to it; the system frees it however the batch ends."""

import contextlib
import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from restorect.errors import shown
from restorect.infer.batch.failures import BusyError, OutputError
from restorect.infer.batch.soft_lock import softly_locked

LOCK_NAME = ".restorect.lock"
_OWNER_BYTES = 500


@contextlib.contextmanager
def locked(out: Path) -> Iterator[None]:
    """Hold the folder `out` for this process.

    The lock belongs to the open file, so a killed process leaves none behind; the small file itself stays. A disk
    without file locks gets a soft one (`soft_lock`).

    Raises:
        BusyError: another process (or another batch of this one) holds it; the message says which.
        OutputError: the lock file cannot be made.
    """
    path = out / LOCK_NAME
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    try:
        descriptor = os.open(path, flags, 0o666)
    except OSError as error:
        raise OutputError(
            f"{shown(out)}: cannot be written ({error.strerror}); choose another output folder"
        ) from error
    soft = contextlib.ExitStack()
    try:
        try:
            _acquire(descriptor)
        except (BlockingIOError, PermissionError) as error:
            raise BusyError(f"{shown(out)}: {_owner(descriptor)}; wait for it, or choose another folder") from error
        except OSError:  # this disk offers no file locks
            soft.enter_context(softly_locked(out, _owner(descriptor)))
        _sign(descriptor)
        yield
    finally:
        soft.close()
        os.close(descriptor)


def _acquire(descriptor: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        os.lseek(descriptor, _OWNER_BYTES, os.SEEK_SET)  # beyond the text, which stays readable
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _sign(descriptor: int) -> None:
    owner = {"pid": os.getpid(), "host": socket.gethostname()[:200], "since": time.strftime("%Y-%m-%d %H:%M:%S")}
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.write(descriptor, json.dumps(owner).encode().ljust(_OWNER_BYTES - 1) + b"\n")


def _owner(descriptor: int) -> str:
    try:
        os.lseek(descriptor, 0, os.SEEK_SET)
        owner = json.loads(os.read(descriptor, _OWNER_BYTES))
        text = f"process {owner['pid']} on {owner['host']}, since {owner['since']}"
        return f"another restorect is writing there ({shown(text)})"
    except (OSError, ValueError, KeyError, TypeError):  # it has taken the lock but not yet signed
        return "another restorect is writing there"
