"""Workers that are Ray Core actors, on whatever nodes of a cluster have room for them.

Not Ray Data: a pipeline of it hangs when its actors die. All nodes have to see the photographs and the output folder
under the same paths, and to have restorect installed.
"""

import contextlib
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from restorect.errors import ConfigError, shown
from restorect.reasons import reason_of
from restorect.workers.crew import Died, Ended, Orders, Ready, WorkerError

_LEAST = (2, 9)  # the version that has streaming generators
_DEFAULT_THREADS = 2
_PATIENCE = 10.0  # seconds until a head node has answered


class Actors:
    """A crew of actors.

    Args:
        size: how many; None for as many as the cluster has cores for now.
        threads: of one operation in each, and the cores that it takes.
        use_threads: sets them in a worker.
        gpus: that each takes.
        address: of the cluster, or "auto"; None starts one on this machine, unless this process is in one already.

    Raises:
        ConfigError: Ray is missing or too old, there is no cluster, or it has no room for so many.
    """

    def __init__(
        self,
        size: int | None,
        threads: int | None,
        use_threads: Callable[[int], None],
        *,
        gpus: int = 0,
        address: str | None = None,
    ) -> None:
        self._ray, self._use_threads, self._gpus = _connected(address), use_threads, gpus
        self._actors: list[Any] = []
        cpus = int(self._ray.cluster_resources().get("CPU", 0))
        self.threads = threads or max(1, min(_DEFAULT_THREADS, cpus))
        room = cpus // self.threads
        if gpus:
            room = min(room, int(self._ray.cluster_resources().get("GPU", 0)) // gpus)
        self.size = size or room
        if not 1 <= self.size <= room:
            wanted = f"{self.size or 1} workers of {self.threads} cores" + (f" and {gpus} GPU" if gpus else "")
            raise ConfigError(f"--executor ray: {wanted} do not fit into the cluster, which has room for {room}")

    def start(self, orders: Orders) -> None:
        """Start them; each begins when the cluster has room for it."""
        self._orders = self._ray.put(orders)
        self._actors = [self._started() for _ in range(self.size)]
        # What workers were asked and have not answered: a reference of Ray, or for a shard a stream of them.
        self._asked: dict[Any, int] = {actor.ready.remote(): number for number, actor in enumerate(self._actors)}

    def give(self, worker: int, shard: object) -> None:
        """Send a shard; its events come one by one."""
        events = self._actors[worker].run.options(num_returns="streaming").remote(shard)
        self._asked[events] = worker

    def news(self, seconds: float) -> Sequence[tuple[int, Any]]:
        """One piece of news of each worker that has some."""
        if not self._asked:
            return []
        asked = list(self._asked)
        ready, _ = self._ray.wait(asked, num_returns=len(asked), timeout=seconds, fetch_local=False)
        return [self._heard(each) for each in ready]

    def stop(self) -> None:
        """Tell all; whoever does not hear it is dead."""
        for actor in self._actors:
            actor.stop.remote()

    def renew(self, worker: int) -> None:
        """Kill it, and start another one."""
        with contextlib.suppress(Exception):
            self._ray.kill(self._actors[worker])
        self._asked = {source: number for source, number in self._asked.items() if number != worker}
        self._actors[worker] = self._started()
        self._asked[self._actors[worker].ready.remote()] = worker

    def close(self) -> None:
        """Kill them all; a cluster that was there before stays."""
        for actor in self._actors:
            with contextlib.suppress(Exception):
                self._ray.kill(actor)

    def _started(self) -> Any:  # noqa: ANN401 - a handle of Ray
        kind = self._ray.remote(num_cpus=self.threads, num_gpus=self._gpus, max_concurrency=3)(_Actor)
        return kind.remote(self._orders, self.threads, self._use_threads, os.getcwd())

    def _heard(self, source: Any) -> tuple[int, Any]:  # noqa: ANN401 - what was asked
        worker, once = self._asked[source], isinstance(source, self._ray.ObjectRef)
        try:
            news = self._ray.get(source if once else next(source))
        except StopIteration:
            news = Ended()
        except self._ray.exceptions.RayError:
            news = Died()
        if once or isinstance(news, Ended | Died):
            del self._asked[source]
        if isinstance(news, WorkerError):
            raise news
        return worker, news


class _Actor:
    """One worker; errors are news, since those of Ray are many lines.

    Args:
        orders: for all.
        threads: of one operation.
        use_threads: sets them.
        folder: where the command runs, which relative paths begin at.
    """

    def __init__(self, orders: Orders, threads: int, use_threads: Callable[[int], None], folder: str) -> None:
        self._orders, self._threads, self._use_threads, self._folder = orders, threads, use_threads, folder

    def ready(self) -> Ready | WorkerError:
        """Load the networks."""
        try:
            os.chdir(self._folder)
        except OSError:
            return WorkerError(
                f"{shown(self._folder)}: not all nodes have this folder; run the command in one they share"
            )
        try:
            self._use_threads(self._threads)
            self._worker = self._orders.worker()
        except Exception as error:
            return WorkerError(reason_of(error))
        return Ready()

    def run(self, shard: object) -> Iterator[Any]:
        """Restore a shard."""
        try:
            yield from self._worker.run(shard, threads=max(1, self._threads // 2))
        except Exception as error:
            yield WorkerError(reason_of(error))

    def stop(self) -> None:
        """Begin no further photograph."""
        self._worker.stop()


def _check(address: str) -> None:
    """See that somebody listens there: Ray itself would try for many minutes."""
    host, _, port = address.rpartition(":")
    if address == "auto":
        return
    if not host or "/" in host or not port.isdigit():
        raise ConfigError(f"--address {shown(address)}: give HOST:PORT of the cluster's head node, or auto")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE).close()
    except (OSError, OverflowError) as error:
        told = getattr(error, "strerror", None) or type(error).__name__
        raise ConfigError(f"--address {shown(address)}: nobody listens there ({told}); see `ray status`") from error


def _connected(address: str | None) -> Any:  # noqa: ANN401 - the module of Ray
    if address is not None:
        _check(address)
    try:
        import ray
    except ImportError as error:
        raise ConfigError("--executor ray: needs Ray: pip install 'restorect[ray]'") from error
    if tuple(map(int, ray.__version__.split(".")[:2])) < _LEAST:
        raise ConfigError(f"--executor ray: Ray {ray.__version__} is too old; pip install 'restorect[ray]'")
    if not ray.is_initialized():
        try:
            ray.init(
                address=address,
                include_dashboard=None if address else False,
                log_to_driver=False,
                logging_level="error",
            )
        except Exception as error:  # Ray raises whatever its parts raise
            where = f"no cluster can be reached at {shown(address)}" if address else "no cluster could be started here"
            text = " ".join(str(error).split())[:200]
            raise ConfigError(f"--executor ray: {where} ({shown(text)}); check --address and ray status") from error
    return ray
