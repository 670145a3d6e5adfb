"""A shard of a batch, as a worker with networks of its own restores it."""

import contextlib
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from restorect.infer.batch.events import Event
from restorect.infer.batch.manifest import Manifest
from restorect.infer.batch.memory import MemoryBudget
from restorect.infer.batch.outputs import Outputs
from restorect.infer.batch.photo_job import PhotoJobs
from restorect.infer.batch.pipeline import Pipeline
from restorect.infer.batch.plan import Job
from restorect.infer.batch.settings import RestoreSettings
from restorect.infer.batch.stop import Stop
from restorect.infer.batch.target import Target
from restorect.infer.free_memory import available_bytes

if TYPE_CHECKING:
    from restorect.infer.networks import Networks


@dataclass(frozen=True, kw_only=True)
class Orders:
    """What all workers are told once; it can be sent to another process.

    Args:
        load: gives what restores.
        settings: how to read, restore and write.
        target: where outputs go.
        held: raises `LostError` once the driver no longer holds that.
        force: do again what is done.
        fail_fast: stop at the first failure.
        workers: how many of them share the memory of a machine.
    """

    load: "Callable[[], Networks]"
    settings: RestoreSettings
    target: Target
    held: Callable[[], None]
    force: bool = False
    fail_fast: bool = False
    workers: int = 1

    def worker(self) -> "Worker":
        """One that follows them."""
        return Worker(self)


@dataclass(frozen=True, kw_only=True)
class Shard:
    """Photographs for one worker: where they lie, never their pixels.

    Args:
        jobs: in the order of work.
        manifest: what is known of their outputs; the worker adds to its record.
    """

    jobs: tuple[Job, ...]
    manifest: Manifest


class Worker:
    """Restores shard after shard.

    Args:
        orders: what to do.
        budget: of memory; by default the free memory is shared evenly with the other workers.
        stop: set it from anywhere to begin no further photograph.

    Raises:
        RestorectError: whatever loading raises.
    """

    def __init__(self, orders: Orders, budget: MemoryBudget | None = None, stop: Stop | None = None) -> None:
        self._orders, self._networks, self._stop = orders, orders.load(), stop or Stop()
        self._budget = budget or MemoryBudget(lambda: _share(orders.workers))

    def run(self, shard: Shard, *, threads: int = 1) -> Generator[Event, None, None]:
        """The events of a shard, whose outputs are then written.

        Args:
            shard: the photographs.
            threads: for decoding, and as many for encoding.
        """
        orders = self._orders
        steps = PhotoJobs(self._networks, orders.settings, self._budget, self._stop)
        digest = orders.settings.digest(self._networks)
        outputs = Outputs(orders.target, digest, shard.manifest, force=orders.force, held=orders.held)
        pipeline = Pipeline(shard.jobs, steps, outputs, self._stop, workers=threads, fail_fast=orders.fail_fast)
        with contextlib.closing(pipeline.events()) as events:
            yield from events

    def stop(self) -> None:
        """Begin no further photograph, of any shard."""
        self._stop.ask()


def _share(workers: int) -> int | None:
    free = available_bytes()
    return None if free is None else free // workers
