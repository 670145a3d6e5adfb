"""A folder that is watched: when a file is taken, and what a run of the watch does with real files."""

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from batch_fakes import FakeRestorer, expected, make, settings_of
from hypothesis import given
from hypothesis import strategies as st

from restorect.errors import ConfigError
from restorect.infer.batch import Failed, Naming, Restored, Skipped, Stop
from restorect.infer.batch.events import Event
from restorect.infer.batch.failures import BusyError
from restorect.infer.batch.watch import Folder, Watched, watch


def test_a_file_is_taken_when_it_rests_and_again_when_it_changes() -> None:
    watched = Watched(rest=2, patience=0)
    assert watched.look({"a": (1, 1)}, 0) == []
    assert watched.look({"a": (2, 1)}, 1) == []  # it grows
    assert watched.look({"a": (2, 2)}, 2) == []  # it is written at its old length
    assert watched.look({"a": (2, 2)}, 3) == []
    assert watched.look({"a": (2, 2)}, 4) == ["a"]
    watched.done("a")
    assert watched.look({"a": (2, 2)}, 100) == []
    assert watched.look({"a": (2, 3)}, 101) == []
    assert watched.look({"a": (2, 3)}, 103) == ["a"]


def test_one_that_cannot_be_read_is_told_once_and_only_after_patience() -> None:
    watched = Watched(rest=2, patience=30)
    watched.look({"a": (1, 1)}, 0)
    assert watched.look({"a": (1, 1)}, 2) == ["a"]
    assert not watched.failed("a", 3)
    assert watched.look({"a": (1, 1)}, 29) == []  # no attempts in between
    assert watched.look({"a": (1, 1)}, 30) == ["a"]
    assert watched.failed("a", 31)
    assert watched.look({"a": (1, 1)}, 1000) == []
    watched.look({"a": (2, 1)}, 1001)
    assert watched.look({"a": (2, 1)}, 1003) == ["a"]


def test_what_is_gone_is_forgotten_unless_the_look_was_not_complete() -> None:
    watched = Watched(rest=0, patience=0)
    assert watched.look({"a": (1, 1), "b": (1, 1)}, 0) == ["a", "b"]
    watched.done("a")
    watched.done("b")
    assert watched.look({}, 1, complete=False) == []
    assert watched.look({"a": (1, 1)}, 2) == []
    assert watched.look({"a": (1, 1), "b": (1, 1)}, 3) == ["b"]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 3)), min_size=1))
def test_nothing_is_taken_before_it_has_rested(steps: list[tuple[int, int]]) -> None:
    watched, now, changed, last = Watched(rest=4, patience=0), 0, 0, -1
    for size, seconds in steps:
        now += seconds
        changed = now if size != last else changed
        last = size
        assert (watched.look({"a": (size, 0)}, now) == ["a"]) == (now - changed >= 4)


class Running:
    """The watch in a thread of its own, and what it tells."""

    def __init__(self, folder: Path, out: Path, *, patience: float = 0.0, **settings: str) -> None:
        self.events: list[Event] = []
        self.troubles: list[str] = []
        self.networks, self.stop, self.error = FakeRestorer(), Stop(), None
        naming = Naming(task="low-light", size="fake", settings=settings_of(**settings))
        watched = Folder(path=folder, recursive=True, every=0.05, patience=patience)

        def run() -> None:
            watch(
                watched,
                out,
                naming,
                lambda: self.networks,
                on_event=self.events.append,
                on_trouble=lambda trouble: self.troubles.append(str(trouble)),
                stop=self.stop,
            )

        self.thread = threading.Thread(target=run)

    def __enter__(self) -> "Running":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.ask()
        self.thread.join(timeout=600)
        assert not self.thread.is_alive()

    def until(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + 600
        while not condition():
            assert time.monotonic() < end
            assert self.thread.is_alive()
            time.sleep(0.01)

    def told(self, kind: type) -> list[str]:
        return [Path(event.path).name for event in list(self.events) if isinstance(event, kind)]


def test_what_comes_is_restored_in_the_same_tree_and_a_restart_does_only_the_rest(tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    first = make(folder / "a.fake")
    with Running(folder, out) as running:
        running.until(lambda: (out / "a.fake").exists())
        second = make(folder / "deep" / "b.fake", b"dusk")
        running.until(lambda: len(running.told(Restored)) == 2)
        assert (out / "a.fake").read_bytes() == expected(first)
        assert (out / "deep" / "b.fake").read_bytes() == expected(second)
        make(first, b"a new one")
        running.until(lambda: len(running.told(Restored)) == 3)
        assert (out / "a.fake").read_bytes() == expected(first)
        with pytest.raises(BusyError):
            _once(folder, out)
    make(folder / "c.fake")
    with Running(folder, out) as running:
        running.until(lambda: len(running.events) == 3)
        assert (running.told(Skipped), running.told(Restored)) == (["a.fake", "b.fake"], ["c.fake"])
        assert running.networks.calls == 1


def _once(folder: Path, out: Path) -> None:
    stop = Stop()
    naming = Naming(task="low-light", size="fake", settings=settings_of())
    ignore: Callable[[object], None] = lambda _: None  # noqa: E731
    watch(Folder(path=folder), out, naming, FakeRestorer, on_event=ignore, on_trouble=ignore, stop=stop)


def test_a_bad_photo_is_told_once_and_tried_again_when_it_changes(tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    bad, empty = make(folder / "bad.fake", b"!BAD"), folder / "empty.fake"
    empty.touch()
    with Running(folder, out, patience=0.3) as running:
        running.until(lambda: len(running.told(Failed)) == 2)
        make(folder / "c.fake")
        running.until(lambda: running.told(Restored) == ["c.fake"])
        assert sorted(running.told(Failed)) == ["bad.fake", "empty.fake"]
        make(bad, b"!BAD again")
        running.until(lambda: len(running.told(Failed)) == 3)
        make(empty, b"better")
        make(bad, b"better")
        running.until(lambda: len(running.told(Restored)) == 3)
    assert (out / "bad.fake").read_bytes() == expected(bad)


def test_a_share_that_goes_and_comes_back_is_waited_for(tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    make(folder / "a.fake")
    with Running(folder, out) as running:
        running.until(lambda: running.told(Restored) == ["a.fake"])
        folder.rename(tmp_path / "away")
        running.until(lambda: bool(running.troubles))
        time.sleep(0.3)
        assert len(running.troubles) == 1
        assert "cannot be listed" in running.troubles[0]
        (tmp_path / "away").rename(folder)
        make(folder / "b.fake")
        running.until(lambda: running.told(Restored) == ["a.fake", "b.fake"])
        assert running.networks.calls == 2


def test_an_output_folder_that_goes_ends_it(tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    make(folder / "a.fake")
    with Running(folder, out) as running:
        running.until(lambda: running.told(Restored) == ["a.fake"])
        shutil.rmtree(out)
        make(folder / "b.fake")
        running.thread.join(timeout=600)
        assert running.told(Failed) == ["b.fake"]
        assert not running.stop.asked


def test_photos_that_differ_in_their_ending_get_names_of_their_own_whenever_they_come(tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    first = make(folder / "a.fake")
    with Running(folder, out, format="fake") as running:
        running.until(lambda: running.told(Restored) == ["a.fake"])
        make(folder / "a.mock", b"other")
        running.until(lambda: len(running.told(Restored)) == 2)
    assert sorted(path.name for path in out.glob("a*")) == ["a-mock.fake", "a.fake"]
    assert (out / "a.fake").read_bytes() == expected(first)


def test_what_cannot_be_watched_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such folder"):
        _once(tmp_path / "gone", tmp_path / "out")
    (tmp_path / "in").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "in")
    with pytest.raises(ConfigError, match="choose another one"):
        _once(tmp_path / "in", tmp_path / "link")


def test_outputs_inside_the_folder_are_no_inputs(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    make(folder / "a.fake")
    with Running(folder, folder / "out") as running:
        running.until(lambda: running.told(Restored) == ["a.fake"])
        make(folder / "b.fake")
        running.until(lambda: len(running.told(Restored)) == 2)
    assert running.networks.calls == 2
