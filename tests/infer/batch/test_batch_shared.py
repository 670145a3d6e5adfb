"""The driver of several workers: what it does with shards, whoever dies or falls silent. All work in this process."""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from batch_fakes import FakeRestorer, make, settings_of
from hypothesis import given
from hypothesis import strategies as st

from restorect.infer.batch import Event, Failed, Naming, Part, Plan, Restored, Stop, plan_batch, run_batch
from restorect.infer.batch.lock import locked
from restorect.infer.batch.manifest import Manifest
from restorect.infer.batch.report import report
from restorect.infer.batch.shard import Orders, Shard
from restorect.infer.batch.shared import restored_by
from restorect.records import read_records
from restorect.workers.crew import Died, Ended, Ready, WorkerError
from restorect.workers.driver import MOST, cut

NAMING = Naming(task="low-light", size="fake", settings=settings_of())


class Scripted:
    """A crew whose workers die, or fall silent, of photos whose names say so; they restore the others before."""

    def __init__(self, size: int = 2, patience: int = 10**9) -> None:
        self.size, self.together, self.threads = size, size, 1
        self.patience, self.buried = patience, Counter[int]()
        self.told: list[tuple[int, Any]] = []

    def start(self, orders: Orders) -> None:
        self.worker = orders.worker()
        self.told = [(worker, Ready()) for worker in range(self.size)]

    def give(self, worker: int, shard: Shard) -> None:
        for place, job in enumerate(shard.jobs):
            if "dies" in job.source.path.name or "silent" in job.source.path.name:
                before = Shard(jobs=shard.jobs[:place], manifest=shard.manifest)
                end: list[Any] = [Died()] if "dies" in job.source.path.name else []
                break
        else:
            before, end = shard, [Ended()]
        self.told += [(worker, event) for event in (*self.worker.run(before), *end)]

    def news(self, seconds: float) -> Sequence[tuple[int, Any]]:
        told, self.told = self.told, []
        return told

    def stop(self) -> None:
        self.worker.stop()

    def renew(self, worker: int) -> None:
        self.buried[worker] += 1
        self.told.append((worker, Ready()))

    def close(self) -> None:
        pass


def drive(plan: Plan, crew: Scripted, *, deadline: float = 1e9, stop: Stop | None = None) -> list[Event]:
    plan.out.mkdir(exist_ok=True)
    with locked(plan.out, plan.part) as held:
        orders = Orders(load=FakeRestorer, settings=plan.settings, target=plan.target, held=held)
        manifest = Manifest(plan.out, plan.part, shards=False)
        return list(restored_by(crew, plan, orders, manifest, stop or Stop(), deadline=deadline))


def plan(tmp_path: Path, *names: str, part: Part = Part()) -> Plan:  # noqa: B008 - it is frozen
    sources = [str(make(tmp_path / "in" / f"{name}.fake", name.encode())) for name in names]
    return plan_batch(sources, tmp_path / "out", NAMING, part=part)


def done(out: Path) -> list[str]:
    records = [line for path in out.glob("*.jsonl") for line in read_records(path)]
    return sorted(Path(line["input"]).stem for line in records if line["status"] == "done")


@given(st.integers(0, 30_000), st.integers(1, 64))
def test_shards_are_of_bounded_size_and_at_least_four_a_worker(count: int, workers: int) -> None:
    shards = cut(list(range(count)), workers)  # type: ignore[arg-type]
    assert [job for shard in shards for job in shard] == list(range(count))
    assert all(0 < len(shard) <= MOST for shard in shards)
    assert len(shards) >= min(count, 4 * workers)
    for number, shard in enumerate(shards):  # nobody is left with much while the others have nothing to do
        left = sum(map(len, shards[number:]))
        assert len(shard) <= max(1, left / (4 * workers))


def test_who_dies_costs_one_photo_and_nothing_twice(tmp_path: Path) -> None:
    names = [f"{n:03d}" for n in range(60)]
    given = plan(tmp_path, *names[:20], "020-dies", *names[20:])
    events = drive(given, Scripted())
    assert done(given.out) == names
    assert sorted(Path(event.path).stem for event in events if isinstance(event, Restored)) == names
    (failed,) = [event for event in events if isinstance(event, Failed)]
    assert failed.reason.startswith("its worker died, 2 times")
    assert report(given.out)[1].failed == 1
    assert not list(given.out.glob(".restorect-shard*"))


def test_who_is_silent_is_taken_for_dead(tmp_path: Path) -> None:
    given = plan(tmp_path, "a", "b-silent", "c")
    crew = Scripted(size=1)
    events = drive(given, crew, deadline=0.3)
    assert done(given.out) == ["a", "c"]
    (failed,) = [event for event in events if isinstance(event, Failed)]
    assert "its worker gave no sign of life for 0 s, 2 times" in failed.reason
    assert crew.buried[0] == 2


def test_workers_that_only_die_end_the_run(tmp_path: Path) -> None:
    with pytest.raises(WorkerError, match="workers die before anything comes of it"):
        drive(plan(tmp_path, *(f"{n}-dies" for n in range(200))), Scripted())


def test_workers_that_never_begin_end_the_run(tmp_path: Path) -> None:
    crew = Scripted()
    crew.news = lambda seconds: []  # type: ignore[method-assign]
    with pytest.raises(WorkerError, match="no worker could begin for 0 s"):
        drive(plan(tmp_path, "a"), crew, deadline=0.2)


def test_a_driver_that_died_is_followed_by_one_that_knows(tmp_path: Path) -> None:
    """The record of a shard that nobody has taken in counts at once, for reports too; the next run takes it in."""
    given = plan(tmp_path, "a", "b", "c", part=Part(1, 1))
    run_batch(plan(tmp_path, "a"), FakeRestorer)
    whole = given.out / "restorect-manifest.jsonl"
    whole.rename(given.out / ".restorect-shard-7.jsonl")
    assert report(given.out)[1].done == 1
    summary = run_batch(given, FakeRestorer)
    assert (summary.restored, summary.skipped) == (2, 1)
    assert done(given.out) == ["a", "b", "c"]
    assert not list(given.out.glob(".restorect-shard*"))


def test_taking_in_twice_changes_nothing(tmp_path: Path) -> None:
    given = plan(tmp_path, "a", "b")
    run_batch(given, FakeRestorer)
    whole = given.out / "restorect-manifest.jsonl"
    before, shard = whole.read_bytes(), given.out / ".restorect-shard-1.jsonl"
    shard.write_bytes(before)  # as if killed between taking it in and removing it
    run_batch(given, FakeRestorer)
    assert whole.read_bytes() == before


def test_parts_keep_their_shards_apart(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    for part in (Part(), Part(3, 64), Part(4, 64)):
        (out / part.shard(12)).touch()
    assert [path.name for path in Part(3, 64).shards(out)] == [".restorect-shard-12-3-of-64.jsonl"]
    assert [path.name for path in Part().shards(out)] == [".restorect-shard-12.jsonl"]


def test_a_stop_ends_all(tmp_path: Path) -> None:
    given, stop = plan(tmp_path, *(f"{n:02d}" for n in range(40))), Stop()
    crew = Scripted()
    crew.news = partial(_stopping, crew, stop, crew.news)  # type: ignore[method-assign]
    events = drive(given, crew, stop=stop)
    assert 0 < len(events) < 40
    assert len(done(given.out)) == len(events)


def _stopping(crew: Scripted, stop: Stop, news, seconds: float) -> Sequence[tuple[int, Any]]:
    told = news(seconds)
    if any(isinstance(each, Restored) for _, each in told):
        stop.ask()
    return told
