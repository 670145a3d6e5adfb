"""Files are written whole or not at all, and only files are read."""

import errno
import os
from pathlib import Path

import pytest

from restorect.errors import RestorectError
from restorect.files import open_regular, write_atomically


@pytest.mark.parametrize("follow", [True, False])
def test_only_files_are_opened(tmp_path: Path, follow: bool) -> None:
    (tmp_path / "file").write_bytes(b"content")
    with open_regular(tmp_path / "file", follow=follow) as file:
        assert file.read() == b"content"
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RestorectError, match=r"pipe: is not a regular file"):
        open_regular(tmp_path / "pipe", follow=follow)
    with pytest.raises(RestorectError, match="/dev/zero: is not a regular file"):
        open_regular(Path("/dev/zero"), follow=follow)
    with pytest.raises(IsADirectoryError):
        open_regular(tmp_path, follow=follow)
    with pytest.raises(FileNotFoundError):
        open_regular(tmp_path / "none", follow=follow)


def test_a_link_is_followed_only_where_it_may_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "a\nlink").symlink_to(tmp_path / "file")
    with open_regular(tmp_path / "a\nlink") as file:
        assert file.read() == b"content"
    with pytest.raises(RestorectError, match=r"a\\nlink: is a symbolic link"):
        open_regular(tmp_path / "a\nlink", follow=False)


def test_no_file_is_left_open(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
    for _ in range(5):
        with pytest.raises(RestorectError):
            open_regular(tmp_path / "pipe")
    assert before == (len(os.listdir("/proc/self/fd")) if before else 0)


def test_a_failed_write_names_the_file_and_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    write_atomically(tmp_path / "a", b"old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as caught:
        write_atomically(tmp_path / "a", b"new")
    assert caught.value.filename == str(tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
