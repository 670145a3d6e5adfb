"""Colours for the network and back: profiles, linear light, grey, CMYK, hidden pixels."""

import io
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from photo_makers import cmyk_profile, encode, encode_photo, make_jpeg, make_png, make_tiff, pixels, profile
from PIL import Image, ImageCms

from restorect.errors import ImageError
from restorect.images import icc
from restorect.images.colour import from_network, to_linear, to_network, to_srgb
from restorect.images.curves import decode_srgb, encode_srgb
from restorect.images.photo import Photo
from restorect.images.read import open_photo, read_photo


def photo_of(pixels_hwc, **more):
    depth = {"uint8": 8, "uint16": 16, "float32": 32}[str(pixels_hwc.dtype)]
    return Photo(pixels=pixels_hwc, format="tiff", bit_depth=depth, **more)


def test_srgb_curve_closed_form_and_oddness():
    linear = np.array([0, 0.0031308, 0.18, 0.5, 1, 4, -0.18], np.float32)
    known = [0, 12.92 * 0.0031308, 0.46135613, 0.73535698, 1, 1.055 * 4 ** (1 / 2.4) - 0.055, -0.46135613]
    np.testing.assert_allclose(encode_srgb(linear), known, atol=2e-6)
    np.testing.assert_allclose(decode_srgb(np.array(known, np.float32)), linear, atol=3e-6)


@given(st.lists(st.floats(-20, 20, width=32), min_size=1, max_size=30))
@settings(max_examples=100, deadline=None)
def test_srgb_curve_round_trip(values):
    array = np.array(values, np.float32)
    np.testing.assert_allclose(decode_srgb(encode_srgb(array)), array, rtol=3e-5, atol=1e-6)
    np.testing.assert_array_equal(encode_srgb(-array), -encode_srgb(array))


def test_every_code_without_a_profile_is_exact():
    for dtype, top in ((np.uint8, 256), (np.uint16, 65536)):
        codes = np.arange(top, dtype=dtype).reshape(-1, 16, 1)
        for channels in (1, 3):
            photo = photo_of(np.repeat(codes, channels, axis=2))
            back = from_network(to_network(photo), photo)
            np.testing.assert_array_equal(back.pixels, photo.pixels)
            assert back.pixels.dtype == dtype


def test_display_p3_against_the_published_matrix():
    """Pure P3 green in sRGB: red and blue below zero, green above one (CSS Color 4's matrices)."""
    photo = photo_of(np.array([[[0, 65535, 0], [65535, 65535, 65535], [32768, 32768, 32768]]], np.uint16))
    photo = replace(photo, icc_profile=profile("p3"))
    seen = to_network(photo)
    matrix = np.array([[1.2249401, -0.2249404, 0], [-0.0420569, 1.0420571, 0], [-0.0196376, -0.0786361, 1.0982735]])
    linear = np.clip(photo.pixels[0] / 65535, 0, 1) ** 2.2 @ matrix.T
    np.testing.assert_allclose(seen[0], encode_srgb(linear), atol=6e-4)
    assert seen[0, 0].min() < -0.4
    assert seen[0, 0].max() > 1.01


def test_a_saturated_colour_survives_a_change_elsewhere():
    """ProPhoto's green is far outside sRGB: adding light to it and taking it away again loses nothing."""
    want = np.array([[[0, 65535, 0], [1000, 60000, 2000]]], np.uint16)
    photo = replace(photo_of(want), icc_profile=profile("prophoto"))
    changed = to_network(photo) + np.float32(0.25)
    back = from_network(changed - np.float32(0.25), photo)
    assert np.abs(back.pixels.astype(int) - want).max() <= 2


def test_profiles_against_pillow_in_8_bit():
    want = pixels(8, 3)
    photo = read_photo(make_png(want, profile("adobe")))
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile("adobe")))
    target = ImageCms.ImageCmsProfile(io.BytesIO(profile("srgb")))
    there = ImageCms.profileToProfile(Image.fromarray(want), source, target, renderingIntent=1, outputMode="RGB")
    seen = np.clip(to_network(photo), 0, 1) * 255
    assert np.abs(seen - np.asarray(there)).max() < 1.6


def test_rounding_never_truncation_and_clipping_only_at_the_end():
    photo = photo_of(np.zeros((1, 5, 3), np.uint8))
    rgb = np.repeat(np.array([0.499, 0.501, 254.6, -30, 300], np.float32)[None, :, None] / 255, 3, axis=2)
    np.testing.assert_array_equal(from_network(rgb, photo).pixels[0, :, 0], [0, 1, 255, 0, 255])
    np.testing.assert_array_equal(from_network(rgb, photo, bit_depth=16).pixels[0, 2:, 0], [65432, 0, 65535])
    np.testing.assert_allclose(from_network(rgb, photo, bit_depth=32).pixels, rgb)


def test_grey_stays_grey_and_is_weighed_by_light():
    photo = photo_of(pixels(16, 1))
    seen = to_network(photo)
    assert (seen[..., 0] == seen[..., 2]).all()
    tinted = seen + np.array([0.1, 0, 0], np.float32)
    back = from_network(tinted, photo)
    assert back.pixels.shape == photo.pixels.shape
    expected = encode_srgb(decode_srgb(tinted) @ np.array([0.2126, 0.7152, 0.0722]))
    assert np.abs(back.pixels[..., 0] / 65535 - np.clip(expected, 0, 1)).max() < 1e-4


def test_linear_input_is_tone_encoded_and_unbounded():
    want = pixels(32, 3)
    photo = read_photo(make_tiff(want))
    assert photo.linear
    assert want.min() < 0 < 1 < want.max()
    seen = to_network(photo)
    np.testing.assert_allclose(seen, encode_srgb(want), atol=1e-6)
    np.testing.assert_allclose(from_network(seen, photo).pixels, want, rtol=1e-4, atol=1e-6)
    tagged = read_photo(make_tiff(want, profile("srgb")))
    assert not tagged.linear
    np.testing.assert_array_equal(to_network(tagged), want)


def test_numbers_that_are_none_stay_and_disturb_no_one():
    want = pixels(32, 3)
    want[3, 4, 1], want[5, 6] = np.nan, np.inf
    photo = read_photo(make_tiff(want))
    assert "2 pixels are not finite" in photo.warnings[0]
    seen = to_network(photo)
    assert np.isfinite(seen).all()
    back = from_network(seen, photo)
    np.testing.assert_array_equal(back.pixels[3, 4], want[3, 4])
    np.testing.assert_array_equal(back.pixels[5, 6], want[5, 6])
    with pytest.raises(ImageError, match="not numbers"):
        from_network(np.where(np.ones_like(seen) > 0, np.nan, seen), photo)


def test_transparent_pixels_do_not_disturb_their_neighbours():
    want = pixels(8, 4)
    want[..., 3] = 255
    want[5:9, 5:9, 3] = 0
    want[5:9, 5:9, :3] = (255, 0, 255)
    photo = read_photo(make_png(want))
    seen = to_network(photo)
    visible = {tuple(colour) for colour in (want[want[..., 3] > 0][:, :3]).tolist()}
    shown = {tuple(colour) for colour in np.rint(seen[5:9, 5:9] * 255).astype(int).reshape(-1, 3).tolist()}
    assert shown <= visible
    assert (255, 0, 255) not in shown
    np.testing.assert_allclose(seen[5, 5] * 255, want[4, 5, :3], atol=80)
    darker = from_network(seen * 0.5, photo)
    np.testing.assert_array_equal(darker.pixels[5:9, 5:9], want[5:9, 5:9, :3])
    np.testing.assert_array_equal(darker.alpha, want[..., 3])
    assert np.abs(darker.pixels[0, 2:].astype(float) - want[0, 2:, :3] * 0.5).max() <= 0.5
    empty = replace(photo, alpha=np.zeros_like(photo.alpha))
    assert (to_network(empty) == 0).all()


def test_premultiplied_alpha_is_made_straight_with_a_warning():
    want = pixels(16, 4)
    share = want[..., 3:] / 65535
    multiplied = want.copy()
    multiplied[..., :3] = np.rint(want[..., :3] * share)
    buffer = io.BytesIO()
    import tifffile

    tifffile.imwrite(buffer, multiplied, photometric="rgb", extrasamples=["assocalpha"], metadata=None)
    photo = read_photo(buffer.getvalue())
    assert photo.warnings == ("its premultiplied alpha is made straight",)
    solid = want[..., 3] > 6000
    assert np.abs(photo.pixels.astype(int) - want[..., :3])[solid].max() <= 6


@pytest.mark.parametrize("with_profile", [True, False])
def test_cmyk_jpeg_is_converted_through_its_profile(with_profile):
    ink = Image.new("CMYK", (32, 16), (0, 0, 0, 0))
    ink.paste((0, 255, 0, 0), (16, 0, 32, 16))
    buffer = io.BytesIO()
    options = {"icc_profile": cmyk_profile()} if with_profile else {}
    ink.save(buffer, "JPEG", quality=100, **options)
    photo = read_photo(buffer.getvalue())
    assert (photo.channels, photo.bit_depth, photo.icc_profile) == (3, 8, None)
    assert "its CMYK colours are converted to sRGB" in photo.warnings
    assert ("it has no CMYK profile: its colours are a guess" in photo.warnings) != with_profile
    paper, magenta = photo.pixels[8, 4].astype(int), photo.pixels[8, 28].astype(int)
    assert paper.min() > 245
    if with_profile:
        target = ImageCms.ImageCmsProfile(io.BytesIO(profile("srgb")))
        source = ImageCms.ImageCmsProfile(io.BytesIO(cmyk_profile()))
        stored = Image.open(io.BytesIO(buffer.getvalue()))
        oracle = ImageCms.profileToProfile(stored, source, target, renderingIntent=1, outputMode="RGB")
        assert np.abs(photo.pixels.astype(int) - np.asarray(oracle)).max() <= 3
    else:
        assert magenta[1] < 10
        assert magenta[0] > 245
    assert read_photo(encode_photo(photo)).format == "jpeg"


def test_a_damaged_or_foreign_profile_is_dropped_with_a_warning():
    for bad in (b"not a profile" * 20, profile("p3")[:200], cmyk_profile(), profile("grey22")):
        photo = read_photo(make_jpeg(pixels(8, 3), bad))
        assert photo.icc_profile is None
        assert len(photo.warnings) == 1
        assert photo.warnings[0].startswith("its colour profile cannot be used, sRGB is assumed: ")


def test_grey_photo_with_rgb_profile():
    photo = replace(photo_of(pixels(16, 1)), icc_profile=profile("adobe"))
    assert icc.problem(profile("adobe"), 1) is None
    back = from_network(to_network(photo), photo)
    assert np.abs(back.pixels.astype(int) - photo.pixels).max() <= 1


def png_with(**chunks):
    import struct
    import zlib

    plain = cv2.imencode(".png", np.full((4, 4, 3), 128, np.uint8))[1].tobytes()
    extra = b""
    for kind, body in chunks.items():
        name = kind.encode()
        extra += struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    return plain[:33] + extra + plain[33:]


def chrm(*xy):
    return b"".join(round(value * 1e5).to_bytes(4, "big") for value in xy)


def test_png_colour_chunks_in_their_order():
    srgb_xy = chrm(0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
    p3_xy = chrm(0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06)
    usual = (45455).to_bytes(4, "big")
    assert read_photo(png_with(sRGB=b"\0")).icc_profile is None
    assert read_photo(png_with(gAMA=usual)).icc_profile is None
    assert read_photo(png_with(gAMA=usual, cHRM=srgb_xy)).icc_profile is None
    assert read_photo(png_with(sRGB=b"\0", gAMA=(100000).to_bytes(4, "big"))).icc_profile is None
    linear = read_photo(png_with(gAMA=(100000).to_bytes(4, "big")))
    np.testing.assert_allclose(to_network(linear), encode_srgb(np.float32(128 / 255)), atol=1e-3)
    wide = read_photo(png_with(gAMA=usual, cHRM=p3_xy))
    assert wide.icc_profile is not None
    named = read_photo(png_with(cICP=bytes([12, 13, 0, 1]), sRGB=b"\0"))
    assert open_photo(encode_photo(named)).info.profile == "Display P3"
    assert icc.space(named.icc_profile) == "rgb"
    hdr = read_photo(png_with(cICP=bytes([9, 16, 0, 1])))
    assert (hdr.icc_profile, hdr.code_points, hdr.warnings) == (None, (9, 16), ())
    odd = read_photo(png_with(cICP=bytes([77, 16, 0, 1])))
    assert "PQ" in odd.warnings[0]
    nonsense = read_photo(png_with(gAMA=bytes(4), cHRM=srgb_xy))
    assert nonsense.warnings == ("its gAMA or cHRM chunk makes no sense: sRGB is assumed",)


def test_conversions_for_formats_without_a_profile():
    photo = read_photo(make_png(pixels(8, 3), profile("p3")))
    for kind in ("bmp", "jxl"):
        written = encode(photo, format=kind, lossless=True if kind == "jxl" else None)
        assert "are converted to sRGB" in written.warnings[0]
        seen = np.clip(to_network(photo), 0, 1) * 255
        assert np.abs(read_photo(written.data).pixels - seen).max() <= 0.51
    tagged = read_photo(make_png(pixels(8, 3), profile("srgb")))
    plain = encode(tagged, format="bmp")
    assert plain.warnings == ()
    np.testing.assert_array_equal(read_photo(plain.data).pixels, tagged.pixels)


def test_linear_and_encoded_forms_agree():
    photo = replace(photo_of(pixels(16, 3)), icc_profile=profile("p3"))
    seen = to_network(photo)
    np.testing.assert_allclose(to_network(to_linear(photo)), seen, atol=2e-5)
    flat = to_srgb(photo)
    assert flat.icc_profile is None
    np.testing.assert_allclose(to_network(flat), np.clip(seen, 0, 1), atol=1e-5)
    float_tiff = encode(photo_of(pixels(8, 3)), format="tiff", bit_depth=32)
    again = read_photo(float_tiff.data)
    assert (again.linear, again.bit_depth) == (False, 32)
    np.testing.assert_allclose(to_network(again), pixels(8, 3) / 255, atol=1e-6)
    dark = read_photo(make_tiff(np.abs(pixels(32, 3))))
    jpeg_like = encode(dark, format="png", bit_depth=8)
    assert any("tone curve" in line for line in jpeg_like.warnings)
    expected = np.clip(encode_srgb(dark.pixels), 0, 1) * 255
    assert np.abs(read_photo(jpeg_like.data).pixels - expected).max() <= 0.51


def test_wrong_shapes_and_depths_are_refused():
    photo = photo_of(pixels(8, 3))
    with pytest.raises(ImageError, match="does not fit"):
        from_network(np.zeros((3, 3, 3), np.float32), photo)
    with pytest.raises(ImageError, match="allowed are 8, 16, 32"):
        from_network(to_network(photo), photo, bit_depth=12)


def test_made_profiles_have_the_primaries_and_the_curve_asked_for():
    made = icc.make(((0.68, 0.32), (0.265, 0.69), (0.15, 0.06)), (0.3127, 0.329), None, "Display P3")
    assert icc.description(made) == "Display P3"
    assert made == icc.make(((0.68, 0.32), (0.265, 0.69), (0.15, 0.06)), (0.3127, 0.329), None, "Display P3")
    photo = replace(photo_of(np.array([[[0, 65535, 0], [9000, 9000, 9000]]], np.uint16)), icc_profile=made)
    linear = np.array([-0.2249404, 1.0420571, -0.0786361], np.float32)
    np.testing.assert_allclose(to_network(photo)[0, 0], encode_srgb(linear), atol=6e-4)
    np.testing.assert_allclose(to_network(photo)[0, 1], 9000 / 65535, atol=2e-4)
    wide = replace(photo_of(pixels(16, 3)), icc_profile=made)
    assert np.abs(from_network(to_network(wide), wide).pixels.astype(int) - wide.pixels).max() <= 1
    assert icc.is_srgb(icc.srgb())
    assert not icc.is_srgb(made)


def test_linear_light_that_loses_depth_is_tone_encoded():
    photo = read_photo(make_tiff(np.abs(pixels(32, 3))))
    for depth, full in ((8, 255), (16, 65535)):
        back = from_network(to_network(photo), photo, bit_depth=depth)
        assert (back.linear, back.icc_profile, back.bit_depth) == (False, None, depth)
        assert back.warnings == ("linear light is written with sRGB's tone curve, clipped to its range",)
        expected = np.clip(encode_srgb(photo.pixels), 0, 1) * full
        assert np.abs(back.pixels - expected).max() <= 0.51
