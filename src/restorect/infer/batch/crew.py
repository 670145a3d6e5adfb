"""Several workers on one batch: its photographs cut into shards, handed out one at a time, whoever dies on the way.

The driver opens no photograph and needs no network. Each worker keeps a durable record of its shard, which the driver
takes into the one of the batch when the shard is through or its worker dead; so whoever is killed, at whatever moment,
what is done is known.
"""

import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from restorect.errors import RestorectError
from restorect.infer.batch.events import Event, Failed
from restorect.infer.batch.failures import OutputError
from restorect.infer.batch.manifest import Manifest, failure_entry
from restorect.infer.batch.plan import Job, Plan
from restorect.infer.batch.shard import Orders, Shard
from restorect.infer.batch.sources import Refused
from restorect.infer.batch.stop import Stop

MOST = 2000
"""Photographs of a shard at most."""
_EACH = 4  # shards for each worker at least, so that all end at about the same time
_SMALLER = 8  # times smaller are the shards that a dead worker's rest is cut into
_TRIES = 2  # for a photograph whose worker dies while it has no other
_DEATHS = 12  # of each worker's place, one after the other, without a photograph that came out
_TICK = 0.2  # seconds
_SILENT = "its worker gave no sign of life for {:.0f} s, {} times; the photo may be damaged in a way nobody knows"
_DIED = "its worker died, {} times; there may be too little memory for it, or it may be damaged in a way nobody knows"


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
    """A worker cannot restore anything, for example without weights."""


News = Event | Ready | Ended | Died


class Crew(Protocol):
    """Workers by number, from 0; each has at most one shard at a time.

    Attributes:
        size: how many there are.
    """

    size: int

    def start(self, orders: Orders) -> None:
        """Start all of them."""

    def give(self, worker: int, shard: Shard) -> None:
        """Let one restore a shard; if it is dead, `news` says so."""

    def news(self, seconds: float) -> Sequence[tuple[int, News]]:
        """What workers have told since, in order; waits so long for something.

        Raises:
            WorkerError: one cannot restore anything.
        """

    def stop(self) -> None:
        """Let them begin no further photograph."""

    def renew(self, worker: int) -> None:
        """Put a new one in the place of one that is dead, or shall be."""

    def close(self) -> None:
        """End all of them; they have nothing to do any more, or are not to do it."""


@dataclass
class _Post:
    """A worker's place: whether it can work, what it has to do, and since when it has been silent."""

    ready: bool = False
    shard: Shard | None = None
    left: dict[str, Job] = field(default_factory=dict)
    heard: float = 0.0


class Driver:
    """Hands out the shards of a plan, whose place is locked.

    Args:
        plan: the batch.
        crew: who works.
        manifest: of the batch, read without shards.
        stop: set it from anywhere to begin no further photograph.
        deadline: seconds without any news after which a worker is taken for dead.
    """

    def __init__(self, plan: Plan, crew: Crew, manifest: Manifest, stop: Stop, *, deadline: float = 1800.0) -> None:
        self._plan, self._crew, self._manifest, self._stop, self._deadline = plan, crew, manifest, stop, deadline
        self._waiting = deque(cut(plan.jobs, crew.size))
        self._posts = [_Post() for _ in range(crew.size)]
        self._shards, self._deaths, self._tries, self._heard = 0, 0, dict[str, int](), time.monotonic()

    def events(self, orders: Orders) -> Generator[Event, None, None]:
        """Start the workers and give their events.

        Raises:
            WorkerError: they cannot restore anything.
            OutputError: none of them begins, or all of them die.
            OSError: the record cannot be written.
        """
        try:
            self._crew.start(orders)
            told = False
            while self._hand_out() or any(post.shard for post in self._posts):
                for worker, news in self._crew.news(_TICK):
                    yield from self._hear(worker, news, orders)
                yield from self._look_for_silent()
                if self._stop.is_set() and not told:
                    self._crew.stop()
                    told = True
        finally:
            self._crew.close()
            for record in self._plan.part.shards(self._plan.out):
                self._manifest.absorb(record)

    def _hand_out(self) -> bool:
        """Give work to who has none; false if there is none to give."""
        for worker, post in enumerate(self._posts):
            if post.ready and post.shard is None and self._waiting and not self._stop.is_set():
                jobs = self._waiting.popleft()
                self._shards += 1
                path = self._plan.out / self._plan.part.shard(self._shards)
                manifest = self._manifest.of((output for job in jobs for output in job.outputs), path)
                post.shard, post.heard = Shard(jobs=jobs, manifest=manifest), time.monotonic()
                post.left = {job.source.shown_as: job for job in jobs}
                self._crew.give(worker, post.shard)
        return bool(self._waiting) and not self._stop.is_set()

    def _hear(self, worker: int, news: News, orders: Orders) -> Iterator[Event]:
        post = self._posts[worker]
        post.heard = time.monotonic()
        self._heard = post.heard
        if isinstance(news, Ready):
            post.ready = True
        elif isinstance(news, Died):
            yield from self._bury(worker, _DIED.format(_TRIES))
        elif isinstance(news, Ended):
            self._take_in(post)
        else:
            if isinstance(news, Failed) and (orders.fail_fast or news.stops_everything):
                self._stop.give_up()
            self._deaths = 0
            post.left.pop(getattr(news, "path", ""), None)
            yield news

    def _look_for_silent(self) -> Iterator[Event]:
        """Take who is silent for dead; who waits for a place to work is not, as long as others work."""
        if time.monotonic() - self._heard > self._deadline and not any(post.shard for post in self._posts):
            raise OutputError(f"no worker could begin for {self._deadline:.0f} s; look at the machines they run on")
        for worker, post in enumerate(self._posts):
            if post.shard is not None and time.monotonic() - post.heard > self._deadline:
                yield from self._bury(worker, _SILENT.format(self._deadline, _TRIES))

    def _bury(self, worker: int, reason: str) -> Iterator[Event]:
        """Put another worker in its place; what it had left is cut smaller, down to the photograph that kills.

        Raises:
            OutputError: workers die one after the other, and restore nothing.
        """
        post, self._deaths = self._posts[worker], self._deaths + 1
        if self._deaths > _DEATHS * self._crew.size:
            raise OutputError("workers die before they restore anything; free memory, or use fewer --workers")
        self._crew.renew(worker)
        post.ready = False
        left = tuple(post.left.values())
        self._take_in(post)
        if len(left) == 1:
            (job,) = left
            tries = self._tries[job.source.shown_as] = self._tries.get(job.source.shown_as, 0) + 1
            if tries >= _TRIES:
                yield self._given_up(job, reason)
                return
        size = max(1, len(left) // _SMALLER)
        self._waiting.extendleft(left[begin : begin + size] for begin in range(0, len(left), size))

    def _take_in(self, post: _Post) -> None:
        if post.shard is not None:
            self._manifest.absorb(post.shard.manifest.path)
        post.shard, post.left = None, {}

    def _given_up(self, job: Job, reason: str) -> Failed:
        refused = Refused(job.source.shown_as, reason, job.source)
        self._manifest.append(failure_entry(refused))
        return Failed(path=refused.path, reason=reason)


def cut(jobs: Sequence[Job], workers: int) -> list[tuple[Job, ...]]:
    """Cut a batch into shards: at most `MOST` photographs each, and at least four a worker where there are so many."""
    size = max(1, min(MOST, len(jobs) // (_EACH * workers)))
    return [tuple(jobs[begin : begin + size]) for begin in range(0, len(jobs), size)]
