"""The server's own folder: closed to other users, one server at a time, emptied at the end, quota."""

import contextlib
import os
import secrets
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from restorect.errors import RestorectError, shown
from restorect.files import write_atomically
from restorect.infer.batch.atomic import remove_parts
from restorect.infer.batch.failures import BusyError
from restorect.infer.batch.lock import locked

UPLOAD, ENTRY = "photo", "entry.json"
_TOKEN, _PHOTOS, _SERVERS = "token", "photos", 16
_SHARE, _QUOTA = 0.5, 100 * 2**30  # of the free disk, and bytes at most


class WebError(RestorectError):
    """The page cannot be served."""


class Home:
    """The folder of one server: a folder for each photograph, with the upload, its outputs and what to look at.

    Args:
        folder: exists, and is locked by this process.

    Attributes:
        token: opens the page; the same after a crash, so that an open page goes on.
        quota: bytes that all photographs together may take.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.token = folder, _token(folder / _TOKEN)
        self._photos = folder / _PHOTOS
        self._photos.mkdir(mode=0o700, exist_ok=True)
        self._sweep()
        self.quota = min(_QUOTA, int(_SHARE * shutil.disk_usage(folder).free) + self.used())

    def place(self, id: str) -> Path:
        """The folder of a photograph."""
        return self._photos / id

    def ids(self) -> list[str]:
        """The photographs that are there."""
        return sorted(each.name for each in self._photos.iterdir())

    def used(self) -> int:
        """Bytes of all photographs."""
        return sum(_bytes(entry) for folder in self._photos.iterdir() for entry in os.scandir(folder))

    def new(self) -> tuple[str, Path]:
        """A random id, and a folder for it."""
        id = secrets.token_hex(16)
        self.place(id).mkdir(mode=0o700)
        return id, self.place(id)

    def remove(self, id: str) -> None:
        """Delete all of a photograph."""
        shutil.rmtree(self.place(id), ignore_errors=True)

    def empty(self) -> None:
        """Delete all photographs, and the token."""
        shutil.rmtree(self._photos, ignore_errors=True)
        (self.folder / _TOKEN).unlink(missing_ok=True)

    def _sweep(self) -> None:
        """Delete what a crash left unfinished: uploads that were cut off, files half written."""
        for each in self.ids():
            if not (self.place(each) / ENTRY).is_file():
                self.remove(each)
            else:
                remove_parts(self.place(each))


@contextlib.contextmanager
def home(*, keep: bool) -> Iterator[Home]:
    """A folder for this server: the first that no running server holds, with what a crashed one left there.

    Args:
        keep: whether all photographs stay there at the end.

    Raises:
        WebError: no folder can be had.
    """
    for number in range(1, _SERVERS + 1):
        folder = _state() / str(number)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)
        except OSError as error:
            raise WebError(f"{shown(folder)}: cannot be made ({error.strerror}); set XDG_STATE_HOME") from error
        with contextlib.ExitStack() as held:
            try:
                held.enter_context(locked(folder))
            except BusyError:
                continue
            own = Home(folder)
            try:
                yield own
            finally:
                if not keep:
                    own.empty()
            return
    raise WebError(f"{shown(_state())}: {_SERVERS} servers run already; end one of them")


def _state() -> Path:
    """Where programs keep what is neither a setting nor a document."""
    if given := os.environ.get("XDG_STATE_HOME"):
        return Path(given) / "restorect" / "web"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", str(Path.home()))) / "restorect" / "web"
    return Path.home() / ".local" / "state" / "restorect" / "web"


def _bytes(entry: os.DirEntry[str]) -> int:
    """Of a file; it may have got its final name, or gone, just now."""
    with contextlib.suppress(FileNotFoundError):
        return entry.stat().st_size
    return 0


def _token(path: Path) -> str:
    with contextlib.suppress(OSError, UnicodeDecodeError):
        if len(token := path.read_text(encoding="ascii").strip()) >= 32:
            return token
    token = secrets.token_urlsafe(32)
    write_atomically(path, token.encode(), mode=0o600)
    return token
