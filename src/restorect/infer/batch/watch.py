"""A folder that is looked at again and again: each photo in it is restored once it is whole, and again if it changes.

Looking works on every disk and network share; nothing tells there that a file has come.
"""

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from restorect.errors import ConfigError, shown
from restorect.images.find import walk
from restorect.infer.batch.events import Began, Event, Failed, Restored, Skipped
from restorect.infer.batch.failures import Failure
from restorect.infer.batch.lock import locked
from restorect.infer.batch.manifest import Manifest, failure_entry
from restorect.infer.batch.past import Past
from restorect.infer.batch.plan import Naming, check_folder, plan_sources
from restorect.infer.batch.run import default_workers, make_folder
from restorect.infer.batch.shard import Orders, Shard, Worker
from restorect.infer.batch.sources import Refused, Source, below
from restorect.infer.batch.stop import Stop
from restorect.infer.batch.target import Folder as OutFolder

if TYPE_CHECKING:
    from restorect.infer.networks import Networks

_NAP = 0.2  # seconds until a wish to stop is seen
State = tuple[int, int]
"""Size and date of a file."""


@dataclass(slots=True)
class _Seen:
    """A file: its state, since when it has it, and when it is to be taken; never again where that is None."""

    state: State
    since: float
    due: float | None


class Watched:
    """Which files are new or changed, and have rested since; times are any clock's seconds.

    Args:
        rest: for so long size and date stay the same before a file is taken.
        patience: for so long a file that cannot be read may be one that is still on its way.
    """

    def __init__(self, *, rest: float, patience: float) -> None:
        self._rest, self._patience = rest, patience
        self._files: dict[str, _Seen] = {}

    def look(self, found: Mapping[str, State], now: float, *, complete: bool = True) -> list[str]:
        """Take down what there is, and tell what is to be taken; what is gone is forgotten if the look is complete."""
        for name, state in found.items():
            seen = self._files.get(name)
            if seen is None or seen.state != state:
                self._files[name] = _Seen(state, now, now + self._rest)
        if complete:
            self._files = {name: seen for name, seen in self._files.items() if name in found}
        return [name for name in found if (due := self._files[name].due) is not None and due <= now]

    def done(self, name: str) -> None:
        """Leave a file alone until it changes."""
        if name in self._files:
            self._files[name].due = None

    def failed(self, name: str, now: float) -> bool:
        """Whether to tell that a file cannot be restored, and leave it alone until it changes; else try it again."""
        seen = self._files.get(name)
        if seen is not None and now < seen.since + self._patience:
            seen.due = seen.since + self._patience
            return False
        self.done(name)
        return True


@dataclass(frozen=True, kw_only=True)
class Folder:
    """A folder to watch.

    Attributes:
        path: where photographs come to.
        recursive: folders within it too.
        every: seconds from one look to the next; a file rests as long before it is taken.
        patience: see `Watched`.
    """

    path: Path
    recursive: bool = False
    every: float = 2.0
    patience: float = 30.0


def watch(
    folder: Folder,
    out: Path,
    naming: Naming,
    load: "Callable[[], Networks]",
    *,
    on_event: Callable[[Event], None],
    on_trouble: Callable[[Failure], None],
    stop: Stop,
) -> None:
    """Restore what comes to a folder, until `stop` is set.

    The record and the lock are those of a batch, so that a restart does only the rest.

    Args:
        folder: where photographs come to.
        out: where outputs go, in the same tree.
        naming: how outputs are called: by a template that gives no two photographs of the tree one name.
        load: gives what restores; called once.
        on_event: called for each photograph, and once for each state of one that cannot be restored.
        on_trouble: called when a folder cannot be listed, once until it can; it may come back.
        stop: set it from anywhere to end after the photographs in the networks or being written.

    Raises:
        ConfigError: there is no such folder, or it is the output folder.
        RestorectError: as `run_batch`.
    """
    _check(folder.path, out)
    watched, troubles = Watched(rest=folder.every, patience=folder.patience), frozenset[Failure]()
    make_folder(out)
    with locked(out) as held:
        manifest, target = Manifest(out), OutFolder(out)
        worker = Worker(Orders(load=load, settings=naming.settings, target=target, held=held), stop=stop)
        while not stop.is_set():
            files, closed = _there(folder, out)
            for trouble in closed - troubles:
                on_trouble(trouble)
            troubles = closed
            ready = watched.look(files, time.monotonic(), complete=not closed)
            sources = [Source(path=path, folder=below(folder.path, path)) for path in map(Path, ready)]
            for event in _restored(sources, out, naming, manifest, worker):
                tells = not isinstance(event, Failed) or event.stops_everything
                if tells:
                    watched.done(event.path)
                if tells or watched.failed(event.path, time.monotonic()):
                    on_event(event)
            _nap(folder.every, stop)


def _check(folder: Path, out: Path) -> None:
    if not folder.is_dir():
        raise ConfigError(f"{shown(folder)}: there is no such folder; make it, or name another")
    check_folder(out)
    if os.path.realpath(folder) == os.path.realpath(out):
        raise ConfigError(f"-o {shown(out)}: is the folder that is watched; choose another one for the restored photos")


def _there(folder: Folder, out: Path) -> tuple[dict[str, State], frozenset[Failure]]:
    """The photographs in a folder, and why some folders cannot be listed."""
    files: dict[str, State] = {}
    closed: list[OSError] = []
    apart_from = (os.path.realpath(out),)
    for path in walk(folder.path, recursive=folder.recursive, apart_from=apart_from, closed=closed):
        with contextlib.suppress(OSError):  # it has gone
            status = path.stat()
            files[str(path)] = status.st_size, status.st_mtime_ns
    return files, frozenset(Failure(str(each.filename), f"cannot be listed ({each.strerror})") for each in closed)


def _restored(
    sources: list[Source], out: Path, naming: Naming, manifest: Manifest, worker: Worker
) -> Iterator[Skipped | Restored | Failed]:
    """What comes of photographs."""
    if not sources:
        return
    plan = plan_sources(sources, out, naming, past=Past(manifest))
    for failure in plan.failures:
        if isinstance(failure, Refused):
            manifest.append(failure_entry(failure))
        yield Failed(path=failure.path, reason=failure.reason)
    plan.target.tidy(output for job in plan.jobs for output in job.outputs)
    with contextlib.closing(worker.run(Shard(jobs=plan.jobs, manifest=manifest), threads=default_workers())) as events:
        yield from (event for event in events if not isinstance(event, Began))


def _nap(seconds: float, stop: Stop) -> None:
    """Wait, in pieces: a signal that comes meanwhile only sets `stop`."""
    until = time.monotonic() + seconds
    while not stop.is_set() and (left := until - time.monotonic()) > 0:
        time.sleep(min(left, _NAP))
