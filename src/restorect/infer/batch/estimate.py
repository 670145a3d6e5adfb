"""What a batch would cost, told before anything is written."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from restorect.errors import RestorectError
from restorect.infer.batch.manifest import Manifest
from restorect.infer.batch.photo_job import restore_one
from restorect.infer.batch.plan import Job, Plan
from restorect.infer.batch.resume import is_done

if TYPE_CHECKING:
    from restorect.infer.networks import Networks

_TRIED, _LONG = 5, 20.0  # photos that are tried at most; no further one is after so many CPU-seconds


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A batch before it begins.

    Attributes:
        photos: that are to be restored.
        done: photos whose outputs an earlier run made as this one would.
        failed: photos and arguments that lead to nothing.
        bytes: of the files that are to be restored.
        tried: how many of them were restored for this, without writing anything.
        cpu_hours: of this processor for all, by what those took for their bytes; None if none could be tried.
    """

    photos: int
    done: int
    failed: int
    bytes: int
    tried: int
    cpu_hours: float | None


def estimate(plan: Plan, networks: "Networks", *, force: bool = False) -> Estimate:
    """Count what is to be done, and restore a few photos, spread over the batch, to see how long that takes.

    Args:
        plan: what would be run.
        networks: what would restore.
        force: whether what is done would be done again.
    """
    manifest, settings = Manifest(plan.out, plan.part), plan.settings.digest(networks)
    target = plan.target
    done, sizes, left, failed = 0, [], [], len(plan.failures)
    for job in plan.jobs:
        try:
            if not force and is_done(job, target, manifest, settings):
                done += 1
                continue
            sizes.append(job.source.state().bytes)
            left.append(job)
        except (RestorectError, OSError):
            failed += 1
    tried, read, seconds = _tried(left, sizes, plan, networks)
    hours = seconds / 3600 * sum(sizes) / read if read else None
    return Estimate(photos=len(left), done=done, failed=failed, bytes=sum(sizes), tried=tried, cpu_hours=hours)


def _tried(jobs: Sequence[Job], sizes: Sequence[int], plan: Plan, networks: "Networks") -> tuple[int, int, float]:
    """How many photos were restored, their bytes and CPU-seconds; networks are warm before."""
    tried, read, seconds = 0, 0, 0.0
    count = min(_TRIED, len(jobs))
    places = [(2 * k + 1) * len(jobs) // (2 * count) for k in range(count)]
    for number, place in enumerate([*places[:1], *places]):
        begun = time.process_time()
        try:
            restore_one(jobs[place], networks, plan.settings)
        except (RestorectError, OSError, MemoryError):
            continue  # the run itself will say so
        if number > 0:  # the first one loads what is needed
            tried, read, seconds = tried + 1, read + sizes[place], seconds + time.process_time() - begun
        if seconds > _LONG:
            break
    return tried, read, seconds
