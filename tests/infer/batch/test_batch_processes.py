"""Batches of several processes: real ones, killed at work, and their driver killed too."""

import os
import signal
import time
from functools import partial
from pathlib import Path

import psutil
import pytest
from batch_fakes import DIE, ONCE, FakeRestorer, expected, keep_threads, load_deadly, load_nothing, make, settings_of
from batch_process import finish, start

from restorect.errors import RestorectError
from restorect.infer.batch import Event, Failed, Naming, Plan, Restored, Skipped, Stop, plan_batch, run_batch
from restorect.records import read_records
from restorect.workers.processes import Processes

NAMING = Naming(task="low-light", size="fake", settings=settings_of())


@pytest.fixture
def sources(tmp_path: Path) -> list[Path]:
    return [make(tmp_path / "in" / f"{n:02d}.fake", bytes([n]) * 50) for n in range(24)]


def plan(tmp_path: Path, out: str = "out") -> Plan:
    return plan_batch([str(tmp_path / "in")], tmp_path / out, NAMING)


def crew() -> Processes:
    return Processes(2, 1, keep_threads)


def done(out: Path) -> list[str]:
    records = [line for path in out.glob("*.jsonl") for line in read_records(path)]
    return sorted(Path(line["input"]).name for line in records if line["status"] == "done")


@pytest.mark.slow
def test_processes_do_what_one_does_and_survive_their_deaths(
    tmp_path: Path, sources: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One photo kills whoever works on it, one does so once, one is damaged: the others are as from one process."""
    monkeypatch.setenv("ONCE", str(tmp_path / "once"))
    deadly = make(tmp_path / "in" / "a.fake", DIE)
    make(tmp_path / "in" / "b.fake", ONCE)
    make(tmp_path / "in" / "c.fake", b"!BAD")
    events: list[Event] = []
    summary = run_batch(plan(tmp_path), load_deadly, workers=crew(), on_event=events.append)
    assert run_batch(plan(tmp_path, "one"), FakeRestorer).restored == 26
    assert summary.exit_code == 1
    assert summary.restored + summary.skipped == 25
    reasons = {Path(event.path).stem: event.reason for event in events if isinstance(event, Failed)}
    assert reasons.keys() == {"a", "c"}
    assert reasons["a"].startswith("its worker died, 2 times")
    names = sorted(path.name for path in (tmp_path / "out").glob("*.fake"))
    assert names == done(tmp_path / "out") == sorted([*(path.name for path in sources), "b.fake"])
    assert all((tmp_path / "out" / name).read_bytes() == (tmp_path / "one" / name).read_bytes() for name in names)
    deadly.unlink()
    again = run_batch(plan(tmp_path), load_deadly, workers=crew())
    assert (again.restored, again.skipped, len(again.failures)) == (0, 25, 1)
    assert len(done(tmp_path / "out")) == 25
    left = [path.name for path in (tmp_path / "out").iterdir() if path.name.startswith(".restorect-")]
    assert left == []


def test_workers_that_cannot_begin_are_one_line(tmp_path: Path, sources: list[Path]) -> None:
    with pytest.raises(RestorectError, match="no weights here; get them"):
        run_batch(plan(tmp_path), load_nothing, workers=crew())
    assert done(tmp_path / "out") == []


def test_a_stop_lets_them_finish_what_they_have(tmp_path: Path, sources: list[Path]) -> None:
    stop, seen = Stop(), list[Event]()

    def tell(event: Event) -> None:
        seen.append(event)
        if isinstance(event, Restored):
            stop.ask()

    summary = run_batch(plan(tmp_path), partial(load_deadly, 0.05), workers=crew(), stop=stop, on_event=tell)
    assert summary.exit_code == 130
    assert 0 < summary.restored == len(done(tmp_path / "out")) < 24
    again = run_batch(plan(tmp_path), load_deadly, workers=crew())
    assert (again.restored, again.skipped) == (24 - summary.restored, summary.restored)


@pytest.mark.slow
def test_a_driver_that_is_killed_takes_its_workers_along_and_loses_nothing(tmp_path: Path, sources: list[Path]) -> None:
    out, kills = tmp_path / "out", 0
    while kills < 3:
        process = start(out, *sources, seconds=0.2, crew=2)
        before = len(list(out.glob("*.fake")))
        while len(list(out.glob("*.fake"))) < min(24, before + 3) and process.poll() is None:
            time.sleep(0.02)
        children = psutil.Process(process.pid).children(recursive=True)
        os.kill(process.pid, signal.SIGKILL)
        finish(process)
        assert psutil.wait_procs(children, timeout=60)[1] == []
        assert all((out / s.name).read_bytes() == expected(s) for s in sources if (out / s.name).exists())
        kills += 1
    events = []
    summary = run_batch(plan(tmp_path), load_deadly, workers=crew(), on_event=events.append)
    assert summary.exit_code == 0
    assert sum(isinstance(event, Skipped) for event in events) >= 3
    assert done(out) == [source.name for source in sources]
    assert all((out / source.name).read_bytes() == expected(source) for source in sources)
