"""Where outputs go: a folder on a disk, or a prefix in an object store. The record of a batch lies on a disk always."""

import contextlib
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, Protocol

from restorect.errors import shown
from restorect.files import file_hash
from restorect.infer.batch.atomic import commit, hash_bytes, remove_parts
from restorect.infer.batch.failures import LostError, OutputError
from restorect.infer.batch.remote import DeniedError, GoneError, object_state, put_object, read_object

Kind = Literal["nothing", "file", "something else"]


class Target(Protocol):
    """Outputs by their paths under it, with `/`.

    Attributes:
        compares: `put` takes the same content that stands there already for written, so nobody need look before.
    """

    compares: bool

    def name(self, output: str) -> str:
        """What messages call an output."""

    def kind(self, output: str) -> Kind:
        """What stands at the name of an output."""

    def holds(self, output: str, sha256: str, version: str) -> bool:
        """Whether a file that stands there has this content; `version` is what `put` gave when it was written."""

    def prepare(self, output: str) -> None:
        """Make ready for an output.

        Raises:
            OutputError: it cannot lie there.
            OSError: the system refuses.
        """

    def put(self, output: str, data: bytes, *, replace: bool, mode: int = 0o666, date_ns: int | None = None) -> str:
        """Write a whole file, and tell its version (see `State`).

        Raises:
            OutputError: another file stands there, and `replace` is false; or something else does.
            LostError: nothing can be written there any more.
            RemoteError: the store cannot be reached.
            OSError: the system refuses.
        """

    def tidy(self, outputs: Iterable[str]) -> None:
        """Remove what a killed batch left beside these outputs, half written; nobody writes them now."""


class Folder:
    """A folder, which exists once something is written.

    Args:
        path: the folder.
        tag: begins the names of temporary files, to tell whose they are.
    """

    compares = False

    def __init__(self, path: Path, tag: str = "") -> None:
        self._path, self._tag = path, tag

    def name(self, output: str) -> str:
        """Its path."""
        return shown(self._path / output)

    def kind(self, output: str) -> Kind:
        """Links are not followed."""
        try:
            return "file" if stat.S_ISREG((self._path / output).lstat().st_mode) else "something else"
        except OSError:
            return "something else" if os.path.lexists(self._path / output) else "nothing"

    def holds(self, output: str, sha256: str, version: str) -> bool:
        """Hashes the file."""
        return file_hash(self._path / output) == sha256

    def put(self, output: str, data: bytes, *, replace: bool, mode: int = 0o666, date_ns: int | None = None) -> str:
        """See `commit`; a file has no version."""
        commit(self._path / output, data, replace=replace, mode=mode, date_ns=date_ns, tag=self._tag)
        return ""

    def tidy(self, outputs: Iterable[str]) -> None:
        """Remove temporary files with the own tag."""
        real = self._path.resolve()
        for below in {output.rpartition("/")[0] for output in outputs}:
            inside = (self._path / below).resolve()
            if inside == real or real in inside.parents:
                remove_parts(self._path / below, self._tag)

    def prepare(self, output: str) -> None:
        """Make its folder; a link that leads out of the output folder is not followed."""
        target, real = self._path / output, self._path.resolve()
        folder = target.parent.resolve()
        if folder != real and real not in folder.parents:
            raise OutputError(
                f"its output {shown(target)} lies behind a link that leaves the output folder; remove the link"
            )
        place = self._path  # which is not made again: it may have been removed just now
        for part in Path(output).parent.parts:
            place /= part
            place.mkdir(exist_ok=True)


class Prefix:
    """Objects whose URLs begin alike.

    Args:
        url: how they begin, without `/` at the end.
    """

    compares = True

    def __init__(self, url: str) -> None:
        self._url = url

    def name(self, output: str) -> str:
        """Its URL."""
        return shown(f"{self._url}/{output}")

    def kind(self, output: str) -> Kind:
        """Asks the store."""
        try:
            object_state(f"{self._url}/{output}")
        except GoneError:
            return "nothing"
        return "file"

    def holds(self, output: str, sha256: str, version: str) -> bool:
        """Believes the store where it says that nothing has changed, and reads the object where it does not."""
        with contextlib.suppress(GoneError):
            url = f"{self._url}/{output}"
            return (version and object_state(url).version == version) or hash_bytes(read_object(url)) == sha256
        return False

    def prepare(self, output: str) -> None:
        """Nothing is needed."""

    def put(self, output: str, data: bytes, *, replace: bool, mode: int = 0o666, date_ns: int | None = None) -> str:
        """Put one object, and see that all of it has arrived. Of one that stands there already the same is enough."""
        url = f"{self._url}/{output}"
        try:
            put_object(url, data, replace=replace)
        except FileExistsError:
            if read_object(url) != data:
                text = f"{shown(url)}: exists and was not made by restorect; move it, or use --force"
                raise OutputError(text) from None
        except (DeniedError, GoneError) as error:
            raise LostError(f"{shown(self._url)}: nothing can be put there any more: {error}") from error
        state = object_state(url)
        if state.bytes != len(data):
            raise OutputError(f"{shown(url)}: {state.bytes} of {len(data)} bytes have arrived; try again")
        return state.version

    def tidy(self, outputs: Iterable[str]) -> None:
        """Nothing is ever half written."""
