"""The darktable script, run by a real Lua against a stand-in for darktable, with the real command line of restorect."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

import restorect
from restorect.images.read import read_photo

ROOT = Path(__file__).parents[2]
SCRIPT, DARKTABLE = ROOT / "integrations" / "darktable" / "restorect.lua", Path(__file__).with_name("darktable.lua")
PROGRAM = ROOT / "tests" / "cli" / "restore_program.py"
LUA = next(filter(None, map(shutil.which, ("lua5.4", "lua5.3", "lua"))), None)
pytestmark = pytest.mark.skipif(LUA is None, reason="needs Lua, and: apt-get install lua5.4")


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """What stands for the installed command, in a folder with a space and a quote."""
    path = tmp_path / "it's here" / "restorect"
    path.parent.mkdir()
    command = shlex.join([sys.executable, str(PROGRAM)])
    path.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    path.chmod(0o755)
    return path


def tiff(path: Path, seed: int, dtype: type = np.uint16, top: int = 9000) -> Path:
    """What darktable makes of a photo: dark noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, top, (24, 32, 3)).astype(dtype)
    tifffile.imwrite(path, pixels, photometric="rgb")
    return path


def darktable(program: Path, *photos: tuple[Path, Path], bpp: int = 16, deep: Path | None = None) -> list[list[str]]:
    """Export photos, each with the TIFF that darktable makes of it; tells what was done, and leaves no other file."""
    assert LUA is not None
    temporary = program.parent / "temporary"
    temporary.mkdir(parents=True)
    pairs = [f"{photo}={made}" for photo, made in photos]
    environment = os.environ | {"PYTHONPATH": str(Path(restorect.__file__).parents[1]), "DEEP": str(deep)}
    command = [LUA, str(DARKTABLE), str(SCRIPT), str(program), str(bpp), str(temporary), *pairs]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr
    assert os.listdir(temporary) == []
    return [line.split("\t") for line in done.stdout.splitlines()]


def test_photos_are_restored_imported_and_grouped(program: Path, tmp_path: Path) -> None:
    photos = tmp_path / "my photos"
    first = (photos / "it's $HOME.NEF", tiff(tmp_path / "made" / "it's $HOME.tif", 0))
    second = (photos / "b.dng", tiff(tmp_path / "made" / "b.tif", 1))
    broken = (photos / "c.dng", tmp_path / "made" / "c.tif")
    broken[1].write_bytes(first[1].read_bytes()[:200])
    photos.mkdir()
    (photos / "b-restored.tif").write_text("an earlier one")
    lines = darktable(program, first, broken, second)
    made = {"it's $HOME.NEF": photos / "it's $HOME-restored.tif", "b.dng": photos / "b-restored-2.tif"}
    assert [line for line in lines if line[0] == "grouped"] == [
        ["grouped", str(path), f"leader of {name}"] for name, path in made.items()
    ]
    assert lines.count(["set", "rating", "3"]) == lines.count(["set", "red", "true"]) == 2
    told = re.fullmatch(r"restorect: 2 restored; failed: c\.dng \((.+)\)", lines[-2][1])
    assert told is not None
    assert "incomplete" in told[1] or "damaged" in told[1]
    assert str(tmp_path) not in told[1]
    assert sorted(path.name for path in photos.iterdir()) == sorted(
        ["b-restored.tif", *(path.name for path in made.values())]
    )
    assert (photos / "b-restored.tif").read_text() == "an earlier one"
    for (_, export), path in zip((first, second), made.values(), strict=True):
        before, after = read_photo(export), read_photo(path)
        assert (after.bit_depth, after.pixels.shape) == (16, before.pixels.shape)
        assert after.pixels.mean() > 1.5 * before.pixels.mean()


def test_photos_of_one_name_in_two_folders_are_not_mixed_up(program: Path, tmp_path: Path) -> None:
    dark, darker = (tiff(tmp_path / f"{top}.tif", 0, top=top) for top in (9000, 900))
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    darktable(program, (tmp_path / "a" / "same.dng", dark), (tmp_path / "b" / "same.dng", darker))
    first, second = (read_photo(tmp_path / folder / "same-restored.tif").pixels.mean() for folder in "ab")
    assert first > 2 * second


def test_a_good_photo_does_not_come_twice(program: Path, tmp_path: Path) -> None:
    good, dark = tiff(tmp_path / "good.tif", 0, top=65535), tiff(tmp_path / "dark.tif", 0)
    (tmp_path / "photos").mkdir()
    lines = darktable(program, (tmp_path / "photos" / "good.dng", good), (tmp_path / "photos" / "dark.dng", dark))
    assert lines[-2] == ["print", "restorect: 1 restored; left as it is: good.dng"]
    assert os.listdir(tmp_path / "photos") == ["dark-restored.tif"]


def test_tiff_alone_is_offered_and_of_16_bits(program: Path, tmp_path: Path) -> None:
    photo, deep = tmp_path / "a.dng", tiff(tmp_path / "deep.tif", 0)
    shallow = tiff(tmp_path / "shallow.tif", 0, np.uint8, 60)
    lines = darktable(program, (photo, shallow), bpp=8, deep=deep)
    assert [line[1] for line in lines if line[0] == "supported" and line[2] == "true"] == ["tif"]
    assert ["written again", "a.dng", "16"] in lines
    assert read_photo(tmp_path / "a-restored.tif").bit_depth == 16
    assert lines[-1] == ["destroyed", "restorect"]


def test_a_command_that_is_not_there_is_told(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    lines = darktable(tmp_path / "gone" / "restorect", (tmp_path / "photos" / "a.dng", tiff(tmp_path / "a.tif", 0)))
    assert lines[-2][1].startswith("restorect: 0 restored; failed: a.dng (")
    assert "not found" in lines[-2][1] or "No such file" in lines[-2][1]  # as the shell has it
    assert os.listdir(tmp_path / "photos") == []


def test_the_script_is_short_and_parses() -> None:
    assert LUA is not None
    text = SCRIPT.read_text(encoding="ascii")
    assert len(text.splitlines()) < 140
    code = f"assert(loadfile({str(SCRIPT)!r}))"
    subprocess.run([LUA, "-e", code], check=True, timeout=900)
