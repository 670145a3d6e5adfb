"""Workers that are processes of this machine: spawned, never forked, since libraries with threads do not bear that."""

import contextlib
import os
import queue
import signal
import threading
from collections.abc import Callable, Sequence
from multiprocessing import connection, get_context
from multiprocessing.connection import Connection
from typing import Any

from restorect.cores import cores
from restorect.reasons import reason_of
from restorect.workers.crew import Died, Ended, Orders, Ready, Worker, WorkerError

_STOP = "stop"
_PATIENCE = 5.0  # seconds that a process has to end by itself


class Processes:
    """A crew of processes, among which the cores are shared out.

    Args:
        size: how many.
        threads: of one operation in each; by default as many as there are cores for it.
        use_threads: sets them in a worker.
    """

    def __init__(self, size: int, threads: int | None, use_threads: Callable[[int], None]) -> None:
        self.size = self.together = size
        self._use_threads = use_threads
        self.threads = threads or max(1, cores() // size)
        self._spawn = get_context("spawn")
        self._ends: list[tuple[Any, Connection]] = []

    def start(self, orders: Orders) -> None:
        """Start them; they load their networks side by side."""
        self._orders = orders
        self._ends = [self._started() for _ in range(self.size)]

    def give(self, worker: int, shard: object) -> None:
        """Send a shard."""
        with contextlib.suppress(OSError):  # `news` says that it is dead
            self._ends[worker][1].send(shard)

    def news(self, seconds: float) -> Sequence[tuple[int, Any]]:
        """Whatever has arrived; a pipe that has broken means a process that is dead."""
        found: list[tuple[int, Any]] = []
        spoken = connection.wait([end for _, end in self._ends], seconds)
        for number, (_, end) in enumerate(self._ends):
            if end not in spoken:
                continue
            try:
                news = end.recv()
            except (EOFError, OSError):
                news = Died()
            if isinstance(news, WorkerError):
                raise news
            found.append((number, news))
        return found

    def stop(self) -> None:
        """Tell all."""
        for _, end in self._ends:
            with contextlib.suppress(OSError):
                end.send(_STOP)

    def renew(self, worker: int) -> None:
        """Kill it, and start another one."""
        process, end = self._ends[worker]
        process.kill()
        process.join()
        end.close()
        self._ends[worker] = self._started()

    def close(self) -> None:
        """Close their pipes, which ends them."""
        for _, end in self._ends:
            end.close()
        for process, _ in self._ends:
            process.join(_PATIENCE)
            if process.is_alive():
                process.kill()
                process.join()
        self._ends = []

    def _started(self) -> tuple[Any, Connection]:
        mine, its = self._spawn.Pipe()
        process = self._spawn.Process(
            target=_work, args=(its, self._orders, self.threads, self._use_threads), daemon=True
        )
        process.start()
        its.close()
        return process, mine


def _work(driver: Connection, orders: Orders, threads: int, use_threads: Callable[[int], None]) -> None:
    """What a worker does; it ends with its driver, in whatever way that ends, in the middle of whatever it does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the driver too, which tells
    shards: queue.SimpleQueue[Any] = queue.SimpleQueue()
    stop = threading.Event()
    workers: list[Worker] = []

    def listen() -> None:
        while True:
            try:
                told = driver.recv()
            except (EOFError, OSError):
                os._exit(0)  # outputs are whole or not there
            if told == _STOP:
                stop.set()
                for worker in workers:
                    worker.stop()
            else:
                shards.put(told)

    threading.Thread(target=listen, daemon=True).start()
    try:
        use_threads(threads)
        workers.append(orders.worker())
        if stop.is_set():
            workers[0].stop()
        driver.send(Ready())
        while True:
            for event in workers[0].run(shards.get(), threads=max(1, threads // 2)):
                driver.send(event)
            driver.send(Ended())
    except Exception as error:
        with contextlib.suppress(OSError):
            driver.send(WorkerError(reason_of(error)))
