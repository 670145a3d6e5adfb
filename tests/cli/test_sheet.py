"""`restorect sheet` as a user meets it: real files, the shipped networks."""

import re
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from restore_files import photo

from restorect import Restorer
from restorect.cli import main as command
from restorect.images.photo import Photo
from restorect.images.write import write_photo
from restorect.infer.sheet import cells
from restorect.infer.sheet.drawing import GAP, side_of

Sheet = Callable[..., tuple[int, str, str]]
SIDE, LINE = side_of(800), 16  # a line of text at that width


@pytest.fixture
def sheet(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Sheet:
    def once(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["restorect", "sheet", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            command.main()
        return (int(end.value.code or 0), *capsys.readouterr())

    return once


def quick(source: Path, out: Path, *more: object) -> tuple[object, ...]:
    return (source, "-o", out, "--size", "nano", "--width", 800, *more)


def read(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"))


def cell(pixels: np.ndarray, column: int, shape: tuple[int, int]) -> np.ndarray:
    """A picture of the first row."""
    left, top = GAP + column * (SIDE + GAP), GAP + LINE
    return pixels[top : top + shape[0], left : left + shape[1]]


def dark(shape: tuple[int, ...], top: int = 60) -> np.ndarray:
    """Something with shapes in it, so that shrinking does not make it flat."""
    coarse = np.random.default_rng(0).integers(0, top, (6, 9, *shape[2:])).astype(np.float32)
    return cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC).clip(0, top)


def test_a_turned_jpeg_comes_upright_and_strength_1_is_its_restoration(sheet: Sheet, tmp_path: Path) -> None:
    pixels = dark((300, 450, 3)).astype(np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    source = tmp_path / "a.jpg"
    Image.fromarray(pixels).save(source, quality=98, subsampling=0, exif=exif)
    before = source.read_bytes()
    code, out, error = sheet(*quick(source, tmp_path / "s.png", "--task", "low-light"))
    assert (code, out, error) == (0, f"12 pictures on {tmp_path}/s.png\n", "")
    assert source.read_bytes() == before
    found = read(tmp_path / "s.png")
    upright = np.rot90(read(source), -1).astype(np.float32) / 255
    small = cells.shrunk(np.ascontiguousarray(upright), SIDE)
    assert small.shape == (SIDE, SIDE * 2 // 3, 3)
    size = small.shape[:2]
    assert np.abs(cell(found, 0, size) / 255 - small).max() <= 0.51 / 255
    restored = Restorer.load("low-light", "nano")(small)
    assert np.abs(cell(found, 3, size) / 255 - restored.clip(0, 1)).max() <= 0.51 / 255
    assert cell(found, 3, size).mean() > 1.5 * cell(found, 0, size).mean()


def test_linear_light_is_shown_as_srgb(sheet: Sheet, tmp_path: Path) -> None:
    grey = tmp_path / "linear.tif"
    light = np.full((30, 40, 3), 0.02, np.float32)
    write_photo(Photo(pixels=light, format="tiff", bit_depth=32, linear=True), grey)
    assert sheet(*quick(grey, tmp_path / "s.png", "--task", "low-light"))[0] == 0
    assert abs(int(cell(read(tmp_path / "s.png"), 0, (30, 40)).mean()) - 255 * (1.055 * 0.02 ** (1 / 2.4) - 0.055)) <= 1


@pytest.mark.parametrize(
    ("name", "pixels"),
    [
        ("deep.png", (dark((90, 120, 3)) * 257).astype(np.uint16)),
        ("grey.png", dark((90, 120)).astype(np.uint8)),
        ("one.png", np.full((1, 1, 3), 20, np.uint8)),
        ("panorama.jpg", dark((200, 3000, 3)).astype(np.uint8)),
    ],
    ids=["16 bit", "grey", "1x1", "panorama"],
)
def test_photos_of_all_kinds(sheet: Sheet, tmp_path: Path, name: str, pixels: np.ndarray) -> None:
    assert cv2.imwrite(str(tmp_path / name), pixels)
    code, out, error = sheet(*quick(tmp_path / name, tmp_path / "s.png", "--task", "low-light"))
    assert (code, error) == (0, "")
    assert out.startswith("12 pictures on ")
    values = cv2.imread(str(tmp_path / name), cv2.IMREAD_UNCHANGED) / (65535 if name == "deep.png" else 255)
    values = np.repeat(values[..., None], 3, axis=2) if values.ndim == 2 else values[..., ::-1]
    small = cells.shrunk(np.ascontiguousarray(values, np.float32), SIDE)
    found = cell(read(tmp_path / "s.png"), 0, small.shape[:2])
    assert np.abs(found / 255 - small).max() <= 0.51 / 255


def test_formats_by_suffix(sheet: Sheet, tmp_path: Path) -> None:
    source = photo(tmp_path / "a.png")
    for name, kind in (("s.jpg", "JPEG"), ("s.PNG", "PNG"), ("s.webp", "WEBP")):
        assert sheet(*quick(source, tmp_path / name, "--task", "fundus"))[0] == 0
        with Image.open(tmp_path / name) as image:
            assert (image.format, image.size[0]) == (kind, 800)


def test_auto_says_what_it_found_or_that_there_is_nothing_to_restore(sheet: Sheet, tmp_path: Path) -> None:
    source = photo(tmp_path / "night.png", shape=(120, 160, 3), top=16)
    code, out, error = sheet(*quick(source, tmp_path / "night.jpg"))
    assert (code, error) == (0, "")
    assert re.fullmatch(r"12 pictures on .*night\.jpg \(low-light, \d+% sure\)\n", out)
    good = tmp_path / "good.png"
    coarse = np.random.default_rng(1).uniform(30, 220, (12, 16, 3)).astype(np.float32)
    cv2.imwrite(str(good), cv2.resize(coarse, (640, 480), interpolation=cv2.INTER_CUBIC).clip(0, 255).astype(np.uint8))
    code, out, error = sheet(*quick(good, tmp_path / "good.jpg"))
    assert (code, out) == (2, "")
    (line,) = error.splitlines()
    assert line.startswith(f"restorect: {good}: ")
    assert line.endswith("; to see all versions of it nevertheless, name a task with --task")
    assert not (tmp_path / "good.jpg").exists()


def test_a_retina_is_not_for_diagnosis(sheet: Sheet, tmp_path: Path) -> None:
    code, out, error = sheet(*quick(photo(tmp_path / "a.png"), tmp_path / "s.jpg", "--task", "fundus"))
    assert code == 0
    assert out.startswith("10 pictures on "), "its two styles are one"
    assert error.endswith("not for diagnosis\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["in", "-o", "s.jpg"], "in: is a folder, and a sheet shows one photo; name a file in it"),
        (["a.png", "-o", "s.tif"], "-o s.tif: a sheet is a JPEG, PNG or WebP; give a name that ends in .jpg"),
        (["a.png", "-o", "s"], "-o s: a sheet is a JPEG, PNG or WebP"),
        (["a.png", "-o", "a.png", "--force"], "-o a.png: is the photo itself; give the sheet another name"),
        (["a.png", "-o", "link.png", "--force"], "-o link.png: is the photo itself; give the sheet another name"),
        (["a.png", "-o", "there.png"], "there.png: is there already; choose another name, or use --force"),
        (["a.png", "-o", "no/s.png"], "-o no/s.png: there is no such folder; make it, or name another"),
        (["a.png", "-o", "s.png", "--width", "100"], "width is 100; it must be from 800 to 8000"),
        (["a.png", "-o", "s.png", "--seed", "-1"], "seed is -1; it must be from 0"),
        (["a.png", "-o", "s.png", "--task", "fog"], "fog"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_is_one_line(
    sheet: Sheet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    source, there = photo(Path("a.png")).read_bytes(), photo(Path("there.png"), 1).read_bytes()
    photo(Path("in/b.png"))
    Path("link.png").symlink_to("a.png")
    code, out, error = sheet(*arguments)
    assert (code, out) == (2, "")
    (line,) = error.splitlines()
    assert words in line
    assert (Path("a.png").read_bytes(), Path("there.png").read_bytes()) == (source, there)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "in", "link.png", "there.png"]


def test_an_unusable_photo_is_one_line(sheet: Sheet, tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("not a photo")
    for name in ("text.jpg", "missing.jpg"):
        code, out, error = sheet(*quick(tmp_path / name, tmp_path / "s.jpg", "--task", "fundus"))
        assert (code, out) == (1, "")
        (line,) = error.splitlines()
        assert line.startswith(f"failed: {tmp_path}/{name}: ")
        assert line.count(name) == 1
    assert not (tmp_path / "s.jpg").exists()


def test_force_replaces_a_sheet(sheet: Sheet, tmp_path: Path) -> None:
    source, out = photo(tmp_path / "a.png"), photo(tmp_path / "s.png", 3)
    assert sheet(*quick(source, out, "--task", "fundus", "--force"))[0] == 0
    assert read(out).shape[1] == 800
