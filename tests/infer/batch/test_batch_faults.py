"""Folders that cannot be listed, hostile manifests, locks that vanish, pipes and devices, threads that do not start."""

import errno
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from batch_fakes import FakeRestorer, expected, make
from batch_process import finish, start

from restorect.errors import RestorectError
from restorect.infer.batch import (
    BusyError,
    Event,
    NameTemplate,
    Naming,
    OutputError,
    Plan,
    Restored,
    RestoreSettings,
    Source,
    output_kind,
    plan_batch,
    run_batch,
)
from restorect.infer.batch.failures import LostError
from restorect.infer.batch.lock import locked
from restorect.infer.batch.manifest import Manifest
from restorect.infer.batch.part import LOCK_NAME, MANIFEST_NAME
from restorect.infer.batch.sources import find_sources

SETTINGS = RestoreSettings()


def planned(tmp_path: Path, *arguments: str, recursive: bool = False) -> Plan:
    naming = Naming(task="t", size="s", settings=SETTINGS)
    given = arguments or (str(tmp_path / "in"),)
    return plan_batch(given, tmp_path / "out", naming, recursive=recursive)


def line(**values: Any) -> str:
    return json.dumps({"status": "done", "input": "x", "outputs": {}} | values) + "\n"


# A name of a file must have no NUL, be no half of a pair, and lie under the output folder.
@pytest.mark.parametrize("name", ["a\0b.fake", "\ud800.fake", "x\udfff\ud800", "../a.fake", "/etc/passwd", "a//b", ""])
def test_a_manifest_s_name_that_is_none_is_passed_over(name: str, tmp_path: Path) -> None:
    source = make(tmp_path / "in" / "a.fake")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / MANIFEST_NAME).write_text(line(outputs={name: "0"}) + line(outputs={"b.fake": "0", name: "1"}))
    assert Manifest(tmp_path / "out").outputs() == []
    plan = planned(tmp_path)
    assert (len(plan.jobs), plan.passed_over) == (1, ())
    assert run_batch(plan, FakeRestorer).restored == 1
    assert (tmp_path / "out" / "a.fake").read_bytes() == expected(source)


@pytest.mark.parametrize("name", ["a\0b", "\ud800", "/x" * 20_000])
def test_an_input_that_is_none_is_passed_over_too(name: str, tmp_path: Path) -> None:
    make(tmp_path / "in" / "a.fake")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / MANIFEST_NAME).write_text(line(input=name, outputs={"0001-a.fake": "0"}))
    assert Manifest(tmp_path / "out").outputs() == []
    template = NameTemplate(text="{index:04d}-{stem}")
    naming = Naming(task="t", size="s", settings=SETTINGS, template=template)
    (job,) = plan_batch([str(tmp_path / "in")], tmp_path / "out", naming).jobs
    assert job.outputs == ("0001-a.fake",)


def test_names_that_are_no_utf_8_are_names(tmp_path: Path) -> None:
    name = os.fsdecode(b"a\xff.fake")
    make(tmp_path / "in" / name)
    for done in ("restored", "skipped"):
        summary = run_batch(planned(tmp_path), FakeRestorer)
        assert getattr(summary, done) == 1
    assert Manifest(tmp_path / "out").outputs() == [name]


@pytest.mark.parametrize("text", ["[" * 100_000, '{"outputs":' * 5_000, "1" * 10_000, '"', "null", line(outputs=[1])])
def test_a_foreign_line_is_passed_over(text: str, tmp_path: Path) -> None:
    (tmp_path / MANIFEST_NAME).write_text(text.rstrip("\n") + "\n" + line(outputs={"a": "0"}))
    assert Manifest(tmp_path).outputs() == ["a"]


def stand_in(path: Path, kind: str, tmp_path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        target = {"link": tmp_path / "precious", "device": Path("/dev/zero"), "dangling": tmp_path / "none"}[kind]
        path.symlink_to(target)


KINDS = ["pipe", "folder", "link", "device", "dangling"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", [MANIFEST_NAME, LOCK_NAME])
def test_what_is_no_file_is_neither_manifest_nor_lock(kind: str, name: str, tmp_path: Path) -> None:
    """Neither waited for, nor read for ever, nor followed to somebody else's file."""
    (tmp_path / "precious").write_text("precious")
    make(tmp_path / "in" / "a.fake")
    stand_in(tmp_path / "out" / name, kind, tmp_path)
    with pytest.raises(RestorectError) as caught:
        run_batch(planned(tmp_path), FakeRestorer)
    assert str(tmp_path / "out") in str(caught.value)
    assert (tmp_path / "precious").read_text() == "precious"
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("kind", ["link", "dangling"])
def test_a_manifest_that_becomes_a_link_is_not_written_through(kind: str, tmp_path: Path) -> None:
    """Between reading and appending, somebody who may write there puts a link to another's file."""
    (tmp_path / "precious").write_text("precious")
    manifest = Manifest(tmp_path / "out")
    stand_in(manifest.path, kind, tmp_path)
    from restorect.infer.batch.manifest import ManifestEntry

    with pytest.raises(OSError, match=os.strerror(errno.ELOOP)):
        manifest.append(ManifestEntry(status="done", input="x"))
    assert (tmp_path / "precious").read_text() == "precious"
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("kind", ["pipe", "folder", "device"])
def test_a_photo_that_is_no_file_is_refused_before_it_is_opened_for_long(kind: str, tmp_path: Path) -> None:
    stand_in(tmp_path / "in" / "a.png", kind, tmp_path)
    source = Source(path=tmp_path / "in" / "a.png")
    for look in (source.read, lambda: output_kind(source, SETTINGS)):
        with pytest.raises((RestorectError, IsADirectoryError)):
            look()


def closed(monkeypatch: pytest.MonkeyPatch, *folders: Path) -> None:
    """These cannot be listed; root could, so the system's call says so itself."""
    scan = os.scandir

    def refuse(path: Any = ".") -> Any:
        if Path(os.fsdecode(path)) in folders:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("a", "open/b", "closed/c", "open/deep/d", ".hidden/e"):
        make(tmp_path / "in" / f"{name}.fake")
    return tmp_path / "in"


def test_a_subfolder_that_cannot_be_listed_is_named(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed(monkeypatch, tree / "closed", tree / ".hidden")
    plan = planned(tmp_path, recursive=True)
    assert sorted(job.source.path.name for job in plan.jobs) == ["a.fake", "b.fake", "d.fake"]
    (failure,) = plan.failures
    assert failure.path == str(tree / "closed")
    assert "this folder cannot be listed (Permission denied), so its photos are left out" in failure.reason
    summary = run_batch(plan, FakeRestorer)
    assert (summary.restored, summary.exit_code) == (3, 1)
    assert planned(tmp_path).failures == (), "without --recursive nobody looks into it"


def test_the_folder_itself(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed(monkeypatch, tree)
    (failure,) = planned(tmp_path).failures
    assert failure.path == str(tree)
    assert "cannot be listed" in failure.reason


@pytest.mark.parametrize(
    ("pattern", "names", "told"),
    [
        ("**/*.fake", ["a.fake", "b.fake", "d.fake"], True),
        ("*/?.fake", ["b.fake"], True),
        ("*", ["a.fake", "b.fake"], True),
        ("closed/*.fake", [], True),
        ("o*/*.fake", ["b.fake"], False),
        ("*.fake", ["a.fake"], False),
        ("**/nothing", [], True),
    ],
)
def test_a_folder_that_a_pattern_leads_through(
    pattern: str, names: list[str], told: bool, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed(monkeypatch, tree / "closed", tree / ".hidden")
    found = find_sources([str(tree / pattern)], recursive=False)
    assert sorted(source.path.name for source in found.sources) == names
    assert [failure.path for failure in found.failures] == ([str(tree / "closed")] if told else [])


@pytest.mark.skipif(os.name == "nt" or (os.getuid() == 0 and not shutil.which("setpriv")), reason="all may be listed")
def test_a_closed_folder_in_a_real_process(tree: Path, tmp_path: Path) -> None:
    drop = ["setpriv", "--inh-caps=-all", "--bounding-set=-all"] if os.getuid() == 0 else []
    code = (
        "import sys; from restorect.images import find; from restorect.infer.batch.sources import find_sources;"
        "find.EXTENSIONS = {'.fake'}; found = find_sources([sys.argv[1]], recursive=True);"
        "print(len(found.sources), *[failure.path for failure in found.failures])"
    )
    (tree / "closed").chmod(0)
    try:
        command = [*drop, sys.executable, "-c", code, str(tree)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    finally:
        (tree / "closed").chmod(0o755)
    assert done.stdout == f"3 {tree / 'closed'}\n"


def test_a_lock_that_vanished_with_its_folder_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with locked(tmp_path / "out") as check:
        check()
        with pytest.raises(BusyError), locked(tmp_path / "out"):
            pass
        check()
        shutil.rmtree(tmp_path / "out")
        with pytest.raises(LostError, match="was removed while photos were written to it"):
            check()
        (tmp_path / "out").mkdir()
        with locked(tmp_path / "out") as theirs:  # another run has the new folder, and this one sees it
            theirs()
            with pytest.raises(LostError):
                check()


def test_a_batch_whose_folder_is_removed_stops_and_says_so(tmp_path: Path) -> None:
    for number in range(20):
        make(tmp_path / "in" / f"{number:02d}.fake")
    out, events = tmp_path / "out", []

    def receive(event: Event) -> None:
        events.append(event)
        while sum(isinstance(each, Restored) for each in events) == 1 and out.exists():
            shutil.rmtree(out, ignore_errors=True)  # the next photo may be written into it just now

    summary = run_batch(planned(tmp_path), lambda: FakeRestorer(0.05), on_event=receive, workers=1)
    assert summary.exit_code == 1
    assert summary.failures
    assert all("or its lock was removed" in failure.reason for failure in summary.failures)
    assert summary.left > 0, "no further photo is begun"
    assert not out.exists(), "nothing is written to a folder that may be another's"


def test_two_real_processes_and_a_removed_folder(tmp_path: Path) -> None:
    """The second one gets the new folder; the first one notices, and they never write there together."""
    for number in range(6):
        make(tmp_path / "in" / f"{number}.fake", bytes([number]))
    out, gate = tmp_path / "out", tmp_path / "gate"
    first = start(out, tmp_path / "in", gate=gate)
    assert first.stdout is not None
    while first.stdout.readline().strip() != "Restored":
        pass
    shutil.rmtree(out)
    code, lines, error = finish(start(out, tmp_path / "in"))
    assert (code, lines.count("Restored"), error) == (0, 6, "")
    gate.touch()
    code, lines, error = finish(first)
    assert code == 1
    assert "Restored" not in lines
    assert "or its lock was removed while photos were written to it" in error
    assert all((out / f"{n}.fake").read_bytes() == expected(tmp_path / "in" / f"{n}.fake") for n in range(6))


def test_a_disk_that_is_full_before_the_lock_is_signed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OutputError, match=r"cannot be written \(No space left"), locked(tmp_path):
        pass


@pytest.fixture
def threads_that_start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Call it with a number: so many threads start, and no more."""
    begin, begun = threading.Thread.start, []

    def allow(count: int) -> None:
        def start(thread: threading.Thread) -> None:
            if len(begun) == count:
                raise RuntimeError("can't start new thread")
            begun.append(thread)
            begin(thread)

        monkeypatch.setattr(threading.Thread, "start", start)

    yield allow
    monkeypatch.undo()
    for thread in begun:
        thread.join(60)
    assert not any(thread.is_alive() for thread in begun)


@pytest.mark.parametrize("count", range(5))
def test_threads_that_do_not_start_end_the_batch_at_once(count: int, tmp_path: Path, threads_that_start: Any) -> None:
    """Two decode, one restores, two encode; whichever of them is missing, none waits for it for ever."""
    for number in range(20):
        make(tmp_path / "in" / f"{number:02d}.fake")
    plan = planned(tmp_path)
    threads_that_start(count)
    with pytest.raises(RuntimeError, match="new thread"):
        run_batch(plan, FakeRestorer, workers=2)
    with locked(tmp_path / "out"):
        pass


@pytest.mark.parametrize("step", ["read", "restore", "encode"])
def test_an_error_of_the_pipeline_itself_ends_it(step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No memory is left even to tell of a failure: the batch ends with that, and does not hang."""
    from restorect.infer.batch.outputs import Outputs
    from restorect.infer.batch.photo_job import PhotoJobs

    for number in range(20):
        make(tmp_path / "in" / f"{number:02d}.fake")

    def fail(*_given: object) -> None:
        raise MemoryError

    monkeypatch.setattr(PhotoJobs, step, fail)
    monkeypatch.setattr(Outputs, "failed", fail)
    with pytest.raises(MemoryError):
        run_batch(planned(tmp_path), FakeRestorer, workers=2)
