"""A batch shared out among workers (`restorect.workers`).

Each worker keeps a durable record of its shard, which is taken into the one of the batch when the shard is through or
its worker dead; so whoever is killed, at whatever moment, what is done is known.
"""

from collections.abc import Generator
from dataclasses import replace

from restorect.infer.batch.events import Event, Failed
from restorect.infer.batch.manifest import Manifest, failure_entry
from restorect.infer.batch.plan import Job, Plan
from restorect.infer.batch.shard import Orders, Shard
from restorect.infer.batch.sources import Refused
from restorect.infer.batch.stop import Stop
from restorect.workers.crew import Crew
from restorect.workers.driver import Driver


def restored_by(
    crew: Crew, plan: Plan, orders: Orders, manifest: Manifest, stop: Stop, *, deadline: float = 1800.0
) -> Generator[Event, None, None]:
    """The events of a batch whose place is locked.

    Args:
        crew: who works.
        plan: the batch.
        orders: for all workers.
        manifest: of the batch, read without shards.
        stop: set it from anywhere to begin no further photograph.
        deadline: see `Driver`.

    Raises:
        WorkerError: nobody can work.
        OSError: the record cannot be written.
    """
    driver, work = Driver[Job, Event](crew, stop.is_set, deadline=deadline), _Batch(plan, manifest)
    try:
        with driver.started(replace(orders, workers=crew.together)):
            for event in driver.events(plan.jobs, work):
                if isinstance(event, Failed) and (orders.fail_fast or event.stops_everything):
                    stop.give_up()
                yield event
    finally:
        for record in plan.part.shards(plan.out):
            manifest.absorb(record)


class _Batch:
    """Photographs with their records."""

    def __init__(self, plan: Plan, manifest: Manifest) -> None:
        self._plan, self._manifest, self._shards = plan, manifest, 0

    def key(self, item: Job) -> str:
        return item.source.shown_as

    def settled(self, told: Event) -> str:
        return getattr(told, "path", "")

    def shard(self, items: tuple[Job, ...]) -> Shard:
        self._shards += 1
        path = self._plan.out / self._plan.part.shard(self._shards)
        return Shard(jobs=items, manifest=self._manifest.of((name for job in items for name in job.outputs), path))

    def take_in(self, shard: Shard) -> None:
        self._manifest.absorb(shard.manifest.path)

    def given_up(self, item: Job, reason: str) -> Failed:
        refused = Refused(item.source.shown_as, reason, item.source)
        self._manifest.append(failure_entry(refused))
        return Failed(path=refused.path, reason=reason)
