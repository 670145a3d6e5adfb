"""A batch that meets trouble, and the overlap of its steps."""

import errno
import threading
import time
from pathlib import Path
from typing import Any

import batch_fakes
import pytest
from batch_fakes import FakeRestorer, make

from restorect.errors import CheckpointError
from restorect.images.codecs.by_format import READERS, WRITERS, Reader
from restorect.images.header import Decoded, Header
from restorect.images.photo import Photo
from restorect.infer.batch import (
    Event,
    Job,
    MemoryBudget,
    Naming,
    OutputError,
    Plan,
    RestoreSettings,
    Source,
    Stop,
    plan_batch,
    restore_one,
    run_batch,
)
from restorect.infer.batch import Restored as Written
from restorect.infer.batch import target as target_module
from restorect.infer.options import Options, Restored

SETTINGS = RestoreSettings()


def replace_codec(monkeypatch: pytest.MonkeyPatch, decode: Any, encode: Any) -> None:
    """Another decoder and encoder of the format `fake`."""
    monkeypatch.setitem(READERS, "fake", Reader(header=batch_fakes.header, decode=decode))
    monkeypatch.setitem(WRITERS, "fake", encode)


def planned(tmp_path: Path) -> Plan:
    naming = Naming(task="low-light", size="fake", settings=SETTINGS)
    return plan_batch([str(tmp_path / "in")], tmp_path / "out", naming)


def test_a_bad_file_stops_nothing(tmp_path: Path) -> None:
    for name, body in {"a": b"1", "b": b"!BAD", "c": b"!BUG", "d": b"2"}.items():
        make(tmp_path / "in" / f"{name}.fake", body)
    (tmp_path / "in" / "e.fake").write_text("hello")
    summary = run_batch(planned(tmp_path), FakeRestorer)
    assert (summary.restored, summary.left, summary.exit_code) == (2, 0, 1)
    folder = tmp_path / "in"
    assert sorted(map(str, summary.failures)) == [
        f"{folder}/b.fake: is damaged; get it again",
        f"{folder}/c.fake: unexpected RuntimeError: a bug in two lines; please report it together with the file",
        f"{folder}/e.fake: is not a photo that can be read, it looks like text: convert it first",
    ]


def test_fail_fast_stops_at_the_first_failure(tmp_path: Path) -> None:
    for n in range(30):
        make(tmp_path / "in" / f"{n:02d}.fake", b"!BAD" if n == 3 else b"ok")
    restorer = FakeRestorer(seconds=0.01)
    summary = run_batch(planned(tmp_path), lambda: restorer, fail_fast=True)
    assert len(summary.failures) == 1
    assert summary.left > 20
    assert (summary.exit_code, summary.interrupted) == (1, False)


def test_a_full_disk_stops_the_batch_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(20):
        make(tmp_path / "in" / f"{n:02d}.fake")
    calls = []

    def full(target: Path, data: bytes, **_likeness: object) -> None:
        calls.append(target)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(target_module, "commit", full)
    summary = run_batch(planned(tmp_path), lambda: FakeRestorer(0.01), workers=1)
    assert "disk is full" in summary.failures[0].reason
    assert summary.left > 10
    assert len(calls) < 5
    monkeypatch.undo()
    assert run_batch(planned(tmp_path), FakeRestorer).restored == 20


def test_a_photo_that_does_not_fit_into_memory_is_refused_with_the_figure(tmp_path: Path) -> None:
    make(tmp_path / "in" / "a.fake")
    restorer = FakeRestorer(peak=7_000_000_000)
    budget = MemoryBudget(lambda: 2_000_000_000)
    summary = run_batch(planned(tmp_path), lambda: restorer, budget=budget)
    assert restorer.calls == 0
    assert "7.0 GB" in summary.failures[0].reason
    assert "1.9 GB" in summary.failures[0].reason


def test_photos_under_way_fit_into_memory_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each needs 0.6 of the memory, so that there is never more than one; all are restored."""
    for n in range(6):
        make(tmp_path / "in" / f"{n}.fake")
    guard, inside, most = threading.Lock(), 0, 0

    def decode(data: bytes, page: int, header: Header) -> Decoded:
        nonlocal inside, most
        with guard:
            inside += 1
            most = max(most, inside)
        return batch_fakes.decode(data, page, header)

    def encode(photo: Photo) -> tuple[bytes, tuple[str, ...]]:
        nonlocal inside
        time.sleep(0.01)
        with guard:
            inside -= 1
        return batch_fakes.encode(photo)

    replace_codec(monkeypatch, decode, encode)

    def most_at_once(peak: int) -> int:
        nonlocal most
        most = 0
        budget, restorer = MemoryBudget(lambda: 1000_000), FakeRestorer(peak=peak)
        plan = planned(tmp_path)
        summary = run_batch(plan, lambda: restorer, budget=budget, workers=2, force=True)
        assert summary.restored == 6
        return most

    assert most_at_once(600_000) == 1
    assert most_at_once(100_000) > 1


def test_the_steps_overlap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one worker each, a photo is decoded and another encoded while a third is in the networks."""
    for n in range(20):
        make(tmp_path / "in" / f"{n:02d}.fake")
    guard, active, together = threading.Lock(), set[str](), set[frozenset[str]]()

    def take_time(step: str) -> None:
        with guard:
            active.add(step)
            together.add(frozenset(active))
        time.sleep(0.02)
        with guard:
            active.remove(step)

    def decode(data: bytes, page: int, header: Header) -> Decoded:
        take_time("read")
        return batch_fakes.decode(data, page, header)

    def encode(photo: Photo) -> tuple[bytes, tuple[str, ...]]:
        take_time("encode")
        return batch_fakes.encode(photo)

    class SlowRestorer(FakeRestorer):
        def restore(self, image: Any, options: Options) -> Restored:
            take_time("restore")
            return super().restore(image, options)

    replace_codec(monkeypatch, decode, encode)

    summary = run_batch(planned(tmp_path), SlowRestorer, workers=1)
    assert summary.restored == 20
    assert {"read", "restore", "encode"} in together


def test_events_come_in_the_calling_thread_and_add_up(tmp_path: Path) -> None:
    for n in range(5):
        make(tmp_path / "in" / f"{n}.fake")
    events: list[tuple[int, Event]] = []
    summary = run_batch(
        planned(tmp_path),
        FakeRestorer,
        on_event=lambda event: events.append((threading.get_ident(), event)),
    )
    assert {thread for thread, _ in events} == {threading.get_ident()}
    assert sum(isinstance(event, Written) for _, event in events) == summary.restored == summary.total == 5


def test_an_error_of_the_receiver_ends_the_work_before_the_lock_is_free(tmp_path: Path) -> None:
    for n in range(30):
        make(tmp_path / "in" / f"{n:02d}.fake")

    def receive(event: Event) -> None:
        if isinstance(event, Written):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_batch(planned(tmp_path), lambda: FakeRestorer(0.1), on_event=receive)
    there = sorted((tmp_path / "out").glob("*.fake"))
    time.sleep(0.2)
    assert sorted((tmp_path / "out").glob("*.fake")) == there
    assert 1 <= len(there) < 30
    assert run_batch(planned(tmp_path), FakeRestorer).exit_code == 0


def test_a_stop_from_another_thread(tmp_path: Path) -> None:
    for n in range(30):
        make(tmp_path / "in" / f"{n:02d}.fake")
    stop, reached, asked = Stop(), threading.Event(), threading.Event()

    class Waiting(FakeRestorer):
        def restore(self, image: Any, options: Options) -> Restored:
            reached.set()
            asked.wait()
            return super().restore(image, options)

    def ask() -> None:
        reached.wait()
        stop.ask()
        asked.set()

    threading.Thread(target=ask).start()
    summary = run_batch(planned(tmp_path), Waiting, stop=stop)
    assert summary.interrupted
    assert summary.left > 10
    assert summary.exit_code == 130
    assert not summary.failures


def test_an_error_of_loading_leaves_the_folder_free(tmp_path: Path) -> None:
    make(tmp_path / "in" / "a.fake")

    def fail() -> FakeRestorer:
        raise CheckpointError("no such weights")

    with pytest.raises(CheckpointError):
        run_batch(planned(tmp_path), fail)
    assert run_batch(planned(tmp_path), FakeRestorer).restored == 1


def test_a_link_to_a_folder_outside_is_not_written_through(tmp_path: Path) -> None:
    make(tmp_path / "in" / "sub" / "a.fake")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "sub").symlink_to(tmp_path / "elsewhere")
    naming = Naming(task="t", size="s", settings=SETTINGS)
    plan = plan_batch([str(tmp_path / "in")], tmp_path / "out", naming, recursive=True)
    for force in (False, True):
        summary = run_batch(plan, FakeRestorer, force=force)
        assert "leaves the output folder" in summary.failures[0].reason
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_an_output_folder_that_cannot_be_made(tmp_path: Path) -> None:
    make(tmp_path / "in" / "a.fake")
    (tmp_path / "file").write_text("")
    naming = Naming(task="t", size="s", settings=SETTINGS)
    for out in (tmp_path / "file", tmp_path / "file" / "out", Path("/proc/nowhere")):
        with pytest.raises(OutputError, match=str(out)):
            run_batch(
                plan_batch([str(tmp_path / "in")], out, naming),
                FakeRestorer,
            )


def test_one_photo_without_a_folder() -> None:
    source = Source(path=Path("stdin"), data=b"FAKE\x01\x02")
    (content,) = restore_one(Job(source=source, format="fake"), FakeRestorer(), SETTINGS)
    assert content == b"FAKE\xfe\xfd"
