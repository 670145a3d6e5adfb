"""Parts of a batch: each photo is of exactly one, workers do not meet, and whoever is killed is started again."""

from pathlib import Path

import pytest
from batch_fakes import FakeRestorer, expected, make, settings_of
from batch_process import finish, parts, start, wrong_outputs
from hypothesis import given
from hypothesis import strategies as st

from restorect.errors import ConfigError
from restorect.infer.batch import BusyError, NameTemplate, Naming, Part, Plan, plan_batch, plan_failed, run_batch
from restorect.infer.batch.lock import locked
from restorect.infer.batch.manifest import Manifest
from restorect.records import read_records

FOUR = [Part(number, 4) for number in (1, 2, 3, 4)]
NAMING = Naming(task="low-light", size="fake", settings=settings_of())


def plan(folder: Path, part: Part, naming: Naming = NAMING) -> Plan:
    return plan_batch([str(folder / "in")], folder / "out", naming, recursive=True, part=part)


@pytest.fixture
def sources(tmp_path: Path) -> list[Path]:
    return [make(tmp_path / "in" / f"{n % 3}" / f"{n:02d}.fake", bytes([n]) * 50) for n in range(40)]


@given(st.text(), st.integers(1, 50))
def test_every_name_is_of_exactly_one_part(name: str, of: int) -> None:
    name = name.encode("utf-8", "ignore").decode()
    assert sum(Part(number, of).takes(name) for number in range(1, of + 1)) == 1


@pytest.mark.parametrize("text", ["", "3", "0/4", "5/4", "1/0", "a/b", "1/4/2", "-1/4", "1/100001"])
def test_what_is_no_part_is_one_line(text: str) -> None:
    with pytest.raises(ConfigError, match=r"--part .*: give K/N"):
        Part.read(text)


def test_parts_are_the_whole_and_photos_that_want_one_name_are_together(tmp_path: Path, sources: list[Path]) -> None:
    for source in sources:
        make(source.with_suffix(".mock"))
    naming = Naming(task="t", size="s", settings=settings_of(format="fake"))
    whole = plan(tmp_path, Part(), naming)
    split = [job for part in FOUR for job in plan(tmp_path, part, naming).jobs]
    assert {(job.source.path, job.outputs) for job in split} == {(job.source.path, job.outputs) for job in whole.jobs}
    assert len(split) == len(whole.jobs) == 80
    assert all(plan(tmp_path, part, naming).jobs for part in FOUR)


def test_lists_are_cut_alike_and_broken_lines_are_told_once(tmp_path: Path, sources: list[Path]) -> None:
    lines = [*map(str, sources), *(f"nu\0ll{n}" for n in range(9))]
    plans = [plan_batch([], tmp_path / "out", NAMING, lines=lines, part=part) for part in FOUR]
    assert sorted(job.source.path for each in plans for job in each.jobs) == sorted(sources)
    assert sorted(failure.path for each in plans for failure in each.failures) == lines[-9:]


def test_what_a_part_cannot_know_is_refused(tmp_path: Path, sources: list[Path]) -> None:
    numbered = Naming(task="t", size="s", settings=settings_of(), template=NameTemplate(text="{index}"))
    with pytest.raises(ConfigError, match=r"\{index\} counts all photos"):
        plan(tmp_path, FOUR[0], numbered)
    for folder in ("in", "in/1"):
        with pytest.raises(ConfigError, match="is searched, where other parts write"):
            plan_batch([f"{tmp_path}/{folder}"], tmp_path / "in", NAMING, part=FOUR[0])


def test_each_part_has_a_record_of_its_own_and_any_later_run_knows_all(tmp_path: Path, sources: list[Path]) -> None:
    restored = [run_batch(plan(tmp_path, part), FakeRestorer).restored for part in FOUR]
    assert sum(restored) == 40
    out = tmp_path / "out"
    assert sorted(path.name for path in out.glob("*.jsonl")) == [
        f"restorect-manifest-{n}-of-4.jsonl" for n in range(1, 5)
    ]
    for part in (*FOUR, Part(2, 3), Part()):
        again = run_batch(plan(tmp_path, part), FakeRestorer)
        assert (again.restored, len(again.failures)) == (0, 0)
    assert len(Manifest(out).inputs()) == 40
    assert len(Manifest(out, FOUR[0]).inputs()) == restored[0], "siblings' records are not read"


def test_of_several_records_the_newest_line_counts(tmp_path: Path, sources: list[Path]) -> None:
    """Whole, then a part with other settings, then the whole again: what the part did is not done twice."""
    run_batch(plan(tmp_path, Part()), FakeRestorer)
    other = Naming(task="low-light", size="fake", settings=settings_of(seed=1))
    done = run_batch(plan(tmp_path, FOUR[0], other), FakeRestorer).restored
    summary = run_batch(plan(tmp_path, Part(), other), FakeRestorer)
    assert (summary.restored, summary.skipped) == (40 - done, done)
    assert 0 < done < 40


def test_a_part_tries_its_own_failures_again(tmp_path: Path, sources: list[Path]) -> None:
    for source in sources:
        make(source, b"!BAD")
    failed = [len(run_batch(plan(tmp_path, part), FakeRestorer).failures) for part in FOUR]
    assert [len(plan_failed(tmp_path / "out", NAMING, part).jobs) for part in FOUR] == failed
    assert len(plan_failed(tmp_path / "out", NAMING).jobs) == 40
    assert sum(len(plan_failed(tmp_path / "out", NAMING, Part(n, 3)).jobs) for n in (1, 2, 3)) == 40


def test_siblings_work_side_by_side_and_nobody_else(tmp_path: Path) -> None:
    with locked(tmp_path, FOUR[0]), locked(tmp_path, FOUR[1]):
        for part in (FOUR[0], Part(), Part(1, 3)):
            with pytest.raises(BusyError, match="another restorect is writing there"), locked(tmp_path, part):
                pass
    for part in (FOUR[0], Part(), Part(1, 3)):
        with locked(tmp_path, part):
            pass


def test_killed_workers_lose_nothing_and_disturb_nobody(tmp_path: Path, sources: list[Path]) -> None:
    """Four real processes at once, each killed at some of its system calls and started again until it is through."""
    out, codes = tmp_path / "out", dict.fromkeys(range(1, 5), 1)
    for die in (9, 14, 23, 0):
        running = {
            n: start(out, *sources, seconds=0.005, die=die + n if die else 0, part=f"{n}/4") for n in codes if codes[n]
        }
        for n, process in running.items():
            codes[n], _, error = finish(process)
            assert codes[n] == (-9 if die else 0), error
            assert wrong_outputs(out, sources) == []
    records = (line for path in out.glob("*.jsonl") for line in read_records(path))
    done = [line["input"] for line in records if line["status"] == "done"]
    assert sorted(done) == sorted(map(str, sources)), "each photo is done exactly once"
    assert all((out / source.name).read_bytes() == expected(source) for source in sources)
    assert not parts(out)
