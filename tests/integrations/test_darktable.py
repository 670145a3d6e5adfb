"""The darktable script, run by a real Lua against a stand-in for darktable, with the real command line of restorect."""

import os
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


def exported(path: Path, seed: int, dtype: type = np.uint16) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    top = 60 if dtype is np.uint8 else 9000
    pixels = np.random.default_rng(seed).integers(0, top, (24, 32, 3)).astype(dtype)
    tifffile.imwrite(path, pixels, photometric="rgb")
    return path


def darktable(program: Path, *photos: tuple[Path, Path], bpp: int = 16, deep: Path | None = None) -> list[list[str]]:
    assert LUA is not None
    pairs = [f"{photo}={export}" for photo, export in photos]
    environment = os.environ | {"PYTHONPATH": str(Path(restorect.__file__).parents[1]), "DEEP": str(deep)}
    command = [LUA, str(DARKTABLE), str(SCRIPT), str(program), str(bpp), *pairs]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr
    return [line.split("\t") for line in done.stdout.splitlines()]


def test_photos_are_restored_imported_and_grouped(program: Path, tmp_path: Path) -> None:
    photos = tmp_path / "my photos"
    first = (photos / "it's $HOME.NEF", exported(tmp_path / "tmp" / "it's $HOME.tif", 0))
    second = (photos / "b.dng", exported(tmp_path / "tmp" / "b.tif", 1))
    broken = (photos / "c.dng", tmp_path / "tmp" / "c.tif")
    broken[1].write_bytes(first[1].read_bytes()[:200])
    photos.mkdir()
    (photos / "b-restored.tif").write_text("an earlier one")
    shutil.copytree(tmp_path / "tmp", tmp_path / "copies")
    lines = darktable(program, first, second, broken)
    made = {"it's $HOME.NEF": photos / "it's $HOME-restored.tif", "b.dng": photos / "b-restored-2.tif"}
    assert sorted(line for line in lines if line[0] == "grouped") == sorted(
        ["grouped", str(path), f"leader of {name}"] for name, path in made.items()
    )
    assert lines.count(["set", "rating", "3"]) == lines.count(["set", "red", "true"]) == 2
    assert ["print", "restorect: 2 restored; failed: c.dng"] in lines
    assert sorted(path.name for path in photos.iterdir()) == sorted(
        ["b-restored.tif", *(path.name for path in made.values())]
    )
    assert (photos / "b-restored.tif").read_text() == "an earlier one"
    assert os.listdir(tmp_path / "tmp") == []
    for (_, export), path in zip((first, second), made.values(), strict=True):
        before, after = read_photo(tmp_path / "copies" / export.name), read_photo(path)
        assert (after.bit_depth, after.pixels.shape) == (16, before.pixels.shape)
        assert after.pixels.mean() > 1.5 * before.pixels.mean()


def test_tiff_alone_is_offered_and_of_16_bits(program: Path, tmp_path: Path) -> None:
    photo, deep = tmp_path / "a.dng", exported(tmp_path / "deep.tif", 0)
    lines = darktable(program, (photo, exported(tmp_path / "tmp" / "a.tif", 0, np.uint8)), bpp=8, deep=deep)
    assert [line[1] for line in lines if line[0] == "supported" and line[2] == "true"] == ["tif"]
    assert ["written again", "a.dng", "16"] in lines
    assert read_photo(tmp_path / "a-restored.tif").bit_depth == 16
    assert lines[-1] == ["destroyed", "restorect"]


def test_a_command_that_is_not_there_is_told(tmp_path: Path) -> None:
    lines = darktable(tmp_path / "gone", (tmp_path / "a.dng", exported(tmp_path / "tmp" / "a.tif", 0)))
    assert ["print", "restorect: 0 restored; failed: a.dng"] in lines
    assert sorted(os.listdir(tmp_path)) == ["tmp"]


def test_the_script_is_short_and_parses() -> None:
    assert LUA is not None
    text = SCRIPT.read_text(encoding="ascii")
    assert len(text.splitlines()) < 130
    code = f"assert(loadfile({str(SCRIPT)!r}))"
    subprocess.run([LUA, "-e", code], check=True, timeout=900)
