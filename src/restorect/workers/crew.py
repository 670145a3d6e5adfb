"""Workers that somebody drives, wherever they run: what they are told, and what they tell."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from restorect.errors import RestorectError


@dataclass(frozen=True)
class Ended:
    """A worker has done its shard, or as much as it was let."""


@dataclass(frozen=True)
class Ready:
    """A worker has its networks, and waits for its first shard."""


@dataclass(frozen=True)
class Died:
    """A worker is no more."""


class WorkerError(RestorectError):
    """A worker cannot do anything, for example without weights; or none of them begins, or all of them die."""


class Worker(Protocol):
    """Does shard after shard."""

    def run(self, shard: Any, *, threads: int = 1) -> Iterator[Any]:  # noqa: ANN401 - of the driver's work
        """What comes of a shard, each thing told when it is safe."""

    def stop(self) -> None:
        """Begin nothing further, of any shard; may be called from another thread."""


class Orders(Protocol):
    """What all workers are told once; it can be sent to another process."""

    def worker(self) -> Worker:
        """One that follows them; whatever this raises is a `WorkerError` of the crew."""


class Crew(Protocol):
    """Workers by number, from 0; each has at most one shard at a time.

    Attributes:
        size: how many there are.
        threads: of one operation in each.
        together: how many of them at most share the memory of a machine.
    """

    size: int
    threads: int
    together: int

    def start(self, orders: Orders) -> None:
        """Start all of them."""

    def give(self, worker: int, shard: object) -> None:
        """Let one do a shard; if it is dead, `news` says so."""

    def news(self, seconds: float) -> Sequence[tuple[int, Any]]:
        """What workers have told since, in order: `Ready`, `Ended`, `Died`, or what comes of a shard.

        Raises:
            WorkerError: one cannot do anything.
        """

    def stop(self) -> None:
        """Let them begin nothing further."""

    def renew(self, worker: int) -> None:
        """Put a new one in the place of one that is dead, or shall be."""

    def close(self) -> None:
        """End all of them; they have nothing to do any more, or are not to do it."""
