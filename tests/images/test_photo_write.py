"""Writing: options, formats, and files that appear whole or not at all."""

import io
import os
import stat
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from photo_makers import encode, encode_photo, exif, make_jpeg, make_png, make_tiff, make_webp, pixels
from PIL import Image

from restorect.errors import ConfigError, ImageError
from restorect.images.codecs.jpeg_tables import estimate_quality
from restorect.images.formats import EXTENSIONS, extension_for, output_format
from restorect.images.photo import Metadata, Photo
from restorect.images.read import read_photo
from restorect.images.write import WriteOptions, write_photo


def photo_of(depth=8, channels=3, **more):
    array = pixels(depth, channels)
    return Photo(pixels=array, format="png", bit_depth=depth, **more)


def test_jpeg_defaults_are_quality_95_and_no_subsampling():
    picture = Image.open(io.BytesIO(encode_photo(photo_of(), format="jpeg")))
    assert [layer[1:3] for layer in picture.layer] == [(1, 1)] * 3
    oracle = io.BytesIO()
    Image.fromarray(pixels(8, 3)).save(oracle, "JPEG", quality=95, subsampling=0)
    assert picture.quantization == Image.open(oracle).quantization


def test_jpeg_options():
    sizes = [len(encode_photo(photo_of(), format="jpeg", quality=q, subsampling="4:2:0")) for q in (30, 60, 95)]
    assert sizes == sorted(sizes)
    picture = Image.open(io.BytesIO(encode_photo(photo_of(), format="jpeg", subsampling="4:2:0")))
    assert picture.layer[0][1:3] == (2, 2)


@pytest.mark.parametrize("kind", ["webp", "avif", "jxl"])
def test_lossless_option(kind):
    photo = photo_of()
    exact = read_photo(encode_photo(photo, format=kind, lossless=True))
    np.testing.assert_array_equal(exact.pixels, photo.pixels)
    lossy = encode_photo(photo, format=kind)
    assert 0 < np.abs(read_photo(lossy).pixels.astype(int) - photo.pixels).mean() < 20
    np.testing.assert_array_equal(read_photo(encode_photo(exact)).pixels, photo.pixels)
    again = read_photo(encode_photo(exact, lossless=False))
    assert (again.pixels != photo.pixels).any()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"quality": 0}, "quality 0: give a whole number from 1 to 100"),
        ({"subsampling": "4:1:1"}, "choose one of 4:4:4, 4:2:2, 4:2:0"),
        ({"format": "jpeg", "lossless": True}, "JPEG always loses something"),
        ({"format": "jpeg", "bit_depth": 16}, "jpeg can hold 8 bits"),
        ({"format": "png", "bit_depth": 32}, "bit depth 32: png can hold 8 or 16 bits"),
        ({"format": "heic"}, "heic: cannot be written; choose one of avif, bmp"),
        ({"format": "raw"}, "cannot be written"),
        ({"format": "nonsense"}, "cannot be written"),
    ],
)
def test_options_that_are_refused(options, says):
    with pytest.raises(ConfigError, match=says):
        encode(photo_of(), **options)


@pytest.mark.parametrize(
    ("options", "says"), [({"lossless": True}, "JPEG always"), ({"bit_depth": 16}, "can hold 8 bits")]
)
def test_what_the_photo_s_own_format_cannot_do_is_told(options, says):
    with pytest.raises(ImageError, match=says):
        encode(read_photo(make_jpeg(pixels(8, 3))), **options)


def test_depth_conversions_round_and_say_so():
    deep = photo_of(16)
    written = encode(deep, format="jpeg")
    assert written.warnings == ("16 bits a channel become 8: jpeg holds no more",)
    asked = encode(deep, bit_depth=8)
    assert asked.warnings == ()
    expected = np.rint(deep.pixels / 65535 * 255)
    np.testing.assert_array_equal(read_photo(asked.data).pixels, expected)
    wide = encode(photo_of(8), bit_depth=16)
    np.testing.assert_array_equal(read_photo(wide.data).pixels, pixels(8, 3).astype(int) * 257)
    avif = encode(deep, format="avif", lossless=True)
    assert avif.warnings == ("AVIF holds 12 of its 16 bits",)
    assert np.abs(read_photo(avif.data).pixels.astype(int) - deep.pixels).max() <= 8


def test_transparency_that_is_lost_is_said():
    photo = read_photo(make_png(pixels(8, 4)))
    written = encode(photo, format="jpeg")
    assert written.warnings == ("its transparency is not kept: jpeg has none",)


def test_sizes_a_format_cannot_hold():
    long = Photo(pixels=np.zeros((1, 17000, 3), np.uint8), format="png", bit_depth=8)
    with pytest.raises(ImageError, match="webp holds at most 16383 pixels a side, not 17000 x 1"):
        encode(long, format="webp")


def test_output_formats_and_endings():
    assert [output_format(kind) for kind in ("raw", "heic", "png", "jpeg")] == ["tiff", "jpeg", "png", "jpeg"]
    assert output_format("exr") in ("exr", "tiff")
    assert [extension_for(kind) for kind in ("raw", "heic", "tiff", "jxl")] == [".tif", ".jpg", ".tif", ".jxl"]
    assert {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".avif", ".jxl", ".heic", ".dng", ".cr2"} <= EXTENSIONS
    assert all(ending == ending.lower() and ending.startswith(".") for ending in EXTENSIONS)
    with pytest.raises(ImageError, match="unknown photo format"):
        output_format("gif")


def test_the_ending_decides_the_format_of_a_file(tmp_path):
    for name, kind in (("a.tif", "tiff"), ("b.JPG", "jpeg"), ("c", "png"), ("d.unknown", "png")):
        assert write_photo(photo_of(), tmp_path / name) == ()
        assert read_photo(tmp_path / name).format == kind
    write_photo(photo_of(), tmp_path / "e.jpg", WriteOptions(format="png"))
    assert read_photo(tmp_path / "e.jpg").format == "png"
    with pytest.raises(ConfigError, match="cannot be written"):
        write_photo(photo_of(), tmp_path / "f.heic")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tif", "b.JPG", "c", "d.unknown", "e.jpg"]


def test_writing_is_atomic_and_synced(tmp_path, monkeypatch):
    target = tmp_path / "out.png"
    target.write_bytes(b"old")
    synced = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (synced.append(stat.S_ISDIR(os.fstat(fd).st_mode)), real(fd))[1])
    write_photo(photo_of(), target)
    assert synced == [False, True]
    assert read_photo(target).format == "png"
    before = target.read_bytes()

    def broken(source, destination):
        assert Path(source).parent == tmp_path
        assert read_photo(Path(source)).format == "png"
        assert target.read_bytes() == before
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", broken)
    with pytest.raises(ImageError, match="No space left"):
        write_photo(photo_of(), target)
    assert target.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["out.png"]


def test_links_are_replaced_not_followed(tmp_path):
    outside = tmp_path / "outside.png"
    outside.write_bytes(b"precious")
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "x.png").symlink_to(outside)
    write_photo(photo_of(), folder / "x.png")
    assert outside.read_bytes() == b"precious"
    assert not (folder / "x.png").is_symlink()


def test_names_at_the_limit_and_missing_folders(tmp_path):
    name = "x" * 251 + ".png"
    write_photo(photo_of(), tmp_path / name)
    assert read_photo(tmp_path / name).width == 37
    with pytest.raises(ImageError, match="cannot be written \\(No such file"):
        write_photo(photo_of(), tmp_path / "none" / "x.png")


def test_new_files_have_usual_permissions(tmp_path):
    mask = os.umask(0o027)
    try:
        write_photo(photo_of(), tmp_path / "x.png")
    finally:
        os.umask(mask)
    assert stat.S_IMODE((tmp_path / "x.png").stat().st_mode) == 0o640


@pytest.mark.parametrize("kind", ["jpeg", "png", "tiff", "webp", "avif", "jxl", "bmp"])
def test_the_same_photo_gives_the_same_bytes(kind):
    source = {"jpeg": make_jpeg, "png": make_png, "tiff": make_tiff}.get(kind, make_webp)(pixels(8, 3))
    first, second = (encode_photo(read_photo(source), format=kind, note={"seed": 1}) for _ in range(2))
    assert first == second


def test_a_resolution_that_makes_no_sense_is_left_out():
    for dpi in ((1e9, 1e9), (0.0, 300.0), (float("nan"), 72.0)):
        for kind in ("bmp", "jpeg", "png", "tiff"):
            photo = photo_of(metadata=Metadata(dpi=dpi))
            assert read_photo(encode_photo(photo, format=kind)).metadata.dpi in (
                None,
                pytest.approx((96, 96), abs=0.02),
            )


def test_a_note_that_does_not_fit_is_said():
    assert encode(photo_of(), format="bmp", note={"seed": 1}).warnings == (
        "the note on how it was made cannot be kept in bmp",
    )
    assert encode(photo_of(), format="bmp").warnings == ()


def sampling_of(data):
    return [layer[1:3] for layer in Image.open(io.BytesIO(data)).layer]


def jpeg_by_opencv(array, quality, factor):
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, factor]
    return cv2.imencode(".jpg", np.ascontiguousarray(array[..., ::-1]), options)[1].tobytes()


@pytest.mark.parametrize("quality", [5, 40, 75, 87, 95, 100])
def test_a_jpeg_stays_near_its_quality(quality):
    """The quantisation tables of the output are those of the input, whoever wrote it."""
    array = pixels(8, 3, size=(40, 56))
    for data in (
        make_jpeg(array, quality=quality),
        make_jpeg(array[..., :1], quality=quality),
        jpeg_by_opencv(array, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420),
    ):
        written = encode_photo(read_photo(data))
        came, went = (Image.open(io.BytesIO(one)) for one in (data, written))
        assert went.quantization == came.quantization
        assert sampling_of(written) == sampling_of(data)
        other = Image.open(io.BytesIO(encode_photo(read_photo(data), quality=60)))
        assert other.quantization[0] == Image.open(io.BytesIO(make_jpeg(array, quality=60))).quantization[0]
    from_png = Image.open(io.BytesIO(encode_photo(read_photo(make_png(array)), format="jpeg")))
    assert from_png.quantization == Image.open(io.BytesIO(make_jpeg(array, quality=95))).quantization


@pytest.mark.parametrize(
    ("factor", "turn", "wanted"),
    [
        (cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444, 1, (1, 1)),
        (cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422, 1, (2, 1)),
        (cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420, 1, (2, 2)),
        (cv2.IMWRITE_JPEG_SAMPLING_FACTOR_440, 1, (1, 1)),  # which cannot be written: nothing more is lost
        (cv2.IMWRITE_JPEG_SAMPLING_FACTOR_411, 1, (2, 1)),
        (cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422, 6, (1, 1)),  # upright, it would be 4:4:0
        (cv2.IMWRITE_JPEG_SAMPLING_FACTOR_440, 6, (2, 1)),
        (cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420, 6, (2, 2)),
    ],
)
def test_a_jpeg_keeps_the_sampling_of_its_colours(factor, turn, wanted):
    data = jpeg_by_opencv(pixels(8, 3, size=(40, 56)), 90, factor)
    block = exif(turn, thumbnail=False)
    data = data[:2] + struct.pack(">BBH", 0xFF, 0xE1, len(block) + 8) + b"Exif\0\0" + block + data[2:]
    assert sampling_of(encode_photo(read_photo(data)))[0] == wanted
    assert sampling_of(encode_photo(read_photo(data), subsampling="4:4:4"))[0] == (1, 1)


def test_tables_that_no_quality_has():
    """Photoshop's are like none of libjpeg's; steps twice as coarse are a lower quality."""
    for scale in (1, 2, 4, 9):
        tables = {0: [3 * scale] * 64, 1: [5 * scale] * 64}
        assert 1 <= estimate_quality(tables) <= 100
    falling = [estimate_quality({0: [step] * 64, 1: [step] * 64}) for step in (1, 2, 4, 9, 20, 60, 255)]
    assert falling == sorted(falling, reverse=True)
    assert falling[0] == 100
