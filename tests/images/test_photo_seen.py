"""What training sees of a photograph: 8-bit sRGB, upright, the same pixels as a user's photo has."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from photo_makers import exif, make_dng, make_jpeg, make_png, make_tiff, make_webp, pixels, profile, stored
from PIL import Image

from restorect.errors import DataError, ImageError
from restorect.images.colour import to_depth, to_network
from restorect.images.read import read_photo
from restorect.images.seen import read_srgb, size_of


def _pixels(size: tuple[int, int] = (6, 4), seed: int = 0, high: int = 256, channels: int = 3) -> np.ndarray:
    dtype = np.uint8 if high == 256 else np.uint16
    shape = (size[1], size[0], channels) if channels > 1 else (size[1], size[0])
    return np.random.default_rng(seed).integers(0, high, shape, dtype=dtype)


def test_eight_bit_rgb_is_read_as_it_is(tmp_path: Path) -> None:
    for extension in (".png", ".bmp", ".tif", ".webp"):
        file = tmp_path / f"a{extension}"
        Image.fromarray(_pixels()).save(file, lossless=True)
        assert np.array_equal(read_srgb(file), _pixels()), extension


@pytest.mark.parametrize("extension", [".png", ".tif"])
def test_sixteen_bit_is_scaled_not_truncated(tmp_path: Path, extension: str) -> None:
    file, pixels = tmp_path / f"a{extension}", _pixels(high=65536)
    pixels[0, 0], pixels[0, 1], pixels[0, 2] = (0, 255, 257), (65535, 65407, 128), (129, 200, 32767)
    assert cv2.imwrite(str(file), pixels[:, :, ::-1])
    read = read_srgb(file)
    assert read.dtype == np.uint8
    assert np.array_equal(read, np.round(pixels / 257))
    assert read[0, :3].tolist() == [[0, 1, 1], [255, 255, 0], [1, 1, 127]]


@pytest.mark.parametrize("high", [256, 65536])
def test_grey_and_alpha(tmp_path: Path, high: int) -> None:
    scale = (high - 1) / 255
    grey, four = _pixels(high=high, channels=1), _pixels(high=high, channels=4)
    assert cv2.imwrite(str(tmp_path / "grey.png"), grey)
    expected = np.repeat(np.round(grey / scale)[:, :, None], 3, axis=2)
    assert np.array_equal(read_srgb(tmp_path / "grey.png"), expected)
    four[..., 3] |= 1  # what is fully transparent takes its neighbour's colour
    assert cv2.imwrite(str(tmp_path / "four.png"), four)
    assert np.array_equal(read_srgb(tmp_path / "four.png"), np.round(four[:, :, 2::-1] / scale))


def test_palettes_and_grey_with_alpha(tmp_path: Path) -> None:
    image = Image.fromarray(_pixels((16, 16))).quantize(8)
    image.save(tmp_path / "palette.png")
    assert np.array_equal(read_srgb(tmp_path / "palette.png"), np.asarray(image.convert("RGB")))
    grey = Image.fromarray(_pixels(channels=1))
    grey.putalpha(Image.fromarray(_pixels(seed=1, channels=1) | 1))
    grey.save(tmp_path / "la.png")
    assert np.array_equal(read_srgb(tmp_path / "la.png"), np.repeat(_pixels(channels=1)[:, :, None], 3, axis=2))


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n" + b"\x00" * 40])
def test_what_cannot_be_decoded_is_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "bad.png"
    file.write_bytes(content)
    for read in (read_srgb, size_of):
        with pytest.raises(ImageError, match=r"bad\.png: (is empty|is not a photo|this PNG file is damaged)"):
            read(file)
    with pytest.raises(ImageError, match=r"gone\.png: cannot be opened"):
        read_srgb(tmp_path / "gone.png")


def test_float_pixels_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "float.tif"
    assert cv2.imwrite(str(file), _pixels().astype(np.float32))
    with pytest.raises(DataError, match=r"float\.tif: float32 pixels are no training image; use 8 or 16 bit"):
        read_srgb(file)


def test_size_is_width_and_height(tmp_path: Path) -> None:
    Image.fromarray(_pixels((7, 5))).save(tmp_path / "a.png")
    assert size_of(tmp_path / "a.png") == (7, 5)


def smooth(height: int, width: int, seed: int) -> np.ndarray:
    coarse = np.random.default_rng(seed).uniform(0, 255, (4, 4, 3)).astype(np.float32)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("extension", "options"),
    [
        *((".jpg", {"quality": quality, "subsampling": sampling}) for quality, sampling in ((95, 0), (80, 2), (30, 2))),
        *((".webp", {"quality": quality, "method": 4}) for quality in (90, 40)),
        *((".png", {}), (".bmp", {}), (".tif", {}), (".tif", {"compression": "tiff_lzw"})),
    ],
)
def test_srgb_photos_decode_to_the_bytes_that_opencv_gives(tmp_path: Path, extension: str, options: dict) -> None:
    """What training read until now, checked on sizes that are no multiples of blocks."""
    for seed, (height, width) in enumerate(((48, 64), (37, 51), (1, 1), (17, 130))):
        file = tmp_path / f"{seed}{extension}"
        Image.fromarray(smooth(height, width, seed)).save(file, **options)
        by_opencv = cv2.imdecode(np.frombuffer(file.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)
        read = read_srgb(file)
        assert np.array_equal(read, by_opencv[..., ::-1])
        assert read.flags.writeable
        assert read.flags.c_contiguous


def test_it_is_what_a_user_s_photo_gives(tmp_path: Path) -> None:
    half = np.dstack([pixels(8, 3), np.full(pixels(8, 3).shape[:2], 128, np.uint8)])
    half[:4, :4, 3] = 0
    made = {
        "p3.png": make_png(pixels(8, 3), profile("p3")),
        "adobe.jpg": make_jpeg(pixels(8, 3), profile("adobe")),
        "grey.png": make_png(pixels(8, 1), profile("grey22")),
        "hidden.png": make_png(half),
        "deep.tif": make_tiff(pixels(16, 3), profile("p3")),
        "shot.dng": make_dng(),
    }
    for name, data in made.items():
        if name == "shot.dng":
            pytest.importorskip("rawpy")
        (tmp_path / name).write_bytes(data)
        photo = read_photo(data, name=name)
        seen = to_depth(to_network(photo), 8)
        read = read_srgb(tmp_path / name)
        assert np.array_equal(read, seen), name
        own = photo.pixels if photo.bit_depth == 8 else np.round(photo.pixels / 257)
        assert not np.array_equal(read, np.broadcast_to(own, read.shape)), f"{name}: nothing was done to it"


@pytest.mark.parametrize("turn", range(1, 9))
def test_it_is_upright(tmp_path: Path, turn: int) -> None:
    file, want = tmp_path / "a.png", pixels(8, 3)[:12, :20]
    file.write_bytes(make_png(stored(want, turn), block=exif(turn)))
    assert np.array_equal(read_srgb(file), want)
    assert size_of(file) == (20, 12)


def test_a_profile_of_srgb_changes_nothing(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.fromarray(pixels(8, 3)).save(buffer, "PNG", icc_profile=profile("srgb"))
    (tmp_path / "a.png").write_bytes(buffer.getvalue())
    assert np.array_equal(read_srgb(tmp_path / "a.png"), pixels(8, 3))
    (tmp_path / "a.webp").write_bytes(make_webp(pixels(8, 3)))
    assert read_srgb(tmp_path / "a.webp").dtype == np.uint8
