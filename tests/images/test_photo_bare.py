"""Photographs on a machine without imagecodecs and tifffile: the same pixels, or one line that says what is missing."""

import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest
from photo_makers import make_bmp, make_jpeg, make_png, make_tiff, make_webp, pixels, profile
from PIL import Image

from bare_machine import on_a_bare_machine
from restorect.errors import ImageError
from restorect.images.codecs import plain
from restorect.images.curves import decode_srgb
from restorect.images.read import open_photo, read_photo
from restorect.images.srgb_profile import _bent, is_plainly_srgb

READ = """
import hashlib, sys
from restorect.errors import RestorectError
from restorect.images.read import read_photo
for name in sys.argv[1:]:
    try:
        photo = read_photo(name)
        pixels = photo.pixels.tobytes() + (b"" if photo.alpha is None else photo.alpha.tobytes())
        print(photo.pixels.shape, hashlib.sha256(pixels).hexdigest())
    except RestorectError as error:
        print(error)
"""
STEPS = np.stack(np.meshgrid(*[np.linspace(0, 1, 6)] * 3, indexing="ij"), -1)


def make(folder: Path) -> list[Path]:
    """Files that need neither library."""
    half = Image.fromarray(pixels(8, 1)[..., 0])
    half.putalpha(Image.fromarray(pixels(8, 1, seed=1)[..., 0]))
    palette = Image.fromarray(pixels(8, 3)).quantize(9)
    for name, image, options in (
        *(("la.png", half, {}), ("p.png", palette, {}), ("pt.png", palette, {"transparency": 3})),
        *(("rgbt.png", Image.fromarray(pixels(8, 3)), {"transparency": tuple(pixels(8, 3)[3, 3].tolist())}),),
        *(("lt.png", Image.fromarray(pixels(8, 1)[..., 0]), {"transparency": 7}),),
        *(("1.png", Image.fromarray(pixels(8, 1)[..., 0] > 99), {}), ("4.png", palette, {"bits": 4})),
    ):
        image.save(folder / name, **options)
    for depth in (8, 16):
        for channels in (1, 2, 3, 4):
            (folder / f"{depth}x{channels}.png").write_bytes(make_png(pixels(depth, channels)))
        for channels, how in ((1, "zlib"), (3, None), (3, "lzw"), (3, "zlib")):
            data = make_tiff(pixels(depth, channels), compression=how)
            (folder / f"{depth}x{channels}-{how}.tif").write_bytes(data)
    for name, data in {
        **{"a.jpg": make_jpeg(pixels(8, 3), profile("srgb")), "grey.jpg": make_jpeg(pixels(8, 1))},
        **{"a.webp": make_webp(pixels(8, 3), profile("srgb")), "a.bmp": make_bmp(pixels(8, 3))},
        **{"srgb.png": make_png(pixels(8, 3), profile("srgb")), "four.webp": make_webp(pixels(8, 4))},
    }.items():
        (folder / name).write_bytes(data)
    return sorted(folder.iterdir())


def test_the_same_pixels(tmp_path: Path) -> None:
    files = make(tmp_path)
    done = on_a_bare_machine(READ, *files)
    assert done.returncode == 0, done.stderr
    for path, line in zip(files, done.stdout.splitlines(), strict=True):
        photo = read_photo(path)
        own = photo.pixels.tobytes() + (b"" if photo.alpha is None else photo.alpha.tobytes())
        assert line == f"{photo.pixels.shape} {hashlib.sha256(own).hexdigest()}", path.name


def test_what_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "p3.png").write_bytes(make_png(pixels(8, 3), profile("p3")))
    (tmp_path / "float.tif").write_bytes(make_tiff(pixels(32, 3)))
    (tmp_path / "alpha.tif").write_bytes(make_tiff(pixels(8, 4)))
    (tmp_path / "cut.png").write_bytes(make_png(pixels(8, 3))[:-300])
    (tmp_path / "cut16.png").write_bytes(make_png(pixels(16, 3))[:-300])
    files = sorted(tmp_path.iterdir())
    lines = on_a_bare_machine(READ, *files).stdout.splitlines()
    for path, line in zip(files, lines, strict=True):
        assert line.startswith(f"{path}: ")
        words = "damaged or cut off" if path.name.startswith("cut") else "pip install imagecodecs"
        assert words in line, line


def test_a_cut_png_is_refused_by_pillow_whatever_its_depth() -> None:
    for depth in (8, 16):
        data = make_png(pixels(depth, 3))
        header = open_photo(data)._header
        assert np.array_equal(plain.png(data, header), pixels(depth, 3))
        for cut in (len(data) - 30, len(data) // 2):
            with pytest.raises((OSError, ValueError, SyntaxError)):
                plain.png(data[:cut], header)
    paged = open_photo(make_tiff(pixels(8, 3)))._header
    with pytest.raises(ImageError, match="imagecodecs"):
        plain.tiff(b"", 1, paged)


@pytest.mark.parametrize(("name", "same"), [("srgb", True), ("adobe", False), ("p3", False), ("prophoto", False)])
def test_a_profile_is_told_by_its_numbers(name: str, same: bool) -> None:
    assert is_plainly_srgb(profile(name), STEPS) is same
    assert not is_plainly_srgb(profile(name)[:200], STEPS)


def para(kind: int, *numbers: float) -> bytes:
    coded = struct.pack(f">{len(numbers)}i", *(round(number * 65536) for number in numbers))
    return b"para" + struct.pack(">IHH", 0, kind, 0) + coded


def test_curves_of_all_kinds_are_followed() -> None:
    x = np.linspace(0, 1, 50)
    srgb = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
    lifted = decode_srgb(x) + np.where(x >= 0.04045, 0.25, 0.125)
    steep = np.clip(2 * x - 1, 0, None) ** 2
    for curve, want in (
        *((para(3, *srgb), decode_srgb(x)), (para(4, *srgb, 0.25, 0.125), lifted), (para(0, 2.0), x**2)),
        *((para(1, 2.0, 2.0, -1.0), steep), (para(2, 2.0, 2.0, -1.0, 0.5), steep + 0.5)),
        (b"curv" + struct.pack(">IIH", 0, 1, 2 * 256), x**2),
        (b"curv" + bytes(8), x),
        (b"curv" + struct.pack(">II3H", 0, 3, 0, 16384, 65535), np.interp(x, [0, 0.5, 1], [0, 0.25, 1])),
    ):
        assert np.allclose(_bent(curve, x), want, atol=1e-4)
    for no_curve in (para(1, 2.0, 0.0, 1.0), para(9, 1.0), b"text" + bytes(20)):
        with pytest.raises(ValueError, match="no tone curve"):
            _bent(no_curve, x)
