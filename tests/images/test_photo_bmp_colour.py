"""Colours that a BMP's header describes: a profile inside, primaries and gammas, or another file."""

import struct

import numpy as np
import pytest
from photo_makers import make_bmp, pixels, profile

from restorect.images import icc
from restorect.images.read import open_photo, read_photo
from restorect.images.write import WriteOptions, encode

# Adobe RGB (1998), annex C: its primaries; X, Y and Z of each at the luminance it has in white.
ADOBE_XY = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
ADOBE_XYZ = (0.57667, 0.29734, 0.02703, 0.18556, 0.62736, 0.07069, 0.18823, 0.07529, 0.99134)
SRGB_XY = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
MBED, LINK, SRGB = 0x4D424544, 0x4C494E4B, 0x73524742


def with_header(array, sort, *, inside=b"", places=(0.0,) * 9, gammas=(0.0, 0.0, 0.0), size=124):
    """A BMP with the header of version 4 (108 bytes) or 5, by hand."""
    plain = make_bmp(array)
    start, old = struct.unpack_from("<II", plain, 10)
    table, rows = plain[14 + old : start], plain[start:]
    head = struct.pack("<I", size) + plain[18 : 14 + old] + bytes(16) + struct.pack("<I", sort)
    head += struct.pack("<9i", *(round(value * 2**30) for value in places))
    head += struct.pack("<3I", *(round(value * 65536) for value in gammas))
    at = size + len(table) + len(rows)
    head += struct.pack("<4I", 4, at if inside else 0, len(inside), 0) if size == 124 else b""
    assert len(head) == size
    return b"BM" + struct.pack("<III", 14 + at + len(inside), 0, 14 + size + len(table)) + head + table + rows + inside


def like(one, other):
    """Whether two profiles mean the same colours, to within half an 8-bit code."""
    codes = np.random.default_rng(1).random((20, 10, 3), np.float32)
    there, here = (icc.transform(codes, block, icc.srgb()) for block in (one, other))
    return np.abs(there - here).max() < 0.5 / 255


def test_the_profile_inside_is_that_of_the_photo():
    array = pixels(8, 3)
    photo = read_photo(with_header(array, MBED, inside=profile("p3")))
    np.testing.assert_array_equal(photo.pixels, array)
    assert (photo.icc_profile, photo.warnings) == (profile("p3"), ())
    assert read_photo(encode(photo, WriteOptions(format="png")).data).icc_profile == profile("p3")
    assert "are converted to sRGB" in encode(photo, WriteOptions(format="bmp")).warnings[0]
    assert open_photo(with_header(array, MBED, inside=icc.adobe_rgb())).info.profile == "Adobe RGB (compatible)"


def test_a_profile_of_bit_fields():
    data = bytearray(with_header(pixels(8, 3, size=(4, 6)), MBED, inside=icc.adobe_rgb()))
    rows = b"\x0f\x7c" * 6 * 4
    head = data[14:138]
    struct.pack_into("<HI", head, 14, 16, 3)
    struct.pack_into("<4I", head, 40, 0x7C00, 0x3E0, 0x1F, 0)
    struct.pack_into("<I", head, 112, 124 + len(rows))
    photo = read_photo(bytes(data[:10]) + struct.pack("<I", 138) + bytes(head) + rows + icc.adobe_rgb())
    assert photo.icc_profile == icc.adobe_rgb()


@pytest.mark.parametrize("size", [108, 124])
def test_primaries_and_gamma(size):
    """As X, Y and Z, of which white is the sum, and as x, y and z."""
    chromaticities = tuple(value for x, y in ADOBE_XY for value in (x, y, 1 - x - y))
    for places in (ADOBE_XYZ, chromaticities):
        photo = read_photo(with_header(pixels(8, 3), 0, places=places, gammas=(2.2,) * 3, size=size))
        assert like(photo.icc_profile, icc.make(ADOBE_XY, (0.3127, 0.329), 2.2))
        assert photo.warnings == ()


def test_what_describes_srgb_has_no_profile():
    array = pixels(8, 3)
    srgb = tuple(value for x, y in SRGB_XY for value in (x, y, 1 - x - y))
    for data in (
        make_bmp(array),
        with_header(array, 0),
        with_header(array, SRGB, places=ADOBE_XYZ, gammas=(1.8,) * 3),
        with_header(array, 0, places=srgb),
        with_header(array, MBED, inside=icc.adobe_rgb(), size=108),  # which has no place for one
    ):
        photo = read_photo(data)
        assert (photo.icc_profile, photo.warnings) == (None, ())
        np.testing.assert_array_equal(photo.pixels, array)


def test_a_grey_one_has_a_grey_profile():
    photo = read_photo(with_header(pixels(8, 1), MBED, inside=icc.adobe_rgb()))
    assert photo.channels == 1
    assert photo.icc_profile is not None
    assert icc.space(photo.icc_profile) == "gray"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"sort": LINK, "inside": b"C:\\a.icc\0"}, "described by another file: sRGB is assumed"),
        ({"sort": MBED, "inside": b"no profile" * 30}, "cannot be used, sRGB is assumed"),
        ({"sort": 0, "places": (-1.0, *ADOBE_XYZ[1:]), "gammas": (2.2,) * 3}, "make no sense: sRGB is assumed"),
        ({"sort": 0, "places": ADOBE_XYZ, "gammas": (2.2, 0, 2.2)}, "make no sense: sRGB is assumed"),
        ({"sort": 0, "places": ADOBE_XYZ, "gammas": (900.0,) * 3}, "make no sense: sRGB is assumed"),
        ({"sort": 0, "places": (0.3, 0.3, 0.4) * 3, "gammas": (2.2,) * 3}, "make no sense: sRGB is assumed"),
        ({"sort": 0, "places": ADOBE_XYZ, "gammas": (1.8, 2.2, 2.2)}, "the one of green counts"),
    ],
)
def test_what_cannot_be_followed_is_told(options, says):
    photo = read_photo(with_header(pixels(8, 3), **options))
    assert len(photo.warnings) == 1
    assert says in photo.warnings[0]


def test_a_profile_that_lies_outside_the_file():
    data = bytearray(with_header(pixels(8, 3), MBED, inside=icc.adobe_rgb()))
    struct.pack_into("<II", data, 14 + 112, 2**31, 2**31)
    assert "cannot be used" in read_photo(bytes(data)).warnings[0]
