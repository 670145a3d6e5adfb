"""`restorect edit` as programs call it: real files, a real process, a quick stand-in for the networks."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms
from restore_files import files, photo
from restore_process import ENVIRONMENT, PROGRAM, started
from restore_program import Run

from restorect.images.read import open_photo
from small_disk import small_disk

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def edit(*arguments: object) -> tuple[int, list[str]]:
    with started("edit", *arguments) as process:
        out, error = process.communicate(timeout=900)
    assert out == ""
    return process.returncode, error.splitlines()


def deep(path: Path) -> Path:
    """A TIFF as raw developers hand it over: 16 bits, a profile, a resolution."""
    pixels = np.random.default_rng(0).integers(0, 9000, (24, 32, 3)).astype(np.uint16)
    tifffile.imwrite(path, pixels, photometric="rgb", compression="deflate", iccprofile=PROFILE, resolution=(300, 300))
    return path


def test_the_bytes_are_those_of_restore_whatever_the_format(run: Run, tmp_path: Path) -> None:
    own, other = tmp_path / "own", tmp_path / "other"
    photos = [photo(own / name, number) for number, name in enumerate(("a.png", "b.jpg", "c.webp", "d.bmp"))]
    photos += [photo(own / "e.png", 5, dtype=np.uint16, top=9000), deep(own / "f.tif")]
    shutil.copytree(own, other)
    code, lines = edit(*photos)
    assert (code, len(lines)) == (0, len(photos)), lines
    for path, line in zip(photos, lines, strict=True):
        assert line.startswith(f"restorect: {path}: restored (low-light")
        assert f"the original is {path.name}.orig" in line
    assert run(other, "-o", tmp_path / "out")[0] == 0
    for path in photos:
        assert path.read_bytes() == (tmp_path / "out" / path.name).read_bytes(), path.name
        assert Path(f"{path}.orig").read_bytes() == (other / path.name).read_bytes()
    assert files(own) == sorted(f"{path.name}{ending}" for path in photos for ending in ("", ".orig"))
    before, after = (open_photo((folder / "f.tif").read_bytes()).info for folder in (other, own))
    kept = ("format", "width", "height", "channels", "bit_depth", "profile", "pages")
    assert [getattr(after, name) for name in kept] == [getattr(before, name) for name in kept]
    assert (after.bit_depth, after.metadata.dpi) == (16, (300, 300))


def test_a_good_photo_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "good.png"
    Image.new("RGB", (32, 24), (200, 200, 200)).save(path)
    before = path.stat()
    code, lines = edit(path, "--no-backup")
    assert code == 0
    assert "the file is untouched" in lines[0]
    after = path.stat()
    assert (after.st_ino, after.st_mtime_ns, files(tmp_path)) == (before.st_ino, before.st_mtime_ns, ["good.png"])


def test_a_thumbnail_behind_the_picture_is_no_second_picture(tmp_path: Path) -> None:
    path, pixels = tmp_path / "a.tif", np.random.default_rng(0).integers(0, 9000, (24, 32, 3)).astype(np.uint16)
    with tifffile.TiffWriter(path) as file:  # as Capture One writes it
        file.write(pixels, photometric="rgb", metadata=None)
        file.write((pixels[::4, ::4] >> 8).astype(np.uint8), photometric="rgb", subfiletype=1, metadata=None)
    assert edit(path, "-q") == (0, [])
    info = open_photo(path.read_bytes()).info
    assert (info.width, info.height, info.bit_depth, info.pages) == (32, 24, 16, 1)


def test_what_fails_is_a_line_and_the_others_are_done(tmp_path: Path) -> None:
    good, torn, pages = photo(tmp_path / "good.png"), photo(tmp_path / "torn.jpg"), tmp_path / "pages.tif"
    torn.write_bytes(torn.read_bytes()[:300])
    Image.new("L", (8, 8)).save(pages, save_all=True, append_images=[Image.new("L", (8, 8))])
    contents = torn.read_bytes(), pages.read_bytes()
    code, lines = edit(torn, pages, tmp_path, tmp_path / "gone.jpg", good, "-q")
    assert code == 1
    assert [line.split(": ")[:2] for line in lines] == [
        ["failed", str(path)] for path in (torn, pages, tmp_path, tmp_path / "gone.jpg")
    ]
    assert "holds 2 pictures" in lines[1]
    assert (torn.read_bytes(), pages.read_bytes()) == contents
    assert files(tmp_path) == ["good.png", "good.png.orig", "pages.tif", "torn.jpg"]


@pytest.mark.parametrize("arguments", [(), ("--strength", "3"), ("--format", "png"), ("--engine", "magic")])
def test_wrong_usage_changes_nothing(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    path = photo(tmp_path / "a.png")
    before = path.read_bytes()
    code, lines = edit(*([path] if arguments else []), *arguments)
    assert code == 2, lines
    assert (files(tmp_path), path.read_bytes()) == (["a.png"], before)


def test_programs_that_give_nothing_but_paths_have_a_command_of_their_own(tmp_path: Path) -> None:
    path = photo(tmp_path / "a.png")
    code = "import restore_program as p; import restorect; restorect.load = p.load_brightener; p.start.edit()"
    environment = ENVIRONMENT | {"PYTHONPATH": os.pathsep.join([ENVIRONMENT["PYTHONPATH"], str(PROGRAM.parent)])}
    command = [sys.executable, "-c", code, str(path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr
    assert files(tmp_path) == ["a.png", "a.png.orig"]
    scripts = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    assert 'restorect-edit = "restorect.cli.__main__:edit"' in scripts


def waited_for(path: Path) -> None:
    until = time.monotonic() + 600
    while not path.exists():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_killed_while_it_restores_the_file_is_as_it_was(tmp_path: Path) -> None:
    first, second = photo(tmp_path / "a.png"), photo(tmp_path / "b.png", 1)
    before = second.read_bytes()
    with started("edit", first, second, GO_ON_WHEN=tmp_path / "never") as process:
        waited_for(tmp_path / "a.png.orig")
        process.kill()
    assert second.read_bytes() == before
    assert edit(second)[0] == 0
    assert Path(f"{second}.orig").read_bytes() == before


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal that one process alone gets")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_after_the_present_photo(tmp_path: Path, number: signal.Signals) -> None:
    photos = [photo(tmp_path / f"{name}.png", name) for name in range(3)]
    before, gate = photos[2].read_bytes(), tmp_path / "gate"
    with started("edit", *photos, GO_ON_WHEN=gate) as process:
        waited_for(tmp_path / "0.png.orig")
        process.send_signal(number)
        assert process.stderr is not None
        while "stopping after the current photo" not in process.stderr.readline():
            pass
        gate.touch()
        process.communicate(timeout=900)
    assert process.returncode == 130
    done = 1 + (tmp_path / "1.png.orig").exists()  # the signal may come before the second one begins
    assert files(tmp_path) == sorted(["gate", *(f"{k}.png" for k in range(3)), *(f"{k}.png.orig" for k in range(done))])
    assert photos[2].read_bytes() == before


@pytest.mark.parametrize("options", [(), ("--no-backup",)])
def test_a_full_disk_leaves_the_original(tmp_path: Path, options: tuple[str, ...]) -> None:
    with small_disk(tmp_path / "disk", 2**16) as disk:
        path = photo(disk / "a.png", shape=(110, 130, 3))
        before = path.read_bytes()
        assert len(before) > 2**15  # so that there is no room for another one
        code, lines = edit(path, *options)
        assert code == 1
        assert "the disk is full" in lines[-1]
        assert (os.listdir(disk), path.read_bytes()) == (["a.png"], before)


@pytest.mark.skipif(
    os.geteuid() == 0 and not shutil.which("setpriv"), reason="root may write everything, without setpriv"
)
@pytest.mark.parametrize("closed", ["folder", "file"])
def test_what_may_not_be_written_is_a_line(tmp_path: Path, closed: str) -> None:
    path = photo(tmp_path / "in" / "a.png")
    before = path.read_bytes()
    place = path.parent if closed == "folder" else path
    place.chmod(0o555)
    command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    command += [sys.executable, str(PROGRAM), "edit", str(path)]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=900, check=False)
    place.chmod(0o755)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"failed: {path}: permission denied; check who may")
    assert (files(path.parent), path.read_bytes()) == (["a.png"], before)
