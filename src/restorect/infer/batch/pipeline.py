"""Decode, restore and encode at the same time: threads with short queues between them, so that no core waits."""

import contextlib
import queue
import threading
from collections.abc import Callable, Generator, Sequence

from restorect.infer.batch.events import Event, Failed, Skipped
from restorect.infer.batch.outputs import Outputs
from restorect.infer.batch.photo_job import PhotoJobs, Record
from restorect.infer.batch.plan import Job
from restorect.infer.batch.stop import Stop

_END = None


class Pipeline:
    """Runs the jobs of one batch through the steps of `PhotoJobs`, and into `Outputs`.

    `workers` threads decode, one restores and `workers` encode; between the steps lie at most `workers` photographs.
    All threads end by themselves once `stop` is set and what is in the networks or being encoded is finished.

    Args:
        jobs: in the order of work.
        steps: read, restore, encode.
        outputs: where the files go.
        stop: set it (from anywhere) to begin no further photograph.
        workers: threads for decoding, and as many for encoding.
        fail_fast: stop after the first failure.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        steps: PhotoJobs,
        outputs: Outputs,
        stop: Stop,
        *,
        workers: int,
        fail_fast: bool,
    ) -> None:
        self._steps, self._outputs = steps, outputs
        self._stop, self._workers, self._fail_fast = stop, workers, fail_fast
        self._jobs, self._guard = iter(jobs), threading.Lock()
        self._decoding = workers
        self._opened: queue.Queue[Record | None] = queue.Queue(workers)
        self._restored: queue.Queue[Record | None] = queue.Queue(workers)
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._broken: BaseException | None = None

    def events(self) -> Generator[Event, None, None]:
        """Start the threads and give their events; ends when all of them have.

        Close the iterator (`contextlib.closing`) when leaving it early: the threads are then stopped and awaited.
        """
        targets = [self._decode] * self._workers + [self._restore] + [self._encode] * self._workers
        threads = self._started(targets)
        try:
            for _ in targets:
                while (event := self._events.get()) is not None:
                    yield event
        except BaseException:
            self._stop.give_up()
            raise
        finally:
            for thread in threads:
                thread.join()
        if self._broken is not None:
            raise self._broken

    def _started(self, targets: Sequence[Callable[[], None]]) -> list[threading.Thread]:
        """A thread for each target. If the system gives no more, the rest runs here, only to end the others."""
        threads: list[threading.Thread] = []
        for number, target in enumerate(targets):
            thread = threading.Thread(target=self._ending, args=(target,), daemon=True)
            try:
                thread.start()
            except RuntimeError as error:
                self._broken = error
                self._stop.give_up()
                for rest in targets[number:]:
                    self._ending(rest)
                break
            threads.append(thread)
        return threads

    def _ending(self, target: Callable[[], None]) -> None:
        try:
            target()
        except BaseException as error:  # of the pipeline itself, such as no memory left for an event
            self._broken = error
            self._stop.give_up()
            with contextlib.suppress(BaseException):
                target()  # there is nothing to do any more but to pass the end on
        finally:
            self._events.put(_END)

    def _decode(self) -> None:
        while (job := self._next()) is not None:
            try:
                done = self._outputs.done(job)
                record = None if done else self._steps.read(job)
            except Exception as error:
                self._fail(job, error)
                continue
            if done:
                self._events.put(Skipped(path=job.source.shown_as, outputs=job.outputs))
            elif record is not None:
                self._opened.put(record)
        with self._guard:
            self._decoding -= 1
            last = not self._decoding
        if last:
            self._opened.put(_END)

    def _restore(self) -> None:
        while (record := self._opened.get()) is not None:
            if self._stop.is_set():
                self._steps.close(record)
                continue
            try:
                self._steps.restore(record)
            except Exception as error:
                self._steps.close(record)
                self._fail(record.job, error)
            else:
                self._restored.put(record)
        for _ in range(self._workers):
            self._restored.put(_END)

    def _encode(self) -> None:
        while (record := self._restored.get()) is not None:
            try:
                event: Event = self._outputs.write(record, self._steps.encode(record))
            except Exception as error:
                self._fail(record.job, error)
            else:
                self._events.put(event)
            finally:
                self._steps.close(record)

    def _next(self) -> Job | None:
        with self._guard:
            return None if self._stop.is_set() else next(self._jobs, None)

    def _fail(self, job: Job, error: Exception) -> None:
        event: Failed = self._outputs.failed(job, error)
        if self._fail_fast or event.stops_everything:
            self._stop.give_up()
        self._events.put(event)
