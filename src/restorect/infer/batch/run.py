"""A whole batch: lock, manifest, pipeline and summary."""

import contextlib
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from restorect.cores import cores
from restorect.errors import shown
from restorect.infer.batch import bucket
from restorect.infer.batch.events import Began, Event, Failed, Summary
from restorect.infer.batch.failures import OutputError, reason_of
from restorect.infer.batch.lock import Held, locked
from restorect.infer.batch.manifest import Manifest, ManifestEntry, failure_entry
from restorect.infer.batch.memory import MemoryBudget
from restorect.infer.batch.plan import Plan
from restorect.infer.batch.shard import Orders, Shard, Worker
from restorect.infer.batch.shared import restored_by
from restorect.infer.batch.sources import Refused
from restorect.infer.batch.stop import Stop
from restorect.workers.crew import Crew

if TYPE_CHECKING:
    from restorect.infer.networks import Networks

_MOST_WORKERS = 4


def run_batch(
    plan: Plan,
    load: "Callable[[], Networks]",
    *,
    on_event: Callable[[Event], None] = lambda event: None,
    stop: Stop | None = None,
    budget: MemoryBudget | None = None,
    force: bool = False,
    fail_fast: bool = False,
    workers: int | Crew | None = None,
) -> Summary:
    """Restore all photographs of `plan`, each output whole or not there, and remember them for the next run.

    Args:
        plan: from `plan_batch`.
        load: gives what restores; called once the output folder is locked.
        on_event: called in this thread for each event.
        stop: set it from anywhere to end after the photographs in the networks or being written.
        budget: of memory.
        force: do again what is done, and overwrite what others made (never an input).
        fail_fast: stop at the first failure.
        workers: threads of this process for decoding, and as many for encoding; by default half of the cores, 1 to 4.
            Or a crew that does all the work; then `load` is sent to each of them.

    Raises:
        BusyError: another batch writes to the same folder.
        OutputError: the folder cannot be made or written.
        RestorectError: whatever `load` raises.
    """
    begun, summary, stop = time.perf_counter(), Summary(passed_over=dict(plan.others)), stop or Stop()

    def tell(event: Event) -> None:
        summary.count(event)
        on_event(event)

    tell(Began(total=len(plan.jobs) + len(plan.failures), out=plan.shown_out))
    for failure in plan.failures:
        tell(Failed(path=failure.path, reason=failure.reason))
    refused = any(isinstance(failure, Refused) for failure in plan.failures)
    if (plan.jobs or refused) and not (fail_fast and plan.failures):
        with _held(plan) as (held, mind), contextlib.ExitStack() as work:
            target = plan.target
            target.tidy(output for job in plan.jobs for output in job.outputs)
            orders = Orders(
                load=load, settings=plan.settings, target=target, held=held, force=force, fail_fast=fail_fast
            )
            manifest = _settled(plan)
            if workers is None or isinstance(workers, int):
                events = _restored_here(plan, orders, manifest, stop, budget, workers or default_workers())
            else:
                events = restored_by(workers, plan, orders, manifest, stop)
            for event in work.enter_context(contextlib.closing(events)) if plan.jobs else ():
                tell(event)
                mind()
    summary.interrupted = stop.asked
    summary.seconds = time.perf_counter() - begun
    return summary


def default_workers() -> int:
    """Threads for decoding (and for encoding): half of the cores this process may use, 1 to 4."""
    return max(1, min(_MOST_WORKERS, cores() // 2))


def _restored_here(
    plan: Plan, orders: Orders, manifest: Manifest, stop: Stop, budget: MemoryBudget | None, threads: int
) -> Generator[Event, None, None]:
    """The events of a batch that this process does alone."""
    worker = Worker(orders, budget or MemoryBudget(), stop)
    yield from worker.run(Shard(jobs=plan.jobs, manifest=manifest), threads=threads)


def _settled(plan: Plan) -> Manifest:
    """The manifest, with what workers of a killed run have done and what has failed while planning."""
    manifest = Manifest(plan.out, plan.part, shards=False)
    for record in plan.part.shards(plan.out):
        manifest.absorb(record)
    refused = [failure_entry(failure) for failure in plan.failures if isinstance(failure, Refused)]
    if new := [entry for entry in refused if not _told(entry, manifest)]:
        manifest.append(*new)
    return manifest


def _told(entry: ManifestEntry, manifest: Manifest) -> bool:
    """Whether the record says already that a photo failed so: there may be many."""
    last = manifest.last(entry.input)
    return last is not None and (last.status, last.error, last.folder) == (entry.status, entry.error, entry.folder)


@contextlib.contextmanager
def _held(plan: Plan) -> Iterator[tuple[Held, Callable[[], None]]]:
    """Hold the record, and the place of the outputs: gives the lock, and what is to be called often."""
    make_folder(plan.out)
    with locked(plan.out, plan.part, plan.url) as lock, contextlib.ExitStack() as place:
        mind = place.enter_context(bucket.held(plan.url, plan.out, plan.part)) if plan.url else lambda: None
        yield lock, mind


def make_folder(out: Path) -> None:
    """Make the folder for outputs and record; raises `OutputError`."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{shown(out)}: the output folder cannot be made ({reason_of(error)})") from error
