"""A remedy of another command is told with that command: real processes, a JPEG that is cut off, a TIFF of pages."""

import os
from pathlib import Path

import pytest
from PIL import Image
from restore_files import photo
from restore_process import started


@pytest.fixture
def cut(tmp_path: Path) -> Path:
    path = photo(tmp_path / "in" / "cut.jpg", shape=(160, 200, 3))
    os.truncate(path, path.stat().st_size - 900)
    return path


def told(*arguments: object) -> str:
    with started(*arguments) as process:
        return process.communicate(timeout=900)[1].splitlines()[-1]


def test_a_jpeg_that_is_cut_off(cut: Path, tmp_path: Path) -> None:
    here = ("restore what is there with --salvage", "restore what is there with restorect restore --salvage")
    assert told("restore", cut, "-o", tmp_path / "out", "--quiet").endswith(here[0])
    assert told("edit", cut).endswith(here[1])
    assert told("info", cut).endswith(here[1])
    with started("watch", cut.parent, "-o", tmp_path / "watched", "--every", 0.1, "--patience", 0, "-q") as process:
        assert process.stderr is not None
        assert process.stderr.readline().endswith(f"{here[1]}\n")


def test_pages_behind_the_first(tmp_path: Path) -> None:
    pages = [Image.new("RGB", (32, 24), (value, value, value)) for value in (10, 20)]
    pages[0].save(tmp_path / "pages.tif", save_all=True, append_images=pages[1:])
    with started("info", tmp_path / "pages.tif") as process:
        assert "choose another with restorect restore --page" in process.communicate(timeout=900)[0]
    with started("restore", tmp_path / "pages.tif", "-o", tmp_path / "out") as process:
        assert "choose another with --page)" in process.communicate(timeout=900)[1]
