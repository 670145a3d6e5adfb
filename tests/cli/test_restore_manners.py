"""`restorect restore` on the folders that people have: phones, NAS systems, cut-off files, dates."""

import io
import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from restore_files import files, photo, pixels_of
from restore_program import Run

HEIC = Path(__file__).parents[1] / "images" / "ramp8.heic"


def bright_jpeg(path: Path, quality: int = 80) -> Path:
    """One that `--task auto` finds good."""
    y, x = np.mgrid[:160, :200]
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = np.stack([150 + x // 4, 140 + y // 3, 160 + (x + y) // 8], 2).astype(np.uint8)
    assert cv2.imwrite(str(path), picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return path


def test_what_is_passed_over_is_told_at_the_end(run: Run, tmp_path: Path) -> None:
    photo(tmp_path / "in" / "a.png")
    photo(tmp_path / "in" / "@eaDir" / "a.png" / "SYNOPHOTO_THUMB_M.jpg")
    for name in ("b.gif", "c.psd"):
        (tmp_path / "in" / name).write_bytes(b"x")
    code, _, error = run(tmp_path / "in", "-o", tmp_path / "out")
    assert code == 0
    assert error.splitlines()[-2] == "passed over: 1 GIF, 1 PSD"
    assert error.splitlines()[-1].startswith("1 restored")
    code, _, error = run(tmp_path / "in", "-r", "-o", tmp_path / "out")
    assert error.splitlines()[-2] == "passed over: 1 @eaDir folder, 1 GIF, 1 PSD"
    assert files(tmp_path / "out") == ["a.png", "restorect-manifest.jsonl"]
    for number in range(3):
        (tmp_path / "in" / f"{number}.gif").touch()
    _, stdout, _ = run(tmp_path / "in", "-o", tmp_path / "out", "--json")
    assert json.loads(stdout.splitlines()[-1])["passed_over"] == {"GIF": 4, "PSD": 1}
    assert run(tmp_path / "in", "-o", tmp_path / "out", "--quiet")[2] == ""


def test_an_animated_avif_beside_other_photos(run: Run, tmp_path: Path) -> None:
    for name in ("a.jpg", "c.jpg"):
        photo(tmp_path / "in" / name)
    frames = [Image.fromarray(np.full((48, 64, 3), 20 * step, np.uint8)) for step in range(1, 4)]
    options = {"save_all": True, "append_images": frames[1:], "duration": 100}
    frames[0].save(tmp_path / "in" / "b.avif", "AVIF", **options)
    (tmp_path / "in" / "d.avif").write_bytes((tmp_path / "in" / "b.avif").read_bytes()[:-40])
    code, _, error = run(tmp_path / "in", "-o", tmp_path / "out", "--strength", "0")
    assert code == 1
    assert files(tmp_path / "out") == ["a.jpg", "b.avif", "c.jpg", "restorect-manifest.jsonl"]
    assert "b.avif  " in error
    assert "(note: has 3 pages or frames: only the first is read, choose another with --page)" in error
    assert f"failed: {tmp_path}/in/d.avif: this AVIF file is damaged or cut off (" in error


def test_a_phone_s_two_files_of_one_picture(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("pi_heif")
    photo(tmp_path / "in" / "IMG_1.jpg")
    (tmp_path / "in" / "IMG_1.HEIC").write_bytes(HEIC.read_bytes())
    for _ in range(2):
        code, _, error = run(tmp_path / "in", "-o", tmp_path / "out", "--task", "low-light")
        assert code == 0, error
        assert files(tmp_path / "out") == ["IMG_1-heic.jpg", "IMG_1.jpg", "restorect-manifest.jsonl"]
    assert "2 done before" in error
    assert pixels_of(tmp_path / "out" / "IMG_1-heic.jpg").shape == (48, 64, 3)
    assert pixels_of(tmp_path / "out" / "IMG_1.jpg").shape == (24, 32, 3)


def test_numbers_stay_when_the_folder_grows(run: Run, tmp_path: Path) -> None:
    photo(tmp_path / "in" / "b.png")
    template = ("--name-template", "{index:03d}")
    assert run(tmp_path / "in", "-o", tmp_path / "out", *template)[0] == 0
    first = (tmp_path / "out" / "001.png").read_bytes()
    photo(tmp_path / "in" / "a.png", 1)
    code, _, error = run(tmp_path / "in", "-o", tmp_path / "out", *template)
    assert (code, files(tmp_path / "out")) == (0, ["001.png", "002.png", "restorect-manifest.jsonl"])
    assert "1 restored, 1 done before" in error
    assert (tmp_path / "out" / "001.png").read_bytes() == first


def test_a_cut_off_jpeg_is_refused_or_salvaged(run: Run, tmp_path: Path) -> None:
    source = bright_jpeg(tmp_path / "in" / "cut.jpg")
    source.write_bytes(source.read_bytes()[:-900])
    code, _, error = run(tmp_path / "in", "-o", tmp_path / "out", "-q")
    assert code == 1
    assert error.endswith("get the file again, or restore what is there with --salvage\n")
    for task in ("low-light", "auto"):  # a good one is not copied as it is: its copy would be cut off, too
        out = tmp_path / task
        code, _, error = run(tmp_path / "in", "-o", out, "--salvage", "--task", task)
        assert code == 0
        assert "(note: is cut off, only what is there is restored: about " in error
        picture = Image.open(io.BytesIO((out / "cut.jpg").read_bytes()))
        picture.load()
        assert picture.size == (200, 160)


def test_outputs_are_like_their_inputs(run: Run, tmp_path: Path) -> None:
    source = bright_jpeg(tmp_path / "in" / "a.jpg", quality=63)
    source.chmod(0o600)
    os.utime(source, (1_500_000_000, 1_500_000_000))
    arguments = (tmp_path / "in", "--task", "low-light", "-o")
    assert run(*arguments, tmp_path / "out")[0] == 0
    output = tmp_path / "out" / "a.jpg"
    assert (output.stat().st_mode & 0o777, int(output.stat().st_mtime)) == (0o600, 1_500_000_000)
    assert Image.open(output).quantization == Image.open(source).quantization
    assert 0.5 < output.stat().st_size / source.stat().st_size < 2
    assert run(*arguments, tmp_path / "new", "--no-keep-date", "--quality", "90", "--subsampling", "4:4:4")[0] == 0
    other = tmp_path / "new" / "a.jpg"
    assert other.stat().st_mtime > 1_700_000_000
    assert Image.open(other).quantization[0] != Image.open(source).quantization[0]
    assert [layer[1:3] for layer in Image.open(other).layer] == [(1, 1)] * 3
