"""Workers that are Ray Core actors, on whatever nodes of a cluster have room for them.

Not Ray Data: a pipeline of it hangs when its actors die. All nodes have to see the photographs and the output folder
under the same paths, and to have restorect installed.
"""

import contextlib
import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
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
        size: how many; None for as many as the nodes have room for now.
        threads: of one operation in each, and the cores that it takes.
        use_threads: sets them in a worker.
        gpus: that each takes; None for one if the cluster has any.
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
        gpus: int | None = 0,
        address: str | None = None,
    ) -> None:
        self._ray, self._use_threads = _connected(address), use_threads
        self._actors: list[Any] = []
        resources = self._ray.cluster_resources()
        self.threads = threads or max(1, min(_DEFAULT_THREADS, int(resources.get("CPU", 0))))
        self._gpus = int(resources.get("GPU", 0) >= 1) if gpus is None else gpus
        places = [self._places(node["Resources"]) for node in self._ray.nodes() if node["Alive"]]
        room = sum(places)
        self.size = size or room
        if not 1 <= self.size <= room:
            wanted = f"{self.size or 1} workers of {self.threads} cores" + (f" and {self._gpus} GPU" * bool(self._gpus))
            raise ConfigError(f"--executor ray: {wanted} do not fit into the cluster, which has room for {room}")
        self.together = min(self.size, max(places))

    def _places(self, node: Mapping[str, float]) -> int:
        """How many workers a node has room for."""
        by_gpus = [int(node.get("GPU", 0)) // self._gpus] if self._gpus else []
        return min([int(node.get("CPU", 0)) // self.threads, *by_gpus])

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
        ready = self._spoken(1, seconds)
        if ready and len(self._asked) > 1:
            ready = self._spoken(len(self._asked), 0)
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
        return kind.remote(self._orders, self.threads, self._use_threads, os.getcwd(), sees_gpus=self._gpus > 0)

    def _spoken(self, least: int, seconds: float) -> list[Any]:
        """Who has news, as soon as so many have or the seconds are over."""
        spoken: list[Any]
        spoken, _ = self._ray.wait([*self._asked], num_returns=least, timeout=seconds, fetch_local=False)
        return spoken

    def _heard(self, source: Any) -> tuple[int, Any]:  # noqa: ANN401 - what was asked
        worker, once = self._asked[source], isinstance(source, self._ray.ObjectRef)
        try:
            news = self._ray.get(source if once else next(source))
        except StopIteration:
            news = Ended()
        except self._ray.exceptions.RayError as error:
            news = _end(error)
        if once or isinstance(news, Ended | Died):
            del self._asked[source]
        if isinstance(news, WorkerError):
            raise news
        return worker, news


def _end(error: Exception) -> Died | WorkerError:
    """What the end of an actor means: one that cannot even be made will be no better the next time."""
    lines = str(error).strip().splitlines()
    if lines and "creation task" in lines[0]:
        told = f"a node has no restorect that it could use ({shown(lines[-1][:200])})"
        return WorkerError(f"--executor ray: {told}; install this version of it, and what it needs, on all nodes")
    return Died()


class _Actor:
    """One worker; errors are news, since those of Ray are many lines.

    Args:
        orders: for all.
        threads: of one operation.
        use_threads: sets them.
        folder: where the command runs, which relative paths begin at.
        sees_gpus: whether it took any; those of others are no business of it, whatever Ray lets it see.
    """

    def __init__(
        self, orders: Orders, threads: int, use_threads: Callable[[int], None], folder: str, *, sees_gpus: bool
    ) -> None:
        self._orders, self._threads, self._use_threads, self._folder = orders, threads, use_threads, folder
        if not sees_gpus:
            os.environ["CUDA_VISIBLE_DEVICES"] = ""

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
        with socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE) as there:
            greeted = _greeted(there)
    except (OSError, OverflowError) as error:
        told = getattr(error, "strerror", None) or type(error).__name__
        raise ConfigError(f"--address {shown(address)}: nobody listens there ({told}); see `ray status`") from error
    if not greeted:
        raise ConfigError(f"--address {shown(address)}: what listens there is no Ray cluster; see `ray status`")


def _greeted(there: socket.socket) -> bool:
    """Whether gRPC is spoken, as by Ray: it answers the beginning of HTTP/2 by a frame of settings (RFC 9113, 3.4)."""
    if os.environ.get("RAY_USE_TLS", "0") not in ("", "0"):
        return True  # it waits for more than this
    settings = b"\0\0\0\4\0\0\0\0\0"
    try:
        there.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + settings)
        return there.recv(9)[3:4] == settings[3:4]
    except OSError:
        return False


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
            if text.startswith("Version mismatch"):
                raise ConfigError(f"--executor ray: {shown(text)}; install the cluster's versions here") from error
            raise ConfigError(f"--executor ray: {where} ({shown(text)}); check --address and ray status") from error
    return ray
