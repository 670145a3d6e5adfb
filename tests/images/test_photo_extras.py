"""HEIC, camera RAW and OpenEXR: read with the extras, a clear message without; no torch in this folder."""

import subprocess
import sys
from pathlib import Path

import decoders_gone_wrong as wrong
import numpy as np
import pytest
from exr_by_hand import exr_by_hand
from photo_makers import encode, make_dng, make_tiff, pixels

from restorect.errors import ImageError
from restorect.images.codecs import heic, raw
from restorect.images.colour import from_network, to_network
from restorect.images.formats import sniff
from restorect.images.read import open_photo, read_photo

HERE = Path(__file__).parent


def ramp():
    y, x = np.mgrid[:48, :64]
    return np.stack([x * 4, y * 5, (x + y) * 2], -1)


def test_heic_8_bit():
    pytest.importorskip("pi_heif")
    photo = read_photo(HERE / "ramp8.heic")
    assert (photo.format, photo.bit_depth, photo.pixels.shape) == ("heic", 8, (48, 64, 3))
    assert np.abs(photo.pixels.astype(int) - ramp()).mean() < 2
    assert b"Cam1" in photo.metadata.exif
    assert photo.metadata.xmp.startswith(b"<x:xmpmeta")
    written = encode(photo)
    assert written.format == "jpeg"
    assert b"Cam1" in read_photo(written.data).metadata.exif


def test_heic_10_bit_is_held_as_16():
    pytest.importorskip("pi_heif")
    photo = read_photo(HERE / "ramp10.heic")
    assert (photo.bit_depth, photo.stored_bits, photo.pixels.dtype) == (16, 10, np.uint16)
    assert np.abs(photo.pixels / 257 - ramp()).mean() < 2
    assert set(np.unique(np.abs(photo.pixels / 65535 * 1023 - np.rint(photo.pixels / 65535 * 1023)) < 0.01)) == {True}
    assert "10 bits a channel become 8" in encode(photo).warnings[0]


def test_raw_is_linear_16_bit_and_becomes_tiff():
    pytest.importorskip("rawpy")
    data = make_dng(orientation=6)
    assert sniff(data) == "raw"
    info, photo = open_photo(data).info, read_photo(data)
    assert (info.width, info.height) == (photo.width, photo.height) == (64, 96)
    assert (photo.linear, photo.bit_depth, photo.pixels.dtype) == (True, 16, np.uint16)
    assert b"TestCam" in photo.metadata.exif
    rows, columns = photo.pixels.mean((1, 2)), photo.pixels.mean((0, 2))
    assert (np.diff(rows[8:-8:4]) > 0).all()
    assert (np.diff(columns[8:-8:4]) < 0).all()
    assert photo.pixels.max() > 15000
    np.testing.assert_array_equal(from_network(to_network(photo), photo).pixels, photo.pixels)
    written = encode(photo)
    assert (written.format, written.warnings) == ("tiff", ())
    again = read_photo(written.data)
    np.testing.assert_array_equal(again.pixels, photo.pixels)
    assert open_photo(written.data).info.profile == "linear sRGB"
    np.testing.assert_allclose(to_network(again), to_network(photo), atol=1e-5)
    small = encode(photo, format="jpeg")
    assert "linear light is written with sRGB's tone curve, clipped to its range" in small.warnings


@pytest.mark.parametrize(("module", "extra"), [("pi_heif", "heif"), ("rawpy", "raw"), ("OpenEXR", "exr")])
def test_a_missing_extra_is_named(module, extra, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    made = {"heif": (HERE / "ramp8.heic").read_bytes, "raw": make_dng, "exr": lambda: exr_by_hand({"Y": np.eye(4)})}
    data = made[extra]()
    for action in (read_photo, open_photo):
        with pytest.raises(ImageError) as caught:
            action(data, name="IMG_1")
        assert str(caught.value).startswith("IMG_1: ")
        assert f'pip install "restorect[{extra}]"' in str(caught.value)


def test_tiff_is_not_taken_for_raw():
    for depth, channels in ((8, 3), (16, 1), (32, 4)):
        assert sniff(make_tiff(pixels(depth, channels))) == "tiff"
    assert sniff(b"II*\0\x10\0\0\0CR\x02\0" + bytes(40)) == "raw"


def test_this_folder_does_not_need_torch():
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import restorect.images.read, restorect.images.write, restorect.images.colour"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("module", "kind", "codec", "library"),
    [("pi_heif", "HEIC", heic, "libheif"), ("rawpy", "camera RAW", raw, "LibRaw")],
)
def test_a_file_that_crashes_its_library_is_one_line(module, kind, codec, library, monkeypatch):
    """The decoder's process dies by a signal; this one lives."""
    pytest.importorskip(module)
    data = (HERE / "ramp8.heic").read_bytes() if codec is heic else make_dng()
    monkeypatch.setattr(codec, "_pixels", wrong.crash)
    with pytest.raises(ImageError) as caught:
        read_photo(data, name="x")
    assert str(caught.value).startswith(f"x: this {kind} file is damaged or cut off ({library} crashed on it)")


def test_a_heic_has_no_more_pages_than_it_says():
    pytest.importorskip("pi_heif")
    with pytest.raises(ImageError, match="has no page 3"):
        read_photo((HERE / "ramp8.heic").read_bytes(), page=3)


def test_libraw_prints_nothing_of_a_damaged_file(capfd):
    """It would do so itself, past Python: "unknown file: Unexpected end of file"."""
    pytest.importorskip("rawpy")
    with pytest.raises(ImageError, match="camera RAW file is damaged or cut off"):
        read_photo(make_dng()[:-3000])
    assert capfd.readouterr() == ("", "")
