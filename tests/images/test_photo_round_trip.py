"""Read, write, read: the grid of format x depth x channels x profile x orientation, pixel for pixel."""

import io
import itertools

import cv2
import imagecodecs
import numpy as np
import pytest
import tifffile
from photo_makers import (
    FULL,
    encode,
    encode_photo,
    exif,
    make_avif,
    make_bmp,
    make_hdr,
    make_jpeg,
    make_jxl,
    make_png,
    make_tiff,
    make_webp,
    pixels,
    profile,
    stored,
)
from PIL import Image

from restorect.images.codecs import still
from restorect.images.colour import from_network, to_network
from restorect.images.metadata.exif import orientation
from restorect.images.orient import upright
from restorect.images.read import open_photo, read_photo

RGB_PROFILES = ("none", "srgb", "p3", "adobe", "prophoto")


def build(kind, array, icc, turn):
    block = exif(turn, thumbnail=False) if turn != 1 else None
    if kind == "tiff":
        return make_tiff(array, icc, turn)
    return {"png": make_png, "webp": make_webp, "avif": make_avif, "jpeg": make_jpeg}[kind](array, icc, block)


def decode_elsewhere(kind, data):
    """The pixels of a written file by another library than the reader's, H x W x C."""
    if kind == "tiff":
        return np.atleast_3d(tifffile.imread(io.BytesIO(data)))
    if kind == "png":
        if imagecodecs.png_decode(data).ndim == 3 and imagecodecs.png_decode(data).shape[2] == 2:
            return imagecodecs.png_decode(data)
        found = np.atleast_3d(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED))
        return found[..., {1: [0], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[found.shape[2]]]
    if kind == "jxl":
        return np.atleast_3d(imagecodecs.jpegxl_decode(data))
    return np.atleast_3d(np.asarray(Image.open(io.BytesIO(data))))


def grid():
    depths = {"png": (8, 16), "tiff": (8, 16, 32), "webp": (8,), "avif": (8,)}
    for kind, turn in itertools.product(depths, range(1, 9)):
        for depth, channels in itertools.product(depths[kind], (1, 2, 3, 4)):
            if (kind, channels) in {("webp", 1), ("webp", 2), ("avif", 2)}:
                continue
            if kind == "avif" and turn != 1:
                continue  # its EXIF orientation has no meaning; irot and imir have a test of their own
            names = ("none", "grey22") if channels < 3 else RGB_PROFILES
            for name in names if turn in (1, 6) else names[:1]:
                yield kind, depth, channels, name, turn


@pytest.mark.parametrize(("kind", "depth", "channels", "name", "turn"), list(grid()))
def test_every_lossless_format_keeps_every_pixel(kind, depth, channels, name, turn):
    want = pixels(depth, channels)
    photo = read_photo(build(kind, stored(want, turn), profile(name), turn))
    colours = channels - (channels in (2, 4))
    assert photo.format == kind
    assert photo.pixels.dtype == want.dtype
    np.testing.assert_array_equal(photo.pixels, want[..., :colours])
    if channels in (2, 4):
        np.testing.assert_array_equal(photo.alpha, want[..., colours])
    else:
        assert photo.alpha is None
    assert photo.icc_profile == profile(name)
    assert (photo.bit_depth, photo.warnings) == (depth, ())

    written = encode(photo)
    assert (written.format, written.warnings) == (kind, ())
    np.testing.assert_array_equal(decode_elsewhere(kind, written.data), want)
    again = read_photo(written.data)
    np.testing.assert_array_equal(again.pixels, photo.pixels)
    assert again.icc_profile == photo.icc_profile
    assert again.linear == photo.linear
    assert open_photo(written.data).info.orientation == 1
    assert orientation(again.metadata.exif) == 1


@pytest.mark.parametrize(
    ("depth", "channels", "name"),
    [*itertools.product((8, 16), (1, 2), ("none", "grey22")), *itertools.product((8, 16), (3, 4), RGB_PROFILES)],
)
def test_through_the_network_s_colours_and_back(depth, channels, name):
    """Unchanged pixels come back exactly without a profile, and within one code with one."""
    photo = read_photo(make_tiff(pixels(depth, channels), profile(name)))
    seen = to_network(photo)
    assert (seen.dtype, seen.shape) == (np.float32, (photo.height, photo.width, 3))
    back = from_network(seen, photo)
    worst = np.abs(back.pixels.astype(int) - photo.pixels).max()
    assert worst <= (0 if name in ("none", "srgb") else 1)
    assert back.pixels.dtype == photo.pixels.dtype
    assert (back.alpha is None) == (channels in (1, 3))
    assert back.icc_profile == photo.icc_profile


@pytest.mark.parametrize("turn", range(1, 9))
def test_jpeg_is_upright_and_written_upright(turn):
    want = pixels(8, 3)
    data = build("jpeg", stored(want, turn), None, turn)
    photo = read_photo(data)
    from PIL import ImageOps

    oracle = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    np.testing.assert_array_equal(photo.pixels, oracle)
    assert np.abs(photo.pixels.astype(int) - want).mean() < 6
    written = Image.open(io.BytesIO(encode_photo(photo)))
    assert written.getexif().get(0x0112, 1) == 1
    assert written.size == (want.shape[1], want.shape[0])
    assert np.abs(np.asarray(written).astype(int) - photo.pixels).mean() < 6


@pytest.mark.parametrize("turn", range(1, 9))
def test_avif_turns_by_its_own_properties(turn):
    """Pillow writes the EXIF orientation as irot and imir."""
    want = pixels(8, 3, size=(24, 40))
    buffer = io.BytesIO()
    tag = Image.Exif()
    tag[0x0112] = turn
    Image.fromarray(stored(want, turn)).save(buffer, "AVIF", quality=100, subsampling="4:4:4", exif=tag.tobytes())
    photo = read_photo(buffer.getvalue())
    assert photo.pixels.shape == want.shape
    assert np.abs(photo.pixels.astype(int) - want).mean() < 4


@pytest.mark.parametrize(("depth", "channels"), list(itertools.product((8, 16, 32), (1, 3, 4))))
def test_jpeg_xl_keeps_every_pixel(depth, channels):
    want = pixels(depth, channels) if depth != 32 else np.abs(pixels(depth, channels))
    photo = read_photo(make_jxl(want))
    colours = channels - (channels == 4)
    np.testing.assert_array_equal(photo.pixels, want[..., :colours])
    written = encode(photo)
    assert (written.format, written.warnings) == ("jxl", ())
    np.testing.assert_array_equal(decode_elsewhere("jxl", written.data), want)
    assert read_photo(written.data).lossless


@pytest.mark.parametrize("bits", [10, 12])
def test_deep_avif_keeps_every_code(bits):
    codes = (pixels(16, 3) >> (16 - bits)).astype(np.uint16)
    photo = read_photo(bytes(imagecodecs.avif_encode(codes, level=100, bitspersample=bits)))
    assert (photo.bit_depth, photo.stored_bits, photo.lossless) == (16, bits, True)
    assert photo.pixels.max() == 65535
    np.testing.assert_array_equal(np.rint(photo.pixels / 65535 * (2**bits - 1)), codes)
    written = encode(photo)
    assert written.warnings == ()
    np.testing.assert_array_equal(imagecodecs.avif_decode(written.data), codes)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_bmp_keeps_every_pixel(channels):
    want = pixels(8, channels)
    photo = read_photo(make_bmp(want))
    again = read_photo(encode_photo(photo))
    for one in (photo, again):
        np.testing.assert_array_equal(one.pixels, want[..., : 3 if channels == 4 else channels])
        assert (one.alpha is None) == (channels != 4)
        assert one.format == "bmp"


def test_hdr_keeps_every_code_and_is_linear():
    data = make_hdr(np.abs(pixels(32, 3)) * 20)
    photo = read_photo(data)
    assert (photo.linear, photo.bit_depth, photo.format) == (True, 32, "hdr")
    np.testing.assert_array_equal(photo.pixels, imagecodecs.rgbe_decode(data))
    assert photo.pixels.max() > 10
    np.testing.assert_array_equal(read_photo(encode_photo(photo)).pixels, photo.pixels)


@pytest.mark.parametrize("compression", [None, "lzw", "zlib"])
@pytest.mark.parametrize("layout", ["contig", "separate"])
@pytest.mark.parametrize("depth", [8, 16, 32])
def test_tiff_layouts_and_compressions(compression, layout, depth):
    want = pixels(depth, 3)
    data = make_tiff(want, planarconfig=layout, compression=compression, predictor=compression is not None)
    photo = read_photo(data)
    np.testing.assert_array_equal(photo.pixels, want)
    written = encode_photo(photo)
    with tifffile.TiffFile(io.BytesIO(written)) as file:
        assert file.pages[0].compression == {None: 1, "lzw": 5, "zlib": 8}[compression]
        np.testing.assert_array_equal(file.pages[0].asarray(), want)


def test_tiff_tiles_big_endian_and_bigtiff():
    want = pixels(16, 3, size=(70, 90))
    for options in ({"tile": (32, 32)}, {"byteorder": ">"}, {"bigtiff": True}, {"rowsperstrip": 7}):
        np.testing.assert_array_equal(read_photo(make_tiff(want, **options)).pixels, want)


def test_tiff_of_odd_depths_and_senses():
    want = pixels(8, 1)
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, 255 - want[..., 0], photometric="miniswhite", metadata=None)
    np.testing.assert_array_equal(read_photo(buffer.getvalue()).pixels, want)
    buffer = io.BytesIO()
    Image.fromarray(want[..., 0] > 128).save(buffer, "TIFF")
    np.testing.assert_array_equal(read_photo(buffer.getvalue()).pixels[..., 0], (want[..., 0] > 128) * np.uint8(255))
    buffer = io.BytesIO()
    Image.fromarray(pixels(8, 3)).quantize(16).save(buffer, "TIFF")
    oracle = np.asarray(Image.open(io.BytesIO(buffer.getvalue())).convert("RGB"))
    np.testing.assert_array_equal(read_photo(buffer.getvalue()).pixels, oracle)


@pytest.mark.parametrize("mode", ["1", "L", "P", "PA", "LA", "RGB", "RGBA"])
def test_png_modes_read_as_pillow_shows_them(mode):
    picture = Image.fromarray(pixels(8, 4))
    buffer = io.BytesIO()
    if mode == "PA":
        picture.convert("RGB").quantize(8).save(buffer, "PNG", transparency=0, bits=4)
    elif mode in ("1", "P"):
        picture.convert("RGB").convert(mode).save(buffer, "PNG")
    else:
        picture.convert(mode).save(buffer, "PNG")
    photo = read_photo(buffer.getvalue())
    shown = Image.open(io.BytesIO(buffer.getvalue())).convert("RGBA")
    found = photo.pixels if photo.channels == 3 else np.repeat(photo.pixels, 3, axis=2)
    np.testing.assert_array_equal(found, np.asarray(shown)[..., :3])
    alpha = np.full(found.shape[:2], 255, np.uint8) if photo.alpha is None else photo.alpha
    np.testing.assert_array_equal(alpha, np.asarray(shown)[..., 3])


@pytest.mark.parametrize("kind", ["png", "tiff"])
@pytest.mark.parametrize("channels", [1, 3])
def test_dark_16_bit_is_not_black(kind, channels, tmp_path):
    """At most 250 of 65535: an 8-bit reader would see nothing at all."""
    want = (pixels(16, channels).astype(np.uint32) * 250 // 65535).astype(np.uint16)
    path = tmp_path / f"dark.{kind}"
    path.write_bytes(make_png(want) if kind == "png" else make_tiff(want))
    photo = read_photo(path)
    assert (photo.bit_depth, int(photo.pixels.max())) == (16, 250)
    np.testing.assert_array_equal(photo.pixels, want)
    brighter = from_network(np.clip(to_network(photo) * 200, 0, 1), photo)
    assert abs(int(brighter.pixels.max()) - 50000) <= 1
    np.testing.assert_array_equal(from_network(to_network(photo), photo).pixels, want)
    np.testing.assert_array_equal(read_photo(encode_photo(photo)).pixels, want)


def test_animations_and_pages():
    frames = [pixels(8, 3, seed=seed) for seed in range(3)]
    cases = {}
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.stack(frames), photometric="rgb", metadata=None)
    cases["tiff"] = buffer.getvalue()
    for kind, options in (("PNG", {}), ("WEBP", {"lossless": True, "exact": True})):
        buffer = io.BytesIO()
        pictures = [Image.fromarray(frame) for frame in frames]
        pictures[0].save(buffer, kind, save_all=True, append_images=pictures[1:], duration=100, **options)
        cases[kind.lower()] = buffer.getvalue()
    from restorect.errors import ImageError

    for kind, data in cases.items():
        photo = read_photo(data)
        assert (photo.format, photo.pages) == (kind, 3)
        np.testing.assert_array_equal(photo.pixels, frames[0])
        assert len(photo.warnings) == 1
        assert "3 pages" in photo.warnings[0]
        second = read_photo(data, page=2)
        np.testing.assert_array_equal(second.pixels, frames[2])
        assert second.warnings == ()
        with pytest.raises(ImageError, match="has 3 pages, not 4"):
            read_photo(data, page=3)


@pytest.mark.parametrize(("angle", "axis"), list(itertools.product(range(4), (None, 0, 1))))
def test_rotation_and_mirror_properties_as_orientations(angle, axis):
    """Turned against the clock in quarters, then top and bottom (0) or left and right (1) exchanged."""
    stored_array = pixels(8, 3)
    turned = np.rot90(stored_array, angle)
    turned = turned if axis is None else (turned[::-1] if axis == 0 else turned[:, ::-1])
    found = still.Still()
    mirror = [] if axis is None else [(b"imir", bytes([axis]))]
    still._apply(found, [(b"irot", bytes([angle])), *mirror])
    np.testing.assert_array_equal(upright(stored_array, found.orientation), turned)


@pytest.mark.parametrize("depth", [8, 16])
def test_jpeg_xl_says_that_its_tones_are_srgb(depth):
    """The encoder alone would call 16-bit samples linear light, and every viewer would show them too bright."""
    photo = read_photo(encode_photo(read_photo(make_png(pixels(depth, 3))), format="jxl", lossless=True))
    assert (photo.linear, photo.icc_profile, photo.warnings) == (False, None, ())
    np.testing.assert_allclose(to_network(photo), pixels(depth, 3) / FULL[depth], atol=1e-6)
