"""Finding photographs in folders."""

import os
from pathlib import Path

import pytest

from restorect.errors import DataError
from restorect.images.find import photos_in, walk


def tree(top: Path) -> Path:
    for name in ("b.JPG", "a.png", "c.txt", ".hidden.png", "a.xmp", "Thumbs.db", "plain", "deep/d.heic", "deep/e.nef"):
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).touch()
    for folder in (".git", "@eaDir", "deep/@eaDir", "folder.png"):
        (top / folder).mkdir(parents=True)
        (top / folder / "x.png").touch()
    return top


def test_photographs_are_found_by_their_endings_in_order(tmp_path: Path) -> None:
    top = tree(tmp_path / "photos")
    assert photos_in(top) == [top / "a.png", top / "b.JPG"]
    deep = [top / name for name in ("a.png", "b.JPG", "deep/d.heic", "deep/e.nef", "folder.png/x.png")]
    assert photos_in(top, recursive=True) == deep


def test_what_is_passed_over_is_told(tmp_path: Path) -> None:
    top, others = tree(tmp_path / "photos"), {}
    found = list(walk(top, recursive=True, apart_from={os.path.realpath(top / "deep" / "e.nef")}, others=others))
    assert top / "deep" / "e.nef" not in found
    assert sorted(others.values()) == ["@eaDir folder", "@eaDir folder", "TXT", "file without an ending"]


def test_a_folder_that_is_not_usable_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    for folder, says in ((tmp_path / "none", "no such folder"), (tmp_path / "a.png", "no such folder")):
        with pytest.raises(DataError, match=f"{folder.name}: {says}"):
            photos_in(folder)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="empty: holds no image; give a folder with photographs in it"):
        photos_in(tmp_path / "empty")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is closed to the superuser")
def test_a_closed_folder_is_one_line(tmp_path: Path) -> None:
    top = tree(tmp_path / "photos")
    (top / "deep").chmod(0)
    try:
        with pytest.raises(DataError, match="deep: this folder cannot be listed"):
            photos_in(top, recursive=True)
    finally:
        (top / "deep").chmod(0o755)
