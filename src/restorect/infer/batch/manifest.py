"""The manifest of an output folder: one JSON line for each thing done, only ever appended to, durable line by line."""

import dataclasses
import json
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from restorect.errors import shown
from restorect.files import open_regular
from restorect.infer.batch.failures import OutputError
from restorect.infer.batch.names import can_be_path, lies_inside

MANIFEST_NAME = "restorect-manifest.jsonl"
Status = Literal["writing", "done", "failed"]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of the manifest.

    `writing` is noted before the outputs take their names and `done` after, so an output that carries its final
    name is always known, at whatever moment the process was killed.

    Args:
        status: what the line reports.
        input: the photo's absolute path.
        bytes: the photo's size.
        sha256: of the photo's content.
        settings: the hash of settings and model.
        outputs: path under the output folder (with `/`) to the SHA-256 of its content.
        seconds: reading, restoring and writing.
        error: the reason of a failure.
        task: what was restored; `none` where there was nothing to restore.
        confidence: of the choice of the task, 0 to 1; 0 where the task was given.
        time: Unix time of the line.
    """

    status: Status
    input: str
    bytes: int = 0
    sha256: str = ""
    settings: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    error: str = ""
    task: str = ""
    confidence: float = 0.0
    time: float = field(default_factory=lambda: round(time.time(), 3))


class Manifest:
    """All that is known about an output folder; thread-safe.

    Reading survives whatever a kill or another program left: a torn or foreign line is passed over.

    Args:
        out: the output folder; it need not exist to read.

    Raises:
        OutputError: the manifest exists and cannot be read.
    """

    def __init__(self, out: Path) -> None:
        self.path = out / MANIFEST_NAME
        self.unreadable_lines = 0
        self._latest: dict[str, Entry] = {}
        self._finished: set[str] = set()
        self._intended: dict[str, set[str]] = {}
        self._guard = threading.Lock()
        for line in _lines(self.path):
            entry = _parse(line)
            if entry is None:
                self.unreadable_lines += 1
            else:
                self._learn(entry)

    def latest(self, output: str) -> Entry | None:
        """The last line that made `output` (a path under the folder), finished or not."""
        with self._guard:
            return self._latest.get(output)

    def made(self, output: str, sha256: str | None = None) -> bool:
        """Whether `output` is restorect's own: once finished, or, with `sha256`, at least begun with this content."""
        with self._guard:
            return output in self._finished or (sha256 is not None and sha256 in self._intended.get(output, ()))

    def outputs(self) -> list[str]:
        """All outputs ever made, finished or not."""
        with self._guard:
            return list(self._latest)

    def begun(self, output: str) -> bool:
        """Whether any line speaks of `output`."""
        with self._guard:
            return output in self._latest

    def append(self, entry: Entry) -> None:
        """Add one line and wait until it is on the disk.

        Raises:
            OSError: the system refuses.
        """
        line = json.dumps(dataclasses.asdict(entry)).encode() + b"\n"
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        with self._guard:
            descriptor = os.open(self.path, flags, 0o666)
            try:
                _write_all(descriptor, _separator(descriptor) + line)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            self._learn(entry)

    def _learn(self, entry: Entry) -> None:
        if entry.status == "failed":
            return
        for output, sha256 in entry.outputs.items():
            self._latest[output] = entry
            self._intended.setdefault(output, set()).add(sha256)
            if entry.status == "done":
                self._finished.add(output)


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with open_regular(path, follow=False) as file:
            yield from (line for line in file if line != b"\n")
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise OutputError(
            f"{shown(path)}: the manifest cannot be read ({error.strerror}); choose another output folder"
        ) from error


def _parse(line: bytes) -> Entry | None:
    try:
        values: dict[str, Any] = json.loads(line)
        names = {each.name for each in dataclasses.fields(Entry)}
        entry = Entry(**{name: value for name, value in values.items() if name in names})
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None
    texts = [entry.input, entry.sha256, entry.settings, *entry.outputs] if isinstance(entry.outputs, dict) else [None]
    hashes = entry.outputs.values() if isinstance(entry.outputs, dict) else []
    if entry.status not in ("writing", "done", "failed") or not all(isinstance(t, str) for t in (*texts, *hashes)):
        return None
    return entry if can_be_path(entry.input) and all(map(lies_inside, entry.outputs)) else None


def _separator(descriptor: int) -> bytes:
    """A line break if the file ends within a line, torn off by a kill."""
    size = os.fstat(descriptor).st_size
    if not size:
        return b""
    os.lseek(descriptor, size - 1, os.SEEK_SET)
    return b"" if os.read(descriptor, 1) == b"\n" else b"\n"


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
