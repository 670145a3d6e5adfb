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

from restorect.errors import ConfigError, RestorectError, shown
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
        wanted = {*part.others(names, MANIFEST_NAME), *{part.manifest}.intersection(names)}
        if not wanted:
            return
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder, part, url):
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
        LostError: another run works there at the end.
        OutputError: nothing can be put there.
    """
    place = _Place(url, folder, part)
    with _told(url):
        place.take()
    try:
        yield place.mind
    except BaseException:
        with contextlib.suppress(RestorectError, OSError):  # what has gone wrong is told already
            place.leave()
        raise
    with _told(url):
        place.leave()


class _Place:
    """Where outputs go, as one run holds it: by an object that only this run writes so."""

    def __init__(self, url: str, folder: Path, part: Part) -> None:
        self._url, self._folder, self._part = url, folder, part
        self._lock = f"{url}/{_FOLDER}/{part.lock}"
        who = {"pid": os.getpid(), "host": socket.gethostname()[:200], "since": time.strftime("%Y-%m-%d %H:%M:%S")}
        self._signature = json.dumps(who | {"nonce": secrets.token_hex(8)}).encode()
        self._due = time.monotonic() + _PERIOD

    def take(self) -> None:
        """Put the lock; raises `BusyError` if another run is there, of this part or of one that takes the same photos.

        What this machine puts is remembered before: a lock that a killed run of it has left is taken over.
        """
        remembered = self._folder / f"{_SIGNATURE}{self._part.tag}"
        own = remembered.read_bytes().split(b"\n") if remembered.exists() else []
        write_atomically(remembered, b"\n".join([*own, self._signature]))
        try:
            put_object(self._lock, self._signature, replace=False)
        except FileExistsError:
            if read_object(self._lock) not in (*own, self._signature):  # its own, if an answer was lost on the way
                write_atomically(remembered, b"\n".join(own))
                raise self._busy(self._lock) from None
            put_object(self._lock, self._signature, replace=True)
        write_atomically(remembered, self._signature)
        for rival in self._part.others(_names(self._url), LOCK_NAME):
            remove_object(self._lock)
            raise self._busy(f"{self._url}/{_FOLDER}/{rival}")

    def mind(self) -> None:
        """Look whether the place is still held, and put a copy of the record; most calls do nothing."""
        begun = time.monotonic()
        if begun < self._due:
            return
        with contextlib.suppress(RemoteError):  # the store may be reached the next time
            self._check()
            self._copy()
        now = time.monotonic()
        self._due = now + max(_PERIOD, _SHARE * (now - begun))

    def leave(self) -> None:
        """Put the record, and take the lock away."""
        self._check()
        self._copy()
        remove_object(self._lock)

    def _check(self) -> None:
        with contextlib.suppress(GoneError):
            if read_object(self._lock) == self._signature:
                return
        raise LostError(
            f"{shown(self._url)}: its lock was removed or replaced while photos were written there, and another run "
            "may use it now; run the same command again"
        )

    def _copy(self) -> None:
        path = self._folder / self._part.manifest
        if path.exists():
            put_object(f"{self._url}/{_FOLDER}/{self._part.manifest}", path.read_bytes(), replace=True)

    def _busy(self, lock: str) -> BusyError:
        told = f"{shown(self._url)}: another restorect is writing there"
        with contextlib.suppress(RemoteError, ValueError, KeyError, TypeError):
            owner = json.loads(read_object(lock))
            who = f"process {owner['pid']} on {owner['host']}, since {owner['since']}"
            remedy = f"wait for it, or choose another place; if it has ended, remove {shown(lock)}"
            return BusyError(f"{told} ({shown(who)}); {remedy}")
        return BusyError(f"{told}; wait for it, or choose another place")


def _names(url: str) -> list[str]:
    return [each.rpartition("/")[2] for each in list_objects(f"{url}/{_FOLDER}")]


def _merge(path: Path, content: bytes) -> None:
    """Leave in the record at `path` what it and a copy of it know: one usually begins as the other does."""
    own = path.read_bytes() if path.exists() else b""
    if own.startswith(content):
        return
    if content.startswith(own):
        write_atomically(path, content)
        return
    other = path.with_name(f"{path.name}.fetched")
    write_atomically(other, content)
    both = {json.dumps(each): each for file in (path, other) for each in read_records(file)}
    rewrite_records(path, sorted(both.values(), key=lambda each: float(each.get("time") or 0)))
    other.unlink()


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
