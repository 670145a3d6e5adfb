"""A photograph restored in place: whatever happens, the original stands whole under its name or as FILE.orig."""

import errno
import os
import signal
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
from batch_fakes import FakeRestorer, expected, make, settings_of

from restorect.errors import ImageError
from restorect.images.formats import TRAITS, Traits
from restorect.infer.batch.edit import Edited, edit_photo
from restorect.infer.batch.failures import OutputError
from restorect.infer.options import Options, Restored

CHANGES = ("open", "os.link", "os.rename", "os.remove", "os.chmod", "os.utime", "os.truncate")


def edit(path: Path, networks: Any = None, **options: Any) -> Edited:
    return edit_photo(path, networks or FakeRestorer(), settings_of(), **options)


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def test_the_original_is_kept_with_its_date_and_the_file_is_restored(tmp_path: Path) -> None:
    path = make(tmp_path / "a.fake")
    os.utime(path, (1e9, 1e9))
    path.chmod(0o664)
    before, restored = path.read_bytes(), expected(path)
    edited = edit(path)
    assert (edited.changed, edited.original, edited.task) == (True, tmp_path / "a.fake.orig", "low-light")
    assert (path.read_bytes(), (tmp_path / "a.fake.orig").read_bytes()) == (restored, before)
    assert (tmp_path / "a.fake.orig").stat().st_mtime == 1e9
    assert path.stat().st_mtime > 1e9  # by which programs see that it changed
    assert stat.S_IMODE(path.stat().st_mode) == 0o664  # also where the umask would take some
    assert names(tmp_path) == ["a.fake", "a.fake.orig"]


def test_no_earlier_original_is_ever_replaced(tmp_path: Path) -> None:
    path = make(tmp_path / "a.fake", b"first")
    first = path.read_bytes()
    second = expected(path)
    edit(path)
    third = edit(path).original  # twice inverted is the first again
    assert third == tmp_path / "a.fake.orig-2"
    assert [(tmp_path / name).read_bytes() for name in names(tmp_path)] == [first, first, second]
    assert edit(path).original == tmp_path / "a.fake.orig"  # which holds these very bytes
    assert names(tmp_path) == ["a.fake", "a.fake.orig", "a.fake.orig-2"]


def test_what_is_no_file_in_the_place_of_an_original_stays(tmp_path: Path) -> None:
    path = make(tmp_path / "a.fake")
    (tmp_path / "a.fake.orig").mkdir()
    (tmp_path / "a.fake.orig-2").symlink_to("nowhere")
    assert edit(path).original == tmp_path / "a.fake.orig-3"


def test_without_a_backup_nothing_is_left_beside(tmp_path: Path) -> None:
    path = make(tmp_path / "a.fake")
    restored = expected(path)
    assert edit(path, backup=False).original is None
    assert (names(tmp_path), path.read_bytes()) == (["a.fake"], restored)


def test_a_link_is_followed(tmp_path: Path) -> None:
    path, link = make(tmp_path / "there" / "a.fake"), tmp_path / "b.fake"
    link.symlink_to(path)
    restored = expected(path)
    assert edit(link).original == tmp_path.resolve() / "there" / "a.fake.orig"
    assert (link.is_symlink(), path.read_bytes()) == (True, restored)


def test_disks_without_links_get_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    path = make(tmp_path / "a.fake")
    os.utime(path, (1e9, 1e9))
    before, restored = path.read_bytes(), expected(path)
    edit(path)
    kept = tmp_path / "a.fake.orig"
    assert (path.read_bytes(), kept.read_bytes(), kept.stat().st_mtime) == (restored, before, 1e9)
    assert names(tmp_path) == ["a.fake", "a.fake.orig"]


class Busy(FakeRestorer):
    """Another program writes the file while it is restored."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def restore(self, image: Any, options: Options) -> Restored:
        make(self.path, b"newer")
        return super().restore(image, options)


def test_what_others_write_meanwhile_stays(tmp_path: Path) -> None:
    path = make(tmp_path / "a.fake", b"older")
    with pytest.raises(OutputError, match="changed by another program"):
        edit(path, Busy(path))
    assert (names(tmp_path), path.read_bytes()) == (["a.fake"], b"FAKEnewer")


def test_what_cannot_be_written_in_its_own_format_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TRAITS, "fake", Traits())
    monkeypatch.setattr("restorect.infer.batch.plan.output_format", lambda found: "tiff")
    path = make(tmp_path / "a.fake")
    with pytest.raises(ImageError, match="hand over a TIFF"):
        edit(path)
    assert (names(tmp_path), path.read_bytes()) == (["a.fake"], b"FAKEnight")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
def test_a_disk_that_fails_leaves_the_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def fail(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    path = make(tmp_path / "a.fake")
    with pytest.raises(OSError, match=os.strerror(number)):
        edit(path)
    assert (names(tmp_path), path.read_bytes()) == (["a.fake"], b"FAKEnight")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everything")
def test_a_file_that_may_not_be_written_is_refused(tmp_path: Path) -> None:
    path = make(tmp_path / "a.fake")
    path.chmod(0o444)
    with pytest.raises(PermissionError):
        edit(path)


def killed_at(moment: int, path: Path) -> bool:
    """Edit in a process that is killed before its change number `moment` on the disk; false if it ended by itself."""
    child = os.fork()
    if child == 0:
        left = [moment]

        def watch(event: str, arguments: tuple[Any, ...]) -> None:
            reading = event == "open" and isinstance(arguments[2], int) and not arguments[2] & (os.O_WRONLY | os.O_RDWR)
            if event in CHANGES and not reading:
                left[0] -= 1
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        try:
            sys.addaudithook(watch)
            edit(path)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("links", [True, False])
def test_killed_at_any_moment_the_original_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.EPERM, "no links here")

    if not links:
        monkeypatch.setattr(os, "link", refuse)
    path, kept = tmp_path / "a.fake", tmp_path / "a.fake.orig"
    seen, moment = set(), 1
    while True:
        for each in tmp_path.iterdir():
            if each.suffix != ".part":  # what was half written stays for the next edit
                each.unlink()
        before, restored = make(path).read_bytes(), expected(path)
        if not killed_at(moment, path):
            break
        state = (path.read_bytes() == restored, kept.exists())
        assert path.read_bytes() == before or (path.read_bytes() == restored and kept.read_bytes() == before), moment
        assert not kept.exists() or kept.read_bytes() == before
        seen.add(state)
        edit(path)  # again, after the kill
        assert kept.read_bytes() == before
        moment += 1
    assert moment > 3
    assert {(False, False), (False, True)} <= seen
    assert names(tmp_path) == ["a.fake", "a.fake.orig"]  # nothing half written
