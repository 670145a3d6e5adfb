"""What an output takes over from its input's file: the date, and who may read it."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from batch_fakes import FakeRestorer, expected, make, settings_of

from restorect.infer.batch import Naming, RestoreSettings, Source, Summary, plan_batch, plan_sources, run_batch

DATE = 1_500_000_000_123_456_789


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    old = os.umask(0o022)
    yield
    os.umask(old)


def run(source: Path, out: Path, **values: object) -> Summary:
    settings = settings_of(**values)
    naming = Naming(task="low-light", size="fake", settings=settings)
    plan = plan_batch([str(source)], out, naming)
    return run_batch(plan, FakeRestorer)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_date_is_kept_unless_it_is_not_wanted(tmp_path: Path) -> None:
    source = make(tmp_path / "in" / "a.fake")
    os.utime(source, ns=(DATE, DATE))
    run(source, tmp_path / "out", samples=2)
    for name in ("a-1.fake", "a-2.fake"):
        assert abs((tmp_path / "out" / name).stat().st_mtime_ns - DATE) < 2_000_000_000  # FAT counts in two seconds
    run(source, tmp_path / "now", keep_date=False)
    assert (tmp_path / "now" / "a.fake").stat().st_mtime_ns > DATE + 10**15


def test_a_date_is_no_reason_to_do_a_photo_again(tmp_path: Path) -> None:
    source = make(tmp_path / "in" / "a.fake")
    assert run(source, tmp_path / "out").restored == 1
    os.utime(source, ns=(DATE, DATE))
    assert run(source, tmp_path / "out", keep_date=False).skipped == 1


def test_a_disk_that_keeps_no_dates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_more: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "utime", refuse)
    source = make(tmp_path / "in" / "a.fake")
    assert run(source, tmp_path / "out").restored == 1
    assert (tmp_path / "out" / "a.fake").read_bytes() == expected(source)


@pytest.mark.parametrize(
    ("given", "mask", "wanted"),
    [
        (0o600, 0o022, 0o600),
        (0o640, 0o022, 0o640),
        (0o644, 0o022, 0o644),
        (0o666, 0o022, 0o644),
        (0o666, 0o007, 0o660),
        (0o644, 0o077, 0o600),
        (0o755, 0o022, 0o644),
        (0o444, 0o022, 0o444),
    ],
)
def test_permissions_are_those_of_the_input_and_never_wider_than_the_umask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: int, mask: int, wanted: int
) -> None:
    source = make(tmp_path / "in" / "a.fake")
    source.chmod(given)
    os.umask(mask)
    seen: list[int] = []
    sync = os.fsync

    def look(descriptor: int) -> None:
        seen.extend(mode_of(part) for part in (tmp_path / "out").glob(".restorect-*.part"))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", look)
    for _ in range(2):  # the second time over the first output
        assert run(source, tmp_path / "out", samples=2).restored == 1
        assert [mode_of(tmp_path / "out" / f"a-{k}.fake") for k in (1, 2)] == [wanted] * 2
        source.chmod(0o644)
        source.write_bytes(source.read_bytes() + b"more")
        source.chmod(given)
    assert set(seen) == {wanted}, "for a moment others could read it"


def test_what_comes_through_a_pipe_has_neither(tmp_path: Path) -> None:
    settings = RestoreSettings()
    source = Source(path=Path("stdin.fake"), data=b"FAKEnight")
    naming = Naming(task="low-light", size="fake", settings=settings)
    plan = plan_sources([source], tmp_path / "out", naming)
    assert run_batch(plan, FakeRestorer).restored == 1
    assert mode_of(tmp_path / "out" / "stdin.fake") == 0o644
