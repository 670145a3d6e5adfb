"""A whole batch: lock, manifest, pipeline and summary."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from restorect.errors import shown
from restorect.infer.batch import bucket
from restorect.infer.batch.events import Began, Event, Failed, Summary
from restorect.infer.batch.failures import OutputError, reason_of
from restorect.infer.batch.lock import locked
from restorect.infer.batch.manifest import Manifest
from restorect.infer.batch.memory import MemoryBudget
from restorect.infer.batch.outputs import Outputs
from restorect.infer.batch.photo_job import PhotoJobs
from restorect.infer.batch.pipeline import Pipeline
from restorect.infer.batch.plan import Plan
from restorect.infer.batch.sources import Refused
from restorect.infer.batch.stop import Stop

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
    workers: int | None = None,
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
        workers: threads for decoding, and as many for encoding; by default half of the cores, 1 to 4.

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
    if plan.jobs and not (fail_fast and plan.failures):
        with _held(plan) as (held, copy):
            manifest = Manifest(plan.out, plan.part)
            target = plan.target
            target.tidy(output for job in plan.jobs for output in job.outputs)
            networks = load()
            steps = PhotoJobs(networks, plan.settings, budget or MemoryBudget(), stop)
            digest = plan.settings.digest(networks)
            outputs = Outputs(target, digest, manifest, force=force, held=held)
            for failure in plan.failures:
                if isinstance(failure, Refused):
                    outputs.refuse(failure)
            count = workers or default_workers()
            pipeline = Pipeline(plan.jobs, steps, outputs, stop, workers=count, fail_fast=fail_fast)
            with contextlib.closing(pipeline.events()) as events:
                for event in events:
                    tell(event)
                    copy()
    summary.interrupted = stop.asked
    summary.seconds = time.perf_counter() - begun
    return summary


def default_workers() -> int:
    """Threads for decoding (and for encoding): half of the cores this process may use, 1 to 4."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(_MOST_WORKERS, cores // 2))


@contextlib.contextmanager
def _held(plan: Plan) -> Iterator[tuple[Callable[[], None], Callable[[], None]]]:
    """Hold the record, and where outputs go: gives what raises `LostError` once that is lost, and what copies it."""
    _make_folder(plan.out)
    with locked(plan.out, plan.part) as check:
        if not plan.url:
            yield check, lambda: None
            return
        with bucket.held(plan.url, plan.out, plan.part) as (look, copy):

            def both() -> None:
                check()
                look()

            yield both, copy


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{shown(out)}: the output folder cannot be made ({reason_of(error)})") from error
