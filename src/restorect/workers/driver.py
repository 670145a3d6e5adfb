"""Work cut into shards, handed out one at a time to whoever has none, whoever dies on the way.

The driver opens no photograph and needs no network.
"""

import contextlib
import time
from collections import deque
from collections.abc import Callable, Generator, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from restorect.workers.crew import Crew, Died, Ended, Orders, Ready, WorkerError

MOST = 2000
"""Photographs of a shard at most."""
_EACH = 4  # shards for each worker at least
_SMALLER = 8  # times smaller are the shards that a dead worker's rest is cut into
_TRIES = 2  # for a photograph whose worker dies while it has no other
_DEATHS = 12  # of each worker's place, one after the other, without a photograph that came out
_TICK = 0.2  # seconds
_SILENT = "its worker gave no sign of life for {:.0f} s, {} times; the photo may be damaged in a way nobody knows"
_DIED = "its worker died, {} times; there may be too little memory for it, or it may be damaged in a way nobody knows"

Item = TypeVar("Item")
AnItem = TypeVar("AnItem", contravariant=True)
Told = TypeVar("Told")


class Work(Protocol[AnItem, Told]):
    """What is shared out: photographs, one item each, and what is to be done with what comes of them."""

    def key(self, item: AnItem) -> Hashable:
        """What tells it from the others."""

    def settled(self, told: Told) -> Hashable:
        """The key of the item that a worker has done with this; None for no item."""

    def shard(self, items: tuple[AnItem, ...]) -> Any:  # noqa: ANN401 - whatever the worker takes
        """What a worker is given to do these."""

    def take_in(self, shard: Any) -> None:  # noqa: ANN401
        """Called when a shard is through, or its worker dead."""

    def given_up(self, item: AnItem, reason: str) -> Told:
        """What is told of an item that kills its workers."""


@dataclass
class _Post(Generic[Item]):
    """A worker's place: whether it can work, what it has to do, and since when it has been silent."""

    ready: bool = False
    shard: Any = None
    left: dict[Hashable, Item] = field(default_factory=dict)
    heard: float = 0.0


class Driver(Generic[Item, Told]):
    """Hands out work.

    Args:
        crew: who works.
        stopped: tells whether to begin nothing further.
        deadline: seconds without any news after which a worker is taken for dead.
    """

    def __init__(self, crew: Crew, stopped: Callable[[], bool] = lambda: False, *, deadline: float = 1800.0) -> None:
        self._crew, self._stopped, self._deadline = crew, stopped, deadline
        self._posts = [_Post[Item]() for _ in range(crew.size)]

    @contextlib.contextmanager
    def started(self, orders: Orders) -> Iterator[None]:
        """Start the workers, and end them."""
        try:
            self._crew.start(orders)
            yield
        finally:
            self._crew.close()

    def events(self, items: Sequence[Item], work: Work[Item, Told]) -> Generator[Told, None, None]:
        """What the workers, which are started, tell of these items.

        Raises:
            WorkerError: they cannot do anything, none of them begins, or all of them die.
        """
        self._work, self._waiting = work, deque(cut(items, self._crew.size))
        self._deaths, self._tries, self._heard = 0, dict[Hashable, int](), time.monotonic()
        told = False
        while self._hand_out() or any(post.shard for post in self._posts):
            for worker, news in self._crew.news(_TICK):
                yield from self._hear(worker, news)
            yield from self._look_for_silent()
            if self._stopped() and not told:
                self._crew.stop()
                told = True

    def _hand_out(self) -> bool:
        """Give work to who has none; false if there is none to give."""
        for worker, post in enumerate(self._posts):
            if post.ready and post.shard is None and self._waiting and not self._stopped():
                items = self._waiting.popleft()
                post.shard, post.heard = self._work.shard(items), time.monotonic()
                post.left = {self._work.key(item): item for item in items}
                self._crew.give(worker, post.shard)
        return bool(self._waiting) and not self._stopped()

    def _hear(self, worker: int, news: Any) -> Iterator[Told]:  # noqa: ANN401 - of the crew, or of the work
        post = self._posts[worker]
        self._heard = post.heard = time.monotonic()
        if isinstance(news, Ready):
            post.ready = True
        elif isinstance(news, Died):
            yield from self._bury(worker, _DIED.format(_TRIES))
        elif isinstance(news, Ended):
            self._take_in(post)
        else:
            self._deaths = 0
            post.left.pop(self._work.settled(news), None)
            yield news

    def _look_for_silent(self) -> Iterator[Told]:
        """Take who is silent for dead; who waits for a place to work is not, as long as others work."""
        if time.monotonic() - self._heard > self._deadline and not any(post.shard for post in self._posts):
            raise WorkerError(f"no worker could begin for {self._deadline:.0f} s; look at the machines they run on")
        for worker, post in enumerate(self._posts):
            if post.shard is not None and time.monotonic() - post.heard > self._deadline:
                yield from self._bury(worker, _SILENT.format(self._deadline, _TRIES))

    def _bury(self, worker: int, reason: str) -> Iterator[Told]:
        """Put another worker in its place; what it had left is cut smaller, down to the photograph that kills.

        Raises:
            WorkerError: workers die one after the other, and nothing comes of it.
        """
        post, self._deaths = self._posts[worker], self._deaths + 1
        if self._deaths > _DEATHS * self._crew.size:
            raise WorkerError("workers die before anything comes of it; free memory, or use fewer --workers")
        self._crew.renew(worker)
        post.ready = False
        left = tuple(post.left.values())
        self._take_in(post)
        if len(left) == 1:
            (item,) = left
            key = self._work.key(item)
            self._tries[key] = self._tries.get(key, 0) + 1
            if self._tries[key] >= _TRIES:
                yield self._work.given_up(item, reason)
                return
        self._waiting.extendleft(reversed(_pieces(left, len(left) // _SMALLER)))

    def _take_in(self, post: _Post[Item]) -> None:
        if post.shard is not None:
            self._work.take_in(post.shard)
        post.shard, post.left = None, {}


def cut(items: Sequence[Item], workers: int) -> list[tuple[Item, ...]]:
    """Cut work into shards of at most `MOST` photographs: a quarter of what is left for each worker.

    So there are at least four a worker where there are so many photographs, and the last ones are small, for all
    workers to end at about the same time (guided self-scheduling, Polychronopoulos and Kuck 1987).
    """
    shards, begin = list[tuple[Item, ...]](), 0
    while begin < len(items):
        size = max(1, min(MOST, (len(items) - begin) // (_EACH * workers)))
        shards.append(tuple(items[begin : begin + size]))
        begin += size
    return shards


def _pieces(items: Sequence[Item], size: int) -> list[tuple[Item, ...]]:
    size = max(1, size)
    return [tuple(items[begin : begin + size]) for begin in range(0, len(items), size)]
