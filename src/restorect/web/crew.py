"""Takes photographs from the queue to the process that restores; starts that anew when it has died or was stopped."""

import asyncio
import multiprocessing
from collections.abc import Collection
from dataclasses import replace
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path

from restorect.files import file_hash
from restorect.infer.batch import Failure, Job, Source
from restorect.infer.batch.manifest import Manifest
from restorect.remedies import REMEDIES
from restorect.web.entry import Entry
from restorect.web.home import UPLOAD, Home
from restorect.web.messages import Finished, Order, Reached, Reply, Setup, output_place, picture_place
from restorect.web.names import of_upload, planned
from restorect.web.problems import on_page
from restorect.web.queue import Queue

_HEAD = 65536
_DIED = "the process that restores it ended without a word, most likely for want of memory; close other programs"


class Crew:
    """One process, one photograph at a time.

    Args:
        queue: of photographs.
        home: of their files.
        setup: of the process.
    """

    def __init__(self, queue: Queue, home: Home, setup: Setup) -> None:
        self._queue, self._home, self._setup = queue, home, setup
        self._process: SpawnProcess | None = None
        self._connection: Connection | None = None
        self._current = ""

    async def run(self) -> None:
        """Restore whatever waits, until the task is cancelled."""
        try:
            while True:
                version, entry = self._queue.version, self._queue.waiting()
                if entry is None:
                    self._ready()
                    await self._queue.changed(version)
                else:
                    await self._restore(entry)
        finally:
            self._end()

    def stop(self, id: str) -> None:
        """Let go of a photograph at once, if it is the one being restored."""
        if id == self._current:
            self._end()

    async def _restore(self, entry: Entry) -> None:
        self._current = entry.id
        try:
            entry = replace(entry, state="working", stage="reading", preview=False, error="", made=None)
            self._queue.put(entry, durable=False)  # after a crash it waits anyway
            order = await asyncio.to_thread(self._order, entry, self._taken(entry.id))
            if self._queue.get(entry.id) is entry:
                await self._carry_out(order, entry)
        except Exception as error:  # whatever is wrong with one photograph, the next one has its turn
            self._spoil(entry, Failure.of(entry.name, error).reason)
        finally:
            self._current = ""

    async def _carry_out(self, order: Order, entry: Entry) -> None:
        connection = self._ready()
        try:
            connection.send(order)
            while True:
                reply = await asyncio.to_thread(connection.recv)
                there = self._queue.get(order.id)
                if there is None or there.state != "working":  # cancelled or removed while the reply was on its way
                    return self._end()
                if not isinstance(reply, Reached):
                    return self._close(there, order.job, reply)
                self._queue.put(_reached(there, reply), durable=False)
        except (EOFError, OSError):
            self._end()
            self._spoil(entry, _DIED)

    def _close(self, entry: Entry, job: Job, reply: Reply) -> None:
        """The end of the work on a photograph."""
        if not isinstance(reply, Finished):
            return self._spoil(entry, reply.reason if not isinstance(reply, Reached) else "")
        self._drop_old(entry, len(job.outputs))
        self._queue.put(
            replace(
                entry,
                state="done",
                stage="",
                preview=False,
                made=entry.choice,
                outputs=job.outputs,
                samples=job.samples,
                task=reply.task,
                decision=reply.decision,
                notice=reply.notice,
                warnings=reply.warnings,
                seconds=reply.seconds,
            )
        )

    def _spoil(self, entry: Entry, reason: str) -> None:
        there = self._queue.get(entry.id)
        if there is not None and there.state == "working":
            self._queue.put(replace(there, state="failed", stage="", error=on_page(reason), outputs=(), samples=0))

    def _drop_old(self, entry: Entry, count: int) -> None:
        """Delete what an earlier choice gave more of."""
        place = self._home.place(entry.id)
        for number in range(count, len(entry.outputs)):
            output_place(place, number).unlink(missing_ok=True)
        for number in range(entry.choice.samples + 1, entry.samples + 1):
            picture_place(place, str(number)).unlink(missing_ok=True)

    def _order(self, entry: Entry, taken: list[str]) -> Order:
        """Runs in a thread of its own, as disks may be slow."""
        place, upload = self._home.place(entry.id), self._home.place(entry.id) / UPLOAD
        if entry.path:
            source = Source(path=Path(entry.path), folder=entry.folder)
        else:
            with upload.open("rb") as file:
                source = of_upload(entry.name, entry.folder, file.read(_HEAD))
        if self._setup.out is not None:
            taken = [*taken, *_of_others(self._setup.out, file_hash(Path(entry.path) if entry.path else upload))]
        return Order(
            id=entry.id,
            job=planned(source, self._setup.out or place, entry.choice, taken),
            upload=None if entry.path else upload,
            place=place,
            task=entry.choice.task,
            size=entry.choice.size,
            settings=entry.choice.settings(),
        )

    def _taken(self, id: str) -> list[str]:
        return [output for each in self._queue if each.id != id for output in each.outputs]

    def _ready(self) -> Connection:
        """The way to a process that lives."""
        if self._connection is None or self._process is None or not self._process.is_alive():
            return self._start()
        return self._connection

    def _start(self) -> Connection:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(theirs, self._setup, REMEDIES.options), daemon=True)
        self._process.start()
        theirs.close()
        return self._connection

    def _end(self) -> None:
        process, self._process, self._connection = self._process, None, None
        if process is not None:
            process.kill()
            process.join()


def _work(connection: Connection, setup: Setup, options: Collection[str] | None) -> None:
    """Runs in the process that restores: the server itself never loads torch."""
    from restorect.web.worker import work

    work(connection, setup, options)


def _of_others(out: Path, sha256: str) -> list[str]:
    """What a folder holds that was made of other photographs, maybe by an earlier server."""
    manifest = Manifest(out)
    latest = ((output, manifest.latest(output)) for output in manifest.outputs())
    return [output for output, entry in latest if entry is not None and entry.sha256 != sha256]


def _reached(entry: Entry, reply: Reached) -> Entry:
    width, height = reply.width or entry.width, reply.height or entry.height
    pictures, preview = entry.pictures + reply.pictures, entry.preview or reply.preview
    return replace(entry, stage=reply.stage, pictures=pictures, preview=preview, width=width, height=height)
