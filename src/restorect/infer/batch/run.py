"""A whole batch: workplace, pipeline and summary."""

import contextlib
import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from restorect.infer.batch.atomic import remove_parts
from restorect.infer.batch.events import Began, Event, Failed, Summary
from restorect.infer.batch.memory import MemoryBudget
from restorect.infer.batch.pipeline import Pipeline
from restorect.infer.batch.plan import Plan
from restorect.infer.batch.sources import Refused
from restorect.infer.batch.stop import Stop
from restorect.infer.batch.workplace import workplace

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

    tell(Began(total=len(plan.jobs) + len(plan.failures), out=str(plan.out)))
    for failure in plan.failures:
        tell(Failed(path=failure.path, reason=failure.reason))
    if plan.jobs and not (fail_fast and plan.failures):
        place = workplace(
            plan.out, plan.settings, load, stop=stop, budget=budget or MemoryBudget(), force=force, part=plan.part
        )
        with place as at_work:
            tidy(plan)
            for failure in plan.failures:
                if isinstance(failure, Refused):
                    at_work.outputs.refuse(failure)
            count = workers or default_workers()
            pipeline = Pipeline(plan.jobs, at_work.steps, at_work.outputs, stop, workers=count, fail_fast=fail_fast)
            with contextlib.closing(pipeline.events()) as events:
                for event in events:
                    tell(event)
    summary.interrupted = stop.asked
    summary.seconds = time.perf_counter() - begun
    return summary


def default_workers() -> int:
    """Threads for decoding (and for encoding): half of the cores this process may use, 1 to 4."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(_MOST_WORKERS, cores // 2))


def tidy(plan: Plan) -> None:
    """Remove what a killed batch left half written; the lock is held, so nobody is writing it."""
    real = plan.out.resolve()
    for below in {output.rpartition("/")[0] for job in plan.jobs for output in job.outputs}:
        inside = (plan.out / below).resolve()
        if inside == real or real in inside.parents:
            remove_parts(plan.out / below, plan.part.temporary)
