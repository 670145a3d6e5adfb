"""The process that holds the networks and restores one photograph after the other, for as long as the server lives."""

import contextlib
import functools
import multiprocessing
import os
import signal
import sys
import threading
import warnings
from collections.abc import Collection, Iterator
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

import restorect
from restorect.devices import use_threads
from restorect.errors import RestorectError, shown
from restorect.files import write_atomically
from restorect.images.colour import to_network
from restorect.infer.batch import Failure, MemoryBudget, Stop
from restorect.infer.batch.lock import locked
from restorect.infer.batch.manifest import Manifest
from restorect.infer.batch.outputs import Outputs
from restorect.infer.batch.photo_job import PhotoJobs, Record
from restorect.infer.batch.target import Folder
from restorect.remedies import REMEDIES
from restorect.tasks import find_task, task_names
from restorect.web.messages import (
    BEFORE,
    UNCERTAINTY,
    Finished,
    Order,
    Reached,
    Reply,
    Setup,
    Spoilt,
    output_place,
    picture_place,
)
from restorect.web.overlay import unsure
from restorect.web.pyramid import pyramid, reduced

if TYPE_CHECKING:
    from restorect.infer.auto_restorer import AutoRestorer
    from restorect.infer.restorer import Restorer


def work(connection: Connection, setup: Setup, options: Collection[str] | None) -> None:
    """Answer orders until the server is gone.

    Args:
        connection: gives orders, takes replies; the last reply to each order is `Finished` or `Spoilt`.
        setup: where to, and on what.
        options: of the command, for `Remedies`.
    """
    REMEDIES.options = options
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's, which ends this process
    threading.Thread(target=_end_with_server, daemon=True).start()
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # those of libraries are for programmers
    worker = Worker(setup)
    with contextlib.suppress(RestorectError, OSError):  # it will be said of the photograph that needs them
        worker.warm()
    with contextlib.suppress(EOFError, OSError):
        while True:
            for reply in worker.answer(connection.recv()):
                connection.send(reply)


class Worker:
    """Restores, photograph by photograph.

    Args:
        setup: where to, and on what.
    """

    def __init__(self, setup: Setup) -> None:
        self._out, self._threads, self._budget = setup.out, setup.threads, MemoryBudget()
        self._load = functools.cache(functools.partial(restorect.load, device=setup.device, weights=None))
        self._held = contextlib.ExitStack()
        self._folder = functools.cache(self._lock)

    def warm(self) -> None:
        """Hold the output folder, and load what most photographs need, before the first one comes."""
        if self._out is not None:
            self._folder(self._out)
        if self._threads is not None:
            use_threads(self._threads)
        self._load("auto", "tiny")

    def answer(self, order: Order) -> Iterator[Reply]:
        """Restore a photograph; whatever is wrong with it becomes a reply."""
        try:
            yield from self._restored(order)
        except Exception as error:
            yield Spoilt(reason=Failure.of(order.job.source.path, error).reason)

    def _restored(self, order: Order) -> Iterator[Reply]:
        yield Reached(stage="reading")
        source = order.job.source
        if order.upload is not None:
            source = replace(source, data=order.upload.read_bytes())
        networks = self._load(order.task, order.size)
        jobs = PhotoJobs(networks, order.settings, self._budget, Stop())
        record = jobs.read(replace(order.job, source=source))
        if record is None or record.photo is None:  # only a stop leads here
            raise AssertionError("a fresh Stop cannot be set")
        try:
            height, width = record.photo.height, record.photo.width
            picture = record.picture if record.picture is not None else to_network(record.photo)
            yield from _previewed(order, networks, picture)
            _show(order, BEFORE, picture)
            del picture
            yield Reached(stage="restoring", width=width, height=height, pictures=1)
            jobs.restore(record)
            _show_all(order, record)
            yield Reached(stage="writing", width=width, height=height, pictures=1)
            self._write(order, record, jobs.encode(record), networks)
            yield _finished(record)
        finally:
            jobs.close(record)

    def _write(self, order: Order, record: Record, contents: list[bytes], networks: "Restorer | AutoRestorer") -> None:
        for number, content in enumerate(contents):
            write_atomically(output_place(order.place, number), content, mode=0o600)
        if self._out is not None:
            manifest, held = self._folder(self._out)
            digest = order.settings.digest(networks)
            Outputs(Folder(self._out), digest, manifest, force=False, held=held).write(record, contents)
        elif record.sidecars:
            record.warnings += [f"its sidecar {shown(one.name)} is carried only with -o" for one in record.sidecars]

    def _lock(self, out: Path) -> tuple[Manifest, "functools.partial[None]"]:
        """The folder for outputs, locked from the first one on."""
        out.mkdir(parents=True, exist_ok=True)
        held = self._held.enter_context(locked(out))
        return Manifest(out), functools.partial(held)


def _show(order: Order, side: str, picture: NDArray[np.float32]) -> None:
    write_atomically(picture_place(order.place, side), pyramid(picture), mode=0o600)


def _previewed(order: Order, networks: "Restorer | AutoRestorer", picture: NDArray[np.float32]) -> Iterator[Reached]:
    """A large photograph as the networks of fast mode see it: the original at once, its restoration soon after."""
    small, (height, width) = reduced(picture), picture.shape[:2]
    if small is None or order.settings.restore.strength == 0:
        return
    _show(order, BEFORE, small)
    yield Reached(stage="previewing", width=width, height=height, pictures=1)
    _show(order, "1", networks.restore(small, replace(order.settings.restore, samples=1, uncertainty=False)).images[0])
    yield Reached(stage="restoring", width=width, height=height, pictures=1, preview=True)


def _show_all(order: Order, record: Record) -> None:
    """What came of a photograph, to look at; where nothing did, it is the photograph itself."""
    restored, options = record.restored, order.settings.restore
    missing = [str(number) for number in range(1, options.samples + 1)] + [UNCERTAINTY] * options.uncertainty
    for number, picture in enumerate(restored.images, 1):
        _show(order, str(number), picture)
        missing.remove(str(number))
    if restored.images and restored.spread is not None:
        _show(order, UNCERTAINTY, unsure(restored.images[0], restored.spread))
        missing.remove(UNCERTAINTY)
    for side in missing:
        write_atomically(picture_place(order.place, side), picture_place(order.place, BEFORE).read_bytes(), mode=0o600)


def _finished(record: Record) -> Finished:
    task = record.task
    return Finished(
        task=task,
        decision=str(record.decision) if record.decision else "",
        notice=find_task(task).notice if task in task_names() else "",
        warnings=tuple(dict.fromkeys(record.warnings)),
        seconds=round(record.seconds, 2),
    )


def _end_with_server() -> None:
    """A server that was killed leaves no process behind that still writes into its folder."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
