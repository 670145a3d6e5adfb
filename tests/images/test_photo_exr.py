"""OpenEXR, made by hand from the specification and by OpenEXR itself; all of it needs the extra `exr`."""

import struct
from pathlib import Path

import numpy as np
import pytest
from exr_by_hand import attribute, exr_by_hand
from photo_makers import encode, pixels

from restorect.errors import ImageError
from restorect.images.codecs.chromaticities import REC709, matrix_to_srgb
from restorect.images.colour import from_network, to_network
from restorect.images.read import open_photo, read_photo

OpenEXR = pytest.importorskip("OpenEXR")
AP0 = (0.7347, 0.2653, 0.0, 1.0, 0.0001, -0.077, 0.32168, 0.33767)
XYZ = (1, 0, 0, 1, 0, 0, 1 / 3, 1 / 3)
REC2020 = (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, 0.3127, 0.3290)


def light(channels=3, dtype=np.float32):
    return np.abs(pixels(32, channels) * 4).astype(dtype)


def by_openexr(folder, planes, **header):
    path = Path(folder, "made.exr")
    OpenEXR.File({"compression": OpenEXR.PIZ_COMPRESSION, "type": OpenEXR.scanlineimage, **header}, planes).write(
        str(path)
    )
    return path.read_bytes()


def split(array, names="RGBA"):
    return {name: np.ascontiguousarray(array[..., at]) for at, name in enumerate(names[: array.shape[2]])}


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("by_hand", [True, False])
@pytest.mark.parametrize("names", ["RGB", "Y"])
def test_every_value_is_kept_as_it_came(dtype, by_hand, names, tmp_path):
    want = light(len(names), dtype)
    data = exr_by_hand(split(want, names)) if by_hand else by_openexr(tmp_path, split(want, names))
    photo = read_photo(data)
    assert (photo.format, photo.linear, photo.bit_depth, photo.warnings) == ("exr", True, 32, ())
    np.testing.assert_array_equal(photo.pixels, want.astype(np.float32))
    written = encode(photo)
    assert (written.format, written.warnings) == ("exr", ())
    (tmp_path / "again.exr").write_bytes(written.data)
    found = OpenEXR.File(str(tmp_path / "again.exr"), separate_channels=True).channels()
    for name, plane in split(want, names).items():
        assert found[name].pixels.dtype == dtype
        np.testing.assert_array_equal(found[name].pixels, plane)


def test_the_network_s_colours_and_back():
    photo = read_photo(exr_by_hand(split(light())))
    np.testing.assert_allclose(from_network(to_network(photo), photo).pixels, photo.pixels, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("by_hand", [True, False])
def test_alpha_is_straight_and_comes_back_premultiplied(by_hand, tmp_path):
    want = light(4, np.float16)
    want[..., 3] = np.linspace(0, 1, want.shape[1])
    want[..., :3] *= np.where(want[..., 3:] > 0, want[..., 3:], 1)
    photo = read_photo(exr_by_hand(split(want)) if by_hand else by_openexr(tmp_path, split(want)))
    np.testing.assert_array_equal(photo.alpha, want[..., 3])
    np.testing.assert_allclose(
        photo.pixels[:, 1:] * photo.alpha[:, 1:, None], want[:, 1:, :3].astype(np.float32), rtol=1e-6
    )
    np.testing.assert_array_equal(photo.pixels[:, 0], want[:, 0, :3])  # light without substance: not divided by 0
    again = read_photo(encode(photo).data)
    np.testing.assert_array_equal(again.alpha, photo.alpha)
    np.testing.assert_array_equal(again.pixels, photo.pixels)


def test_an_alpha_of_nothing_hides_no_picture():
    want = light(4)
    want[..., 3] = 0
    photo = read_photo(exr_by_hand(split(want)))
    assert photo.alpha is None
    assert photo.warnings == ("its alpha, 0 everywhere, is not kept",)
    np.testing.assert_array_equal(photo.pixels, want[..., :3])


def test_primaries_become_srgb_s():
    """White stays white; XYZ is measured light; Rec. 2020 by the numbers of ITU-R BT.2087."""
    chroma = [attribute("chromaticities", "chromaticities", struct.pack("<8f", *xy)) for xy in (AP0, REC2020, REC709)]
    white = np.ones((2, 3, 3), np.float32)
    for one in chroma[:2]:
        photo = read_photo(exr_by_hand(split(white), more=one))
        np.testing.assert_allclose(photo.pixels, 1, atol=1e-5)
        assert photo.warnings == ("its colours are converted to sRGB's primaries",)
    assert read_photo(exr_by_hand(split(white), more=chroma[2])).warnings == ()
    bt2087 = [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]]
    np.testing.assert_allclose(matrix_to_srgb(REC2020), bt2087, atol=1e-4)
    srgb = [[3.2405, -1.5371, -0.4985], [-0.9693, 1.8760, 0.0416], [0.0556, -0.2040, 1.0572]]
    np.testing.assert_allclose(matrix_to_srgb(XYZ), srgb, atol=5e-4)
    for nonsense in ((0,) * 8, (0.3, 0.3) * 4, (*REC709[:6], 0.3, 0.0)):
        with pytest.raises(ValueError, match="make no sense"):
            matrix_to_srgb(nonsense)


def test_windows_and_further_parts(tmp_path):
    want = light()
    photo = read_photo(exr_by_hand(split(want), at=(-5, 7), display=(0, 0, 99, 99)))
    np.testing.assert_array_equal(photo.pixels, want)
    assert photo.warnings == ("its display window is not applied: the whole data window is read",)
    other = light()[::-1]
    header = {"type": OpenEXR.scanlineimage, "compression": OpenEXR.ZIP_COMPRESSION}
    parts = [OpenEXR.Part(dict(header), split(one), name) for name, one in (("a", want), ("b", other))]
    parts.append(OpenEXR.Part(dict(header), {"Z": np.ascontiguousarray(want[..., 0])}, "depth"))
    OpenEXR.File(parts).write(str(tmp_path / "parts.exr"))
    data = (tmp_path / "parts.exr").read_bytes()
    first = read_photo(data)
    np.testing.assert_array_equal(first.pixels, want)
    assert "has 3 pages or frames" in first.warnings[0]
    np.testing.assert_array_equal(read_photo(data, page=1).pixels, other)
    with pytest.raises(ImageError, match="has no channels R, G, B or Y \\(but Z\\)"):
        read_photo(data, page=2)
    with pytest.raises(ImageError, match="has 3 pages, not 4"):
        read_photo(data, page=3)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (
            lambda: exr_by_hand({"Y": light()[..., 0], "RY": light()[..., 1], "BY": light()[..., 2]}),
            "luminance and chroma",
        ),
        (lambda: exr_by_hand(split(light()), flags=0x800), "is a deep EXR"),
        (lambda: exr_by_hand(split(light()), sampling=2), "subsampled or integer colours"),
        (lambda: exr_by_hand(split((light() * 9).astype(np.uint32))), "subsampled or integer colours"),
        (lambda: exr_by_hand({"left.R": light()[..., 0]}), "has no channels R, G, B or Y"),
    ],
)
def test_kinds_that_are_not_supported_are_not_called_damaged(data, says):
    with pytest.raises(ImageError) as caught:
        open_photo(data(), name="x")
    assert says in str(caught.value)
    assert "damaged" not in str(caught.value)


def test_values_beyond_half_floats_are_written_as_floats(tmp_path):
    photo = read_photo(exr_by_hand(split(light(3, np.float16))))
    brighter = from_network(to_network(photo) * 60, photo)
    assert brighter.pixels.max() > 65504
    again = read_photo(encode(brighter).data)
    np.testing.assert_array_equal(again.pixels, brighter.pixels)


def test_damage_is_one_line_and_needs_no_room_for_what_it_claims():
    data = exr_by_hand(split(light()))
    for cut in (6, 40, 200, len(data) - 100):
        with pytest.raises(ImageError, match="damaged or cut off"):
            read_photo(data[:cut])
    huge = data.replace(struct.pack("<4i", 0, 0, 36, 22), struct.pack("<4i", 0, 0, 59999, 59999))
    with pytest.raises(ImageError, match="over the limit of 500"):
        read_photo(huge)
