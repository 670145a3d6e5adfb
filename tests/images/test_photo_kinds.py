"""Kinds of files that are rare and valid: read as their other readers show them, or said to be unsupported."""

import io
import struct

import cv2
import imagecodecs
import numpy as np
import pytest
import tifffile
from photo_makers import make_hdr, make_tiff, pixels
from PIL import Image

from restorect.errors import ImageError
from restorect.images.read import open_photo, read_photo


def refusal(data):
    with pytest.raises(ImageError) as caught:
        read_photo(data, name="x")
    return str(caught.value)


# Animated AVIF


def avif_by_pillow(frames):
    buffer = io.BytesIO()
    pictures = [Image.fromarray(frame) for frame in frames]
    options = {"quality": 100, "subsampling": "4:4:4", "save_all": True, "duration": 100}
    pictures[0].save(buffer, "AVIF", append_images=pictures[1:], **options)
    return buffer.getvalue()


def avif_by_opencv(frames):
    animation = cv2.Animation()
    animation.frames = [np.ascontiguousarray(frame[..., ::-1]) for frame in frames]
    animation.durations = np.full(len(frames), 100, np.int32)
    done, coded = cv2.imencodeanimation(".avif", animation)
    assert done
    return coded.tobytes()


@pytest.mark.parametrize("make", [avif_by_pillow, avif_by_opencv])
def test_an_animated_avif_gives_its_first_frame_with_a_warning(make):
    data = make([np.roll(pixels(8, 3, size=(48, 64)), 8 * step, 1) for step in range(4)])
    shown = Image.open(io.BytesIO(data))
    assert shown.n_frames == 4
    photo = read_photo(data)
    assert photo.warnings == ("has 4 pages or frames: only the first is read, choose another with --page",)
    np.testing.assert_array_equal(photo.pixels, np.asarray(shown.convert("RGB")))
    shown.seek(2)
    np.testing.assert_array_equal(read_photo(data, page=2).pixels, np.asarray(shown.convert("RGB")))
    with pytest.raises(ImageError, match="has 4 pages, not 5"):
        read_photo(data, page=4)


def test_a_sequence_without_a_still_picture_beside_it():
    """As made by ffmpeg and GPAC: its size stands in the track alone."""
    data = avif_by_pillow([pixels(8, 3, size=(48, 64), seed=seed) for seed in range(3)])
    whole = read_photo(data)
    bare = data.replace(b"pitm", b"free", 1)
    photo = read_photo(bare)
    assert (photo.width, photo.height, photo.pages) == (64, 48, 3)
    np.testing.assert_array_equal(photo.pixels, whole.pixels)


# TIFF


def tiff_file(tags, body):
    """A little-endian TIFF of one strip, by hand: `tags` is {tag: (type 3 or 4, values)}."""
    tags = {**tags, 273: (4, [0]), 279: (4, [len(body)])}
    at = 8 + 2 + 12 * len(tags) + 4
    rows, long = b"", b""
    for tag, (kind, values) in sorted(tags.items()):
        packed = struct.pack(f"<{len(values)}{'HI'[kind - 3]}", *values)
        if len(packed) > 4:
            packed, long = struct.pack("<I", at + len(long)), long + packed
        rows += struct.pack("<HHI", tag, kind, len(values)) + packed.ljust(4, b"\0")
    data = b"II*\0" + struct.pack("<IH", 8, len(tags)) + rows + bytes(4) + long
    place = data.index(struct.pack("<HHI", 273, 4, 1)) + 8
    return data[:place] + struct.pack("<I", len(data)) + data[place + 4 :] + body


BITS = (np.indices((48, 64)).sum(0) // 8 % 2).astype(np.uint8)


def two_colours_by_hand():
    size = {256: (4, [64]), 257: (4, [48]), 278: (4, [48])}
    kind = {258: (3, [1]), 259: (3, [1]), 262: (3, [3]), 277: (3, [1])}
    colours = {320: (3, [0x2000, 0xE000, 0x3000, 0xD000, 0x8000, 0x4000])}
    return tiff_file({**size, **kind, **colours}, np.packbits(BITS, axis=1).tobytes())


def two_colours_by_pillow():
    picture = Image.fromarray(BITS).convert("P")
    picture.putpalette([0x20, 0x30, 0x80, 0xE0, 0xD0, 0x40])
    buffer = io.BytesIO()
    picture.save(buffer, "TIFF", bits=1)
    return buffer.getvalue()


@pytest.mark.parametrize("make", [two_colours_by_hand, two_colours_by_pillow])
def test_a_palette_of_two_colours(make):
    photo = read_photo(make())
    assert photo.warnings == ()
    np.testing.assert_array_equal(photo.pixels, np.array([[0x20, 0x30, 0x80], [0xE0, 0xD0, 0x40]], np.uint8)[BITS])


def ycbcr_units(picture, across, down):
    """Rows of units of TIFF 6.0, section 21: the luma of a block of pixels, and its mean chroma."""
    height, width = picture.shape[:2]
    blocks = picture.reshape(height // down, down, width // across, across, 3).transpose(0, 2, 1, 3, 4)
    luma = blocks[..., 0].reshape(*blocks.shape[:2], -1)
    chroma = blocks[..., 1:].mean((2, 3)).round()
    return np.concatenate([luma, chroma], 2).astype(np.uint8).tobytes()


def rgb_of(picture, across, down):
    """What these units mean, by the coefficients of BT.601 and without smoothing: float."""
    height, width = picture.shape[:2]
    y, cb, cr = np.moveaxis(picture.astype(float), 2, 0)
    means = [plane.reshape(height // down, down, width // across, across).mean((1, 3)).round() for plane in (cb, cr)]
    cb, cr = (np.repeat(np.repeat(mean, down, 0), across, 1) - 128 for mean in means)
    return np.clip(np.stack([y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb], 2), 0, 255)


@pytest.mark.parametrize(("across", "down"), [(2, 1), (2, 2), (4, 1)])
@pytest.mark.parametrize("turn", [1, 2, 3, 6, 8])
@pytest.mark.parametrize("coding", [1, 5, 8])
def test_subsampled_ycbcr_by_the_specification(across, down, turn, coding):
    from photo_makers import stored

    picture = np.asarray(Image.fromarray(pixels(8, 3, size=(24, 32))).convert("YCbCr"))
    body = ycbcr_units(picture, across, down)
    body = {1: bytes, 5: imagecodecs.lzw_encode, 8: imagecodecs.zlib_encode}[coding](body)
    size = {256: (4, [32]), 257: (4, [24]), 278: (4, [24]), 258: (3, [8, 8, 8]), 277: (3, [3])}
    kind = {259: (3, [coding]), 262: (3, [6]), 274: (3, [turn]), 530: (3, [across, down])}
    photo = read_photo(tiff_file({**size, **kind}, body))
    assert photo.warnings == ()
    found = stored(photo.pixels, turn)
    assert np.abs(found - rgb_of(picture, across, down)).max() <= 1.5


def test_subsampled_ycbcr_in_tiles_and_with_16_bits():
    picture = np.asarray(Image.fromarray(pixels(8, 3, size=(16, 16))).convert("YCbCr"))
    body = ycbcr_units(picture, 2, 2)
    size = {256: (4, [16]), 257: (4, [16]), 258: (3, [8, 8, 8]), 277: (3, [3]), 322: (4, [16]), 323: (4, [16])}
    kind = {259: (3, [1]), 262: (3, [6]), 530: (3, [2, 2])}
    data = tiff_file({**size, **kind}, body)
    head = data.index(struct.pack("<HHI", 273, 4, 1))
    data = data[:head] + data[head:].replace(struct.pack("<H", 273), struct.pack("<H", 324), 1)
    data = data.replace(struct.pack("<HHI", 279, 4, 1), struct.pack("<HHI", 325, 4, 1))
    assert np.abs(read_photo(data).pixels - rgb_of(picture, 2, 2)).max() <= 1.5
    assert "has 16-bit subsampled YCbCr colours, which is not supported" in refusal(
        tiff_file({**size, **kind, 258: (3, [16, 16, 16])}, bytes(2 * len(body)))
    )


@pytest.mark.parametrize("count", [True, False])
def test_jpeg_as_tiff_first_had_it(count):
    """A whole JPEG stream, named by the JPEGInterchangeFormat tag (TIFF 6.0, section 22)."""
    buffer = io.BytesIO()
    y, x = np.mgrid[:48, :64]
    ramps = np.stack([x * 4, y * 5, (x + y) * 2], 2).astype(np.uint8)
    Image.fromarray(ramps).save(buffer, "JPEG", quality=90)
    jpeg = buffer.getvalue()
    size = {256: (4, [64]), 257: (4, [48]), 278: (4, [48]), 258: (3, [8, 8, 8])}
    kind = {259: (3, [6]), 262: (3, [6]), 512: (3, [1]), 513: (4, [0]), 514: (4, [len(jpeg)]), 530: (3, [2, 2])}
    data = tiff_file({**size, **kind, **({277: (3, [3])} if count else {})}, jpeg)
    at = data.index(struct.pack("<HHI", 513, 4, 1)) + 8
    data = data[:at] + struct.pack("<I", len(data) - len(jpeg)) + data[at + 4 :]
    photo = read_photo(data)
    assert (photo.lossless, photo.channels) == (False, 3)
    shown = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    np.testing.assert_array_equal(photo.pixels, shown)
    assert np.abs(photo.pixels.astype(int) - ramps).mean() < 3


@pytest.mark.parametrize("coding", ["jpeg", "webp", "jpeg2000", "lerc", "png"])
def test_picture_codecs_in_tiff(coding):
    data = make_tiff(pixels(8, 3, size=(32, 48)), compression=coding)
    np.testing.assert_array_equal(read_photo(data).pixels, tifffile.imread(io.BytesIO(data)))


def test_a_compression_that_nobody_knows_is_not_called_damage():
    data = bytearray(make_tiff(pixels(8, 3)))
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        at = file.pages[0].tags["Compression"].valueoffset
    struct.pack_into("<H", data, at, 32809)  # ThunderScan
    text = "x: is compressed in a way that is not supported (32809): save it with LZW or Deflate"
    assert refusal(bytes(data)) == text


# Radiance HDR


def hdr_by_hand(codes, size=None, body=None):
    """Flat pixels; `codes` is H x W x 4."""
    height, width = codes.shape[:2]
    line = (size or f"-Y {height} +X {width}").encode()
    return b"#?RADIANCE\n# by hand\nFORMAT=32-bit_rle_rgbe\nEXPOSURE=1.0\n\n" + line + b"\n" + (body or codes.tobytes())


def hdr_codes(height=5, width=7):
    codes = np.random.default_rng(0).integers(2, 250, (height, width, 4)).astype(np.uint8)
    codes[..., 3] = 120 + codes[..., 3] % 16
    codes[0, 0, 3] = 0
    return codes


def hdr_light(codes):
    """The light that they mean (Ward 1991, without the half of real pixels), float32."""
    light = codes[..., :3] * np.ldexp(np.float32(1), codes[..., 3:].astype(int) - 136).astype(np.float32)
    return np.where(codes[..., 3:] > 0, light, 0).astype(np.float32)


def test_a_padded_size_line():
    data = make_hdr(np.abs(pixels(32, 3)))
    padded = data.replace(b"-Y 23 +X 37", b"-Y       23 +X       37")
    assert padded != data
    np.testing.assert_array_equal(read_photo(padded).pixels, imagecodecs.rgbe_decode(data))
    codes = hdr_codes()
    np.testing.assert_array_equal(read_photo(hdr_by_hand(codes, "-Y 00005  +X 00007")).pixels, hdr_light(codes))


@pytest.mark.parametrize(
    ("line", "turned"),
    [
        ("-Y {h} +X {w}", lambda a: a),
        ("-Y {h} -X {w}", lambda a: a[:, ::-1]),
        ("+Y {h} +X {w}", lambda a: a[::-1]),
        ("+Y {h} -X {w}", lambda a: a[::-1, ::-1]),
        ("+X {w} -Y {h}", lambda a: a.transpose(1, 0, 2)),
        ("-X {w} -Y {h}", lambda a: a[:, ::-1].transpose(1, 0, 2)),
        ("+X {w} +Y {h}", lambda a: a[::-1].transpose(1, 0, 2)),
        ("-X {w} +Y {h}", lambda a: a[::-1, ::-1].transpose(1, 0, 2)),
    ],
)
def test_the_eight_orders_of_an_hdr_s_pixels(line, turned):
    """Radiance's own words: -Y N +X M is the usual order, rows from the top, pixels from the left."""
    codes = hdr_codes()
    data = hdr_by_hand(np.ascontiguousarray(turned(codes)), line.format(h=5, w=7))
    assert (open_photo(data).info.width, open_photo(data).info.height) == (7, 5)
    np.testing.assert_array_equal(read_photo(data).pixels, hdr_light(codes))
    wide = np.ascontiguousarray(turned(np.tile(codes, (8, 8, 1))))
    plain = make_hdr(hdr_light(wide))
    usual = f"-Y {wide.shape[0]} +X {wide.shape[1]}".encode()
    coded = plain.replace(usual, line.format(h=40, w=56).encode())
    np.testing.assert_array_equal(read_photo(coded).pixels, hdr_light(np.tile(codes, (8, 8, 1))))


def test_the_run_lengths_of_old_hdr_files():
    codes = np.repeat(hdr_codes(4, 2), 150, axis=1)
    runs = b""
    for row in codes.reshape(-1, 150, 4):
        runs += row[0].tobytes() + bytes((1, 1, 1, 49)) + row[0].tobytes() + bytes((1, 1, 1, 99))
    np.testing.assert_array_equal(read_photo(hdr_by_hand(codes, body=runs)).pixels, hdr_light(codes))
    one = np.broadcast_to(hdr_codes(1, 1), (30, 40, 4))
    runs = one[0, 0].tobytes() + bytes((1, 1, 1, 1199 & 255, 1, 1, 1, 1199 >> 8))
    np.testing.assert_array_equal(read_photo(hdr_by_hand(one, body=runs)).pixels, hdr_light(one))
    assert "damaged or cut off (its pixels are cut off)" in refusal(hdr_by_hand(one, body=runs[:8]))


def test_hdr_in_xyz_is_not_called_damage():
    data = make_hdr(np.abs(pixels(32, 3))).replace(b"rle_rgbe", b"rle_xyze")
    assert refusal(data) == "x: has XYZ colours, which are not supported: save it as RGB"


# BMP


def bmp_by_hand(codes, masks, *, head=56, coding=3, upwards=True):
    """A BMP of bit fields: `codes` H x W of uint16 or uint32."""
    height, width = codes.shape
    bits = 8 * codes.itemsize
    rows = [row.tobytes() + bytes(-len(row.tobytes()) % 4) for row in (codes[::-1] if upwards else codes)]
    fields = struct.pack(f"<{len(masks)}I", *masks)
    header = struct.pack(
        "<IiiHHIIiiII", head, width, height if upwards else -height, 1, bits, coding, 0, 3937, 3937, 0, 0
    )
    header = (header + fields).ljust(head, b"\0")
    body = b"".join(rows)
    return b"BM" + struct.pack("<IHHI", 14 + len(header) + len(body), 0, 0, 14 + len(header)) + header + body


FIELDS = {
    "565": (np.uint16, (0xF800, 0x7E0, 0x1F, 0)),
    "555": (np.uint16, (0x7C00, 0x3E0, 0x1F, 0)),
    "1555": (np.uint16, (0x7C00, 0x3E0, 0x1F, 0x8000)),
    "4444": (np.uint16, (0xF00, 0xF0, 0xF, 0xF000)),
    "231": (np.uint16, (0x3, 0x1C, 0x20, 0)),
    "bgra": (np.uint32, (0xFF0000, 0xFF00, 0xFF, 0xFF000000)),
    "rgba": (np.uint32, (0xFF, 0xFF00, 0xFF0000, 0xFF000000)),
    "7 bits": (np.uint32, (0xFE00000, 0x3F8, 0xFC00, 0)),
    "10 bits": (np.uint32, (0x3FF00000, 0xFFC00, 0x3FF, 0xC0000000)),
    "11 bits": (np.uint32, (0xFFE00000, 0x1FFC00, 0x3FF, 0)),
}


def stretched(codes, mask, full):
    """A channel, by whole numbers one at a time."""
    shift, top = (mask & -mask).bit_length() - 1, mask >> ((mask & -mask).bit_length() - 1)
    return np.array([[((int(code) & mask) >> shift) * full / top for code in row] for row in codes])


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize("upwards", [True, False])
def test_bit_fields_of_a_bmp(name, upwards):
    depth, masks = FIELDS[name]
    codes = np.random.default_rng(0).integers(0, np.iinfo(depth).max, (7, 9), endpoint=True).astype(depth)
    photo = read_photo(bmp_by_hand(codes, masks, upwards=upwards))
    full = 65535 if name in ("10 bits", "11 bits") else 255
    assert (photo.bit_depth, photo.format, photo.warnings) == (16 if full > 255 else 8, "bmp", ())
    assert photo.metadata.dpi == pytest.approx((100, 100), abs=0.01)
    for at in range(3):
        assert np.abs(photo.pixels[..., at] - stretched(codes, masks[at], full)).max() <= 0.5
    assert (photo.alpha is None) == (not masks[3])
    if masks[3]:
        assert np.abs(photo.alpha - stretched(codes, masks[3], full)).max() <= 0.5


def test_where_the_masks_of_a_bmp_stand():
    codes = np.arange(64, dtype=np.uint16).reshape(8, 8) * 1000
    masks = (0xF00, 0xF0, 0xF, 0xF000)
    inside = read_photo(bmp_by_hand(codes, masks, head=124))
    opaque = read_photo(bmp_by_hand(codes, masks[:3], head=52))
    behind = read_photo(bmp_by_hand(codes, masks[:3], head=40))
    with_alpha = read_photo(bmp_by_hand(codes, masks, head=40, coding=6))
    for one in (opaque, behind, with_alpha):
        np.testing.assert_array_equal(one.pixels, inside.pixels)
    assert opaque.alpha is behind.alpha is None
    np.testing.assert_array_equal(with_alpha.alpha, inside.alpha)


def test_bit_fields_as_other_readers_show_them():
    """OpenCV writes 32 bits with alpha by bit fields; Pillow reads 24 of 32 in another order than ours."""
    want = pixels(8, 4)
    data = cv2.imencode(".bmp", np.ascontiguousarray(want[..., [2, 1, 0, 3]]))[1].tobytes()
    assert struct.unpack_from("<I", data, 30)[0] == 3
    photo = read_photo(data)
    np.testing.assert_array_equal(np.dstack([photo.pixels, photo.alpha]), want)
    codes = np.random.default_rng(1).integers(0, 2**32, (5, 6)).astype(np.uint32)
    data = bmp_by_hand(codes, (0xFF000000, 0xFF0000, 0xFF00, 0))
    np.testing.assert_array_equal(read_photo(data).pixels, np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))


def test_bit_fields_that_make_no_picture_are_refused():
    codes = np.zeros((4, 4), np.uint16)
    for masks in ((0, 0, 0, 0), (0xF0F, 0xF0, 0xF000, 0), (0xF0000, 0xF0, 0xF, 0)):
        assert "bit fields that are not supported" in refusal(bmp_by_hand(codes, masks))
    assert "its pixels are cut off" in refusal(bmp_by_hand(codes, (0xF00, 0xF0, 0xF, 0))[:-3])


@pytest.mark.parametrize(
    ("head", "bits", "coding", "says"),
    [
        (40, 0, 4, "a JPEG inside"),
        (40, 0, 5, "a PNG inside"),
        (64, 24, 4, "run lengths of 24 bits"),
        (64, 1, 3, "Huffman coding"),
        (124, 32, 11, "CMYK colours"),
        (40, 2, 0, "2 bits a pixel"),
        (16, 24, 0, "a short OS/2 header"),
    ],
)
def test_bmps_that_are_not_supported_are_not_called_damaged(head, bits, coding, says):
    header = struct.pack("<IiiHHIIiiII", head, 4, 4, 1, bits, coding, 0, 0, 0, 0, 0).ljust(head, b"\0")
    data = b"BM" + struct.pack("<IHHI", 14 + len(header) + 64, 0, 0, 14 + len(header)) + header + bytes(64)
    assert refusal(data) == f"x: is a BMP with {says}, which is not supported: save it as 24-bit RGB or PNG"


# Kinds of JPEG


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (bytes(imagecodecs.jpegls_encode(pixels(8, 3))), "near-lossless (JPEG-LS) JPEG, which is not supported"),
        (bytes(imagecodecs.ljpeg_encode(pixels(8, 1)[..., 0])), "lossless JPEG, which is not supported"),
    ],
    ids=["JPEG-LS", "lossless"],
)
def test_codings_of_jpeg_that_are_not_supported_are_named(data, says):
    assert says in refusal(data)
    assert "damaged" not in refusal(data)


# Channels of JPEG XL


@pytest.mark.parametrize("further", [1, 2, 5])
def test_a_grey_jpeg_xl_with_further_channels(further):
    """The codec at hand gives them one behind the other; none of them is alpha."""
    planes = np.moveaxis(pixels(8, 1 + further, size=(48, 64)), -1, 0)
    data = bytes(imagecodecs.jpegxl_encode(planes, lossless=True, planar=True))
    photo = read_photo(data)
    np.testing.assert_array_equal(photo.pixels[..., 0], planes[0])
    assert photo.alpha is None
    assert photo.beside == ("further channel",)
