"""The manifest of an output folder: one JSON line for each thing done, only ever appended to, durable line by line.

Workers that share a folder have one each (see `part`).
"""

import copy
import dataclasses
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from restorect.errors import shown
from restorect.infer.batch.failures import OutputError
from restorect.infer.batch.names import can_be_path, lies_inside
from restorect.infer.batch.part import WHOLE, Part
from restorect.infer.batch.sources import Refused
from restorect.records import append_records, read_records

Status = Literal["writing", "done", "failed"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ManifestEntry:
    """One line of the manifest.

    `writing` is noted before the outputs take their names and `done` after, so an output that carries its final
    name is always known, at whatever moment the process was killed.

    Args:
        status: what the line reports.
        input: the photo's absolute path.
        folder: of a failure: where it lies under the folder that the user gave.
        by_name: of a failure: it is taken for what its name says.
        query: of a failure: its URL had a query, which is not recorded.
        bytes: the photo's size.
        version: of a photo behind a URL: changes with its content.
        sha256: of the photo's content.
        settings: the hash of settings and model.
        outputs: path under the output folder (with `/`) to the SHA-256 of its content.
        stored: path of an output to its version in an object store.
        seconds: reading, restoring and writing.
        error: the reason of a failure.
        task: what was restored; `none` where there was nothing to restore.
        confidence: of the choice of the task, 0 to 1; 0 where the task was given.
        mild: the choice was doubtful, and the photo restored with half of the strength.
        time: Unix time of the line.
    """

    status: Status
    input: str
    folder: str = ""
    by_name: bool = False
    query: bool = False
    bytes: int = 0
    version: str = ""
    sha256: str = ""
    settings: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    stored: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    error: str = ""
    task: str = ""
    confidence: float = 0.0
    mild: bool = False
    time: float = field(default_factory=lambda: round(time.time(), 3))


Known = dict[str, ManifestEntry]


def failure_entry(refused: Refused, settings: str = "") -> ManifestEntry:
    """The line for a photograph that could not be restored, with all that it takes to try it again by itself."""
    source = refused.source
    return ManifestEntry(
        status="failed",
        input=source.known_as,
        folder=source.folder,
        by_name=source.by_name,
        query=source.needs_query,
        settings=settings,
        error=refused.reason,
    )


class Manifest:
    """All that is known about an output folder; thread-safe.

    Reading survives whatever a kill or another program left: a torn or foreign line is passed over.

    Args:
        out: the output folder; it need not exist to read.
        part: whose record is added to. All records are read but those of its siblings, which are of other photos.
        shards: whether what its workers have kept is read too.

    Raises:
        OutputError: the manifest exists and cannot be read.
    """

    def __init__(self, out: Path, part: Part = WHOLE, *, shards: bool = True) -> None:
        self.path = out / part.manifest
        self._latest = Known()
        self._finished: set[str] = set()
        self._intended: dict[str, set[str]] = {}
        self._inputs = Known()
        self._guard = threading.Lock()
        try:
            paths = part.manifests(out, shards=shards)
        except OSError as error:
            raise _unreadable(out, error) from error
        for path in paths:
            latest, inputs = Known(), Known()
            for entry in _entries(path):
                self._learn(entry, latest, inputs)
            _renew(self._latest, latest)
            _renew(self._inputs, inputs)

    def latest(self, output: str) -> ManifestEntry | None:
        """The last line that made `output` (a path under the folder), finished or not."""
        with self._guard:
            return self._latest.get(output)

    def made(self, output: str) -> bool:
        """Whether `output` is restorect's own: once finished."""
        with self._guard:
            return output in self._finished

    def intended(self, output: str) -> set[str]:
        """Hashes of the contents with which `output` was begun, and not finished."""
        with self._guard:
            return set(self._intended.get(output, ()))

    def outputs(self) -> list[str]:
        """All outputs ever made, finished or not."""
        with self._guard:
            return list(self._latest)

    def inputs(self) -> list[ManifestEntry]:
        """The last line of each photo, done or failed, in the order in which photos were first spoken of."""
        with self._guard:
            return list(self._inputs.values())

    def last(self, photo: str) -> ManifestEntry | None:
        """The last line of a photo, done or failed, by its `input`."""
        with self._guard:
            return self._inputs.get(photo)

    def restored(self, photo: str) -> bool:
        """Whether a photo, by its `input`, was done when it was last tried."""
        last = self.last(photo)
        return last is not None and last.status == "done"

    def append(self, *entries: ManifestEntry) -> None:
        """Add lines and wait until they are on the disk.

        Raises:
            OSError: the system refuses.
        """
        with self._guard:
            append_records(self.path, map(dataclasses.asdict, entries), durable=True, follow=False)
            for entry in entries:
                self._learn(entry, self._latest, self._inputs)

    def of(self, outputs: Iterable[str], path: Path) -> "Manifest":
        """What is known of these outputs, with a record of its own at `path`; it can be sent to another process."""
        wanted, some = set(outputs), copy.copy(self)
        some.path, some._inputs, some._guard = path, Known(), threading.Lock()
        with self._guard:
            some._latest = {output: self._latest[output] for output in wanted if output in self._latest}
            some._finished = wanted & self._finished
            some._intended = {output: set(self._intended[output]) for output in wanted if output in self._intended}
        return some

    def absorb(self, path: Path) -> None:
        """Take in the lines of another record that are new, in one go, and remove it; a kill between loses nothing.

        Raises:
            OSError: the system refuses.
        """
        entries = [entry for entry in _entries(path) if not self._knows(entry)]
        with self._guard:
            append_records(self.path, map(dataclasses.asdict, entries), durable=True, follow=False)
            for entry in entries:
                self._learn(entry, self._latest, self._inputs)
        path.unlink(missing_ok=True)

    def _knows(self, entry: ManifestEntry) -> bool:
        known = [self._latest.get(output) for output in entry.outputs] or [self._inputs.get(entry.input)]
        return all(each is not None and each.time >= entry.time for each in known)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_guard"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _guard=threading.Lock())

    def _learn(self, entry: ManifestEntry, latest: Known, inputs: Known) -> None:
        if entry.status != "writing":
            inputs[entry.input] = entry
        if entry.status == "failed":
            return
        for output, sha256 in entry.outputs.items():
            latest[output] = entry
            if entry.status == "done":
                self._finished.add(output)
                self._intended.pop(output, None)
            elif output not in self._finished:
                self._intended.setdefault(output, set()).add(sha256)


def _renew(known: Known, read: Known) -> None:
    """Take in what another record knows, unless it is older; within a record, what stands later is newer."""
    known.update((key, entry) for key, entry in read.items() if key not in known or known[key].time <= entry.time)


def _entries(path: Path) -> Iterator[ManifestEntry]:
    try:
        yield from filter(None, map(_entry, read_records(path, follow=False)))
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> OutputError:
    return OutputError(f"{shown(path)}: the manifest cannot be read ({error.strerror}); choose another output folder")


def _entry(values: Mapping[str, Any]) -> ManifestEntry | None:
    names = {each.name for each in dataclasses.fields(ManifestEntry)}
    try:
        entry = ManifestEntry(**{name: value for name, value in values.items() if name in names})
    except TypeError:
        return None
    if entry.status not in ("writing", "done", "failed") or not all(
        isinstance(each, dict) for each in (entry.outputs, entry.stored)
    ):
        return None
    texts = [entry.input, entry.folder, entry.error, entry.task, entry.sha256, entry.settings, entry.version]
    texts += [*entry.outputs, *entry.outputs.values(), *entry.stored.values()]
    numbers = (entry.bytes, entry.seconds, entry.confidence, entry.time)
    if not all(isinstance(t, str) for t in texts) or not all(isinstance(n, int | float) for n in numbers):
        return None
    inside = all(map(lies_inside, [*entry.outputs, *filter(None, [entry.folder])]))
    return entry if inside and can_be_path(entry.input) else None
