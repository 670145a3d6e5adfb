"""PQ and HLG: read by their curves, kept in PNG and AVIF, converted with a word elsewhere."""

import io
import struct
import zlib
from dataclasses import replace

import box_makers as boxes
import cv2
import imagecodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from photo_makers import encode, encode_photo, pixels
from PIL import Image

from restorect.images import tones
from restorect.images.colour import from_network, to_linear, to_network
from restorect.images.curves import encode_srgb
from restorect.images.photo import Photo
from restorect.images.read import open_photo, read_photo

CURVES = (tones.PQ, tones.HLG)


def png(codes, primaries, transfer):
    """A 16-bit PNG by OpenCV with code points."""
    bgr = np.ascontiguousarray(codes[..., ::-1] if codes.shape[2] == 3 else codes)
    plain = cv2.imencode(".png", bgr)[1].tobytes()
    body = b"cICP" + bytes([primaries, transfer, 0, 1])
    return plain[:33] + struct.pack(">I", 4) + body + struct.pack(">I", zlib.crc32(body)) + plain[33:]


def test_known_points_of_the_curves():
    """BT.2408, tables 1 and 2: diffuse white, 203 cd/m2, is 58% of PQ and 75% of HLG; grey of 26 cd/m2 is 38%."""
    codes = np.array([0, 0.38, 0.5807, 1], np.float32)[:, None].repeat(3, 1)
    np.testing.assert_allclose(tones.to_light(codes, tones.PQ)[:, 0] * 203, [0, 26.0, 203, 10_000], rtol=0.03)
    codes = np.array([0, 0.38, 0.75, 1], np.float32)[:, None].repeat(3, 1)
    np.testing.assert_allclose(tones.to_light(codes, tones.HLG)[:, 0] * 203, [0, 26.0, 203, 1000], rtol=0.03)


@given(st.lists(st.tuples(*[st.floats(0, 1, width=32)] * 3), min_size=1, max_size=20), st.sampled_from(CURVES))
@settings(max_examples=100, deadline=None)
def test_the_curves_can_be_undone(codes, transfer):
    array = np.array(codes, np.float32)
    light = tones.to_light(array, transfer)
    assert (light >= 0).all()
    np.testing.assert_allclose(tones.from_light(light, transfer), array, atol=4e-6)


@pytest.mark.parametrize("transfer", CURVES)
@pytest.mark.parametrize("primaries", [1, 9, 12])
@pytest.mark.parametrize("channels", [1, 3])
def test_png_keeps_codes_and_meaning(primaries, transfer, channels):
    want = pixels(16, channels)
    photo = read_photo(png(want, primaries, transfer))
    assert (photo.code_points, photo.icc_profile, photo.warnings) == ((primaries, transfer), None, ())
    assert ("PQ" if transfer == 16 else "HLG") in open_photo(png(want, primaries, transfer)).info.profile
    back = from_network(to_network(photo), photo)
    assert np.abs(back.pixels.astype(int) - want).max() <= 1
    for strip in (False, True):
        written = encode(photo, strip_metadata=strip)
        again = read_photo(written.data)
        np.testing.assert_array_equal(again.pixels, want)
        assert (again.code_points, written.warnings) == (photo.code_points, ())
        assert b"sRGB" not in written.data[:100]


@pytest.mark.parametrize("maker", ["imagecodecs", "boxes"])
def test_avif_keeps_codes_and_meaning(maker):
    codes = (pixels(16, 3, size=(48, 64)) >> 6).astype(np.uint16)
    if maker == "imagecodecs":
        data = bytes(imagecodecs.avif_encode(codes, level=100, bitspersample=10))
        data = data.replace(b"nclx\0\2\0\2", b"nclx\0\x09\0\x10", 1)
    else:
        data = boxes.make("avif", [boxes.picture(1, "avif", boxes.nclx(9, 16, 9), pixels=boxes.ramp())])
    photo = read_photo(data)
    assert photo.code_points == (9, 16)
    again = read_photo(encode_photo(photo, lossless=True))
    np.testing.assert_array_equal(again.pixels, photo.pixels)
    assert again.code_points == (9, 16)
    assert read_photo(encode_photo(photo, format="png")).code_points == (9, 16)


def test_avif_by_an_encoder_that_names_no_colours(monkeypatch):
    """As the last one for Python 3.10."""
    newer = imagecodecs.avif_encode

    def older(frame, *, level, speed, bitspersample, pixelformat, numthreads):
        return newer(
            frame,
            level=level,
            speed=speed,
            bitspersample=bitspersample,
            pixelformat=pixelformat,
            numthreads=numthreads,
        )

    monkeypatch.setattr(imagecodecs, "avif_encode", older)
    photo = read_photo(png(pixels(16, 3), 9, 16))
    assert read_photo(encode_photo(photo, format="avif")).code_points == (9, 16)
    plain = replace(photo, code_points=None)
    assert read_photo(encode_photo(plain, format="avif")).code_points is None


@pytest.mark.parametrize("kind", ["jpeg", "webp", "tiff", "jxl", "bmp"])
def test_other_formats_show_the_same_up_to_white(kind):
    level = np.linspace(0, 0.58, 37 * 23).reshape(23, 37, 1)
    photo = read_photo(png(np.rint(level * 65535).astype(np.uint16).repeat(3, 2), 9, tones.PQ))
    written = encode(photo, format=kind, lossless=True if kind in ("webp", "jxl") else None, quality=100)
    told = [line for line in written.warnings if "Rec. 2020 PQ" in line]
    assert len(told) == 1
    assert "what is brighter than white is clipped: PNG and AVIF keep them" in told[0]
    again = read_photo(written.data)
    assert again.code_points is None
    np.testing.assert_allclose(to_network(again), to_network(photo).clip(0, 1), atol=0.012)


def test_a_float_keeps_highlights():
    photo = read_photo(png(pixels(16, 3), 9, tones.PQ))
    written = encode(photo, format="tiff", bit_depth=32)
    assert written.warnings == ()
    again = read_photo(written.data)
    assert again.linear
    assert again.pixels.max() > 10
    np.testing.assert_allclose(again.pixels, to_linear(photo).pixels)
    np.testing.assert_allclose(to_network(again), to_network(photo), rtol=1e-4, atol=1e-5)


def test_a_heic_in_pq_becomes_a_jpeg_that_looks_alike():
    """As Canon's HIF: the code points stand at the tiles."""
    pytest.importorskip("pi_heif")
    tile = boxes.picture(2, "heic", boxes.nclx(9, 16, 9), hidden=True)
    whole = boxes.grid(1, 1, 1, 64, 48, boxes.ispe(64, 48))
    photo = read_photo(boxes.make("heic", [whole, tile], references=[(b"dimg", 1, 2)]))
    assert photo.code_points == (9, 16)
    written = encode(photo)
    assert (written.format, len(written.warnings)) == ("jpeg", 1)
    shown = np.asarray(Image.open(io.BytesIO(written.data))) / 255
    assert np.abs(shown - to_network(photo).clip(0, 1)).mean() < 0.02


def test_light_of_pure_colours_in_other_primaries():
    """White stays white; pure green of BT.2020 lies outside sRGB (BT.2087's matrix)."""
    codes = np.array([[[38055] * 3, [0, 38055, 0]]], np.uint16)
    photo = Photo(pixels=codes, format="png", bit_depth=16, code_points=(9, 16))
    seen = to_network(photo)
    np.testing.assert_allclose(seen[0, 0], 1, atol=2e-3)
    np.testing.assert_allclose(seen[0, 1], encode_srgb(np.array([-0.5876, 1.1329, -0.1006])), atol=4e-3)
    brighter = from_network(seen * 1.2, photo)
    assert (brighter.pixels[0, 0] > codes[0, 0]).all()
    assert replace(brighter, pixels=codes).code_points == (9, 16)
