"""An evaluation shared out among workers (`restorect.workers`); methods and metrics are loaded by each for itself.

Workers send results, which go into the driver's journal one by one: whoever dies, only what was in work is done again.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from restorect.configs import require
from restorect.evaluate.cases import Case
from restorect.evaluate.journal import Journal, Result
from restorect.evaluate.judge import Judged, Judges, Ruler, judge
from restorect.evaluate.methods import Method
from restorect.workers.crew import Crew
from restorect.workers.driver import Driver

Numbered = tuple[int, Case]
_OTHER = "a worker has another version of restorect, or other weights, than the command; install the same on all nodes"


@dataclass(frozen=True, kw_only=True)
class Sharing:
    """Who judges, and how they come to what cannot be sent to them.

    Attributes:
        crew: who works.
        methods: load those that restore, by name; finished outputs need nothing.
        ruler: loads the ruler, and tells which metrics lack what.
    """

    crew: Crew
    methods: Mapping[str, Callable[[], Method]]
    ruler: Callable[[], tuple[Ruler, Mapping[str, str]]]


@contextlib.contextmanager
def judges(sharing: Sharing, journal: Journal) -> Iterator[Judges]:
    """Workers, started, that judge one set by one method after the other; what the journal knows is not done again.

    Raises:
        WorkerError: nobody can work.
    """
    driver = Driver[Numbered, Judged](sharing.crew)
    with driver.started(_Orders(methods=sharing.methods, ruler=sharing.ruler, journal=journal)):
        yield lambda cases, method, ruler: driver.events([*enumerate(cases)], _Judging(method, ruler))


@dataclass(frozen=True, kw_only=True)
class _Pile:
    """Photographs for one worker.

    Attributes:
        cases: with their numbers.
        method: without its function.
        ruler: the identity of the driver's.
    """

    cases: tuple[Numbered, ...]
    method: Method
    ruler: Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class _Orders:
    methods: Mapping[str, Callable[[], Method]]
    ruler: Callable[[], tuple[Ruler, Mapping[str, str]]]
    journal: Journal

    def worker(self) -> "_Worker":
        return _Worker(self)


class _Worker:
    """Judges pile after pile."""

    def __init__(self, orders: _Orders) -> None:
        self._journal, self._stop = orders.journal, threading.Event()
        self._methods = {name: load() for name, load in orders.methods.items()}
        whole, _ = orders.ruler()
        self._rulers = (whole, replace(whole, measures=()))  # good photos are only looked at

    def run(self, shard: _Pile, *, threads: int = 1) -> Iterator[Judged]:
        method = self._methods.get(shard.method.name, shard.method)
        rulers = [each for each in self._rulers if each.identity == shard.ruler]
        require(bool(rulers) and method.identity == shard.method.identity, _OTHER)
        for number, case in shard.cases:
            if not self._stop.is_set():
                yield judge((number, case), method, rulers[0], self._journal)

    def stop(self) -> None:
        self._stop.set()


class _Judging:
    """Photographs with a method and a ruler."""

    def __init__(self, method: Method, ruler: Ruler) -> None:
        self._method, self._ruler = replace(method, restore=None, facts={}), ruler.identity

    def key(self, item: Numbered) -> int:
        return item[0]

    def settled(self, told: Judged) -> int:
        return told.number

    def shard(self, items: tuple[Numbered, ...]) -> _Pile:
        return _Pile(cases=items, method=self._method, ruler=self._ruler)

    def take_in(self, shard: Any) -> None:  # noqa: ANN401 - a pile keeps no record
        pass

    def given_up(self, item: Numbered, reason: str) -> Judged:
        number, case = item
        return Judged(number, Result(method=self._method.name, name=case.name, error=reason))
