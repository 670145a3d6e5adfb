"""A batch whose outputs go to an object store: its record lies on this machine's disk, and a copy beside the outputs.

Stores have no locks and append to nothing. So the record is kept, durable line by line, in a folder of this user
(`record_folder`), from which a killed run goes on; it is put as an object when a run begins and ends and now and then
between, for other machines and for reports. The lock is an object that names its owner: where the store can refuse to
replace one (S3, GCS, Azure can), of two that come at once one is refused.
"""

import contextlib
import hashlib
import json
import os
import secrets
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from restorect.errors import ConfigError, shown
from restorect.files import write_atomically
from restorect.infer.batch.failures import BusyError, LostError, OutputError, reason_of
from restorect.infer.batch.lock import locked
from restorect.infer.batch.part import LOCK_NAME, MANIFEST_NAME, WHOLE, Part
from restorect.infer.batch.remote import (
    GoneError,
    RemoteError,
    list_objects,
    path_of,
    put_object,
    read_object,
    remove_object,
)
from restorect.records import read_records, rewrite_records

_FOLDER = ".restorect"  # below the outputs
_SIGNATURE = "signature"  # what this machine has written into the lock, in the record's folder
_PERIOD, _SHARE = 60.0, 50  # seconds between two copies of a record: at least, and as many times what one took


def record_folder(url: str) -> Path:
    """Where this user keeps the record of a batch that writes to `url`.

    Raises:
        ConfigError: nothing can be written to such a URL.
    """
    try:
        path_of(url)
    except RemoteError as error:
        raise ConfigError(f"-o {url.split('://')[0]}://...: {error}") from error
    if url.lower().startswith("http"):
        raise ConfigError("-o http://...: cannot be written to; give a bucket, as s3://bucket/folder, or a folder")
    given, home = os.environ.get("XDG_STATE_HOME", ""), Path(os.path.expanduser("~"))
    usual = {"win32": home / "AppData" / "Local", "darwin": home / "Library" / "Application Support"}
    state = Path(given) if os.path.isabs(given) else usual.get(sys.platform, home / ".local" / "state")
    return state / "restorect" / hashlib.sha256(url.encode()).hexdigest()[:16]


def fetch(url: str, folder: Path, part: Part = WHOLE) -> None:
    """Take into `folder` what the records beside the outputs know more than those there.

    Args:
        url: where the outputs go.
        folder: of the record.
        part: whose record, and those of all but its siblings, are fetched.

    Raises:
        BusyError: a run on this machine works on it.
        OutputError: the store cannot be reached, or the folder not be written.
    """
    with _told(url):
        names = _names(url)
        wanted = {*part.others(names, MANIFEST_NAME), *([part.manifest] if part.manifest in names else [])}
        if not wanted:
            return
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder, part):
            for name in sorted(wanted):
                _merge(folder / name, read_object(f"{url}/{_FOLDER}/{name}"))


@contextlib.contextmanager
def held(url: str, folder: Path, part: Part) -> Iterator[Callable[[], None]]:
    """Hold the place of the outputs for this process, which has locked `folder`.

    Yields:
        What is to be called often: now and then it puts a copy of the record, and raises `LostError` if another run
        works there by now.

    Raises:
        BusyError: another run works there.
        OutputError: nothing can be put there.
    """
    lock = f"{url}/{_FOLDER}/{part.lock}"
    with _told(url):
        signature = _taken(lock, folder / f"{_SIGNATURE}{part.tag}", url)
        for rival in part.others(_names(url), LOCK_NAME):
            if rival != part.lock:
                remove_object(lock)
                raise _busy(f"{url}/{_FOLDER}/{rival}", url)
    try:
        yield _Now(lambda: _minded(lock, signature, url, folder, part))
    except BaseException:
        with contextlib.suppress(RemoteError, OSError):  # what has gone wrong is told already
            _release(lock, signature, url, folder, part)
        raise
    with _told(url):
        _release(lock, signature, url, folder, part)


class _Now:
    """Does something now and then, however often it is called."""

    def __init__(self, task: Callable[[], None]) -> None:
        self._task, self._next = task, time.monotonic() + _PERIOD

    def __call__(self) -> None:
        begun = time.monotonic()
        if begun >= self._next:
            self._task()
            now = time.monotonic()
            self._next = now + max(_PERIOD, _SHARE * (now - begun))


def _taken(lock: str, remembered: Path, url: str) -> bytes:
    """Put the lock; one that a killed run of this machine has left is taken over, for `remembered` knows it."""
    owner = {"pid": os.getpid(), "host": socket.gethostname()[:200], "since": time.strftime("%Y-%m-%d %H:%M:%S")}
    signature = json.dumps(owner | {"nonce": secrets.token_hex(8)}).encode()
    own = remembered.read_bytes().split(b"\n") if remembered.exists() else []
    write_atomically(remembered, b"\n".join([*own, signature]))
    try:
        put_object(lock, signature, replace=False)
    except FileExistsError:
        if read_object(lock) not in (*own, signature):
            write_atomically(remembered, b"\n".join(own))
            raise _busy(lock, url) from None
        put_object(lock, signature, replace=True)
    write_atomically(remembered, signature)
    return signature


def _busy(lock: str, url: str) -> BusyError:
    with contextlib.suppress(RemoteError, ValueError, KeyError, TypeError):
        owner = json.loads(read_object(lock))
        who = f"process {owner['pid']} on {owner['host']}, since {owner['since']}"
        remedy = f"wait for it, or choose another place; if it has ended, remove {shown(lock)}"
        return BusyError(f"{shown(url)}: another restorect is writing there ({shown(who)}); {remedy}")
    return BusyError(f"{shown(url)}: another restorect is writing there; wait for it, or choose another place")


def _check(lock: str, signature: bytes, url: str) -> None:
    with contextlib.suppress(GoneError):
        if read_object(lock) == signature:
            return
    raise LostError(
        f"{shown(url)}: its lock was removed or replaced while photos were written there, and another run may use it "
        "now; run the same command again"
    )


def _release(lock: str, signature: bytes, url: str, folder: Path, part: Part) -> None:
    if read_object(lock) == signature:
        _copy(url, folder, part)
        remove_object(lock)


def _minded(lock: str, signature: bytes, url: str, folder: Path, part: Part) -> None:
    with contextlib.suppress(RemoteError):  # the store may be reached the next time
        _check(lock, signature, url)
        _copy(url, folder, part)


def _copy(url: str, folder: Path, part: Part) -> None:
    path = folder / part.manifest
    if path.exists():
        put_object(f"{url}/{_FOLDER}/{part.manifest}", path.read_bytes(), replace=True)


def _names(url: str) -> list[str]:
    return [each.rpartition("/")[2] for each in list_objects(f"{url}/{_FOLDER}")]


def _merge(path: Path, content: bytes) -> None:
    """Leave in the record at `path` what it and a copy of it know: one usually begins as the other does."""
    own = path.read_bytes() if path.exists() else b""
    if own.startswith(content):
        return
    if not content.startswith(own):
        other = path.with_name(f"{path.name}.fetched")
        write_atomically(other, content)
        both = {json.dumps(each): each for file in (path, other) for each in read_records(file)}
        rewrite_records(path, sorted(both.values(), key=lambda each: float(each.get("time", 0))))
        other.unlink()
        return
    write_atomically(path, content)


@contextlib.contextmanager
def _told(url: str) -> Iterator[None]:
    """Errors of a store, as those of the place of the outputs."""
    try:
        yield
    except RemoteError as error:
        raise OutputError(f"{shown(url)}: {error}") from error
    except ConfigError as error:
        raise ConfigError(f"-o {shown(url)}: {error}") from error
    except OSError as error:
        raise OutputError(f"{shown(error.filename or url)}: {reason_of(error)}") from error
