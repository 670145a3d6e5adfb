"""What a batch would cost, told before anything is written."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING, TypeVar

from restorect.errors import RestorectError
from restorect.infer.batch.manifest import Manifest
from restorect.infer.batch.photo_job import restore_one
from restorect.infer.batch.plan import Job, Plan
from restorect.infer.batch.resume import is_done

if TYPE_CHECKING:
    from restorect.infer.networks import Networks

LOOKED = 1000  # photos whose size and record are looked at; a request each where they lie in a bucket
_TRIED, _LONG = 5, 20.0  # photos that are tried at most; no further one is after so many CPU-seconds

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A batch before it begins.

    Attributes:
        named: photos that there are names of.
        looked: those of them that were looked at; if not all, the figures are theirs, multiplied.
        photos: that are to be restored.
        done: photos whose outputs an earlier run made as this one would.
        failed: photos and arguments that lead to nothing.
        bytes: of the files that are to be restored.
        tried: how many of them were restored for this, without writing anything.
        cpu_hours: of this processor for all, by what those took for their bytes; None if none could be tried.
    """

    named: int
    looked: int
    photos: int
    done: int
    failed: int
    bytes: int
    tried: int
    cpu_hours: float | None


def estimate(plan: Plan, networks: "Networks", *, force: bool = False) -> Estimate:
    """Look at the photos, or at some of many, and restore a few to see how long that takes; both spread over the batch.

    Args:
        plan: what would be run.
        networks: what would restore.
        force: whether what is done would be done again.
    """
    manifest, settings = Manifest(plan.out, plan.part), plan.settings.digest(networks)
    target, looked = plan.target, _spread(plan.jobs, LOOKED)
    done, gone, sizes, left = 0, 0, [], []
    for job in looked:
        try:
            if not force and is_done(job, target, manifest, settings):
                done += 1
                continue
            sizes.append(job.source.state().bytes)
            left.append(job)
        except (RestorectError, OSError):
            gone += 1
    tried, read, seconds = _tried(left, sizes, plan, networks)
    each = len(plan.jobs) / len(looked) if looked else 1.0  # how many one of them stands for
    done, gone, size = int(done * each), int(gone * each), round(sum(sizes) * each)
    return Estimate(
        named=len(plan.jobs),
        looked=len(looked),
        photos=len(plan.jobs) - done - gone,
        done=done,
        failed=len(plan.failures) + gone,
        bytes=size,
        tried=tried,
        cpu_hours=seconds / 3600 * size / read if read else None,
    )


def _spread(values: Sequence[T], most: int) -> Sequence[T]:
    """All of them, or one of each of so many stretches: any, since every second photo may be a RAW, say."""
    count, chance = min(most, len(values)), Random(0)  # noqa: S311 - no secret
    ends = [k * len(values) // count for k in range(count + 1)] if count else []
    return [values[chance.randrange(*stretch)] for stretch in pairwise(ends)]


def _tried(jobs: Sequence[Job], sizes: Sequence[int], plan: Plan, networks: "Networks") -> tuple[int, int, float]:
    """How many photos were restored, their bytes and CPU-seconds; networks are warm before."""
    tried, read, seconds = 0, 0, 0.0
    places = _spread(range(len(jobs)), _TRIED)
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
