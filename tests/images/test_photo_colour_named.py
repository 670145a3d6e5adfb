"""Colours that a file names otherwise than by a profile of its own: EXIF, code points, gamma, chromaticities, YCbCr."""

import io
import struct
import zlib

import box_makers as boxes
import cv2
import imagecodecs
import numpy as np
import pytest
import tifffile
from photo_makers import (
    encode,
    encode_photo,
    exif,
    make_dng,
    make_jpeg,
    make_png,
    make_tiff,
    make_webp,
    pixels,
    profile,
)
from PIL import Image, TiffImagePlugin

from restorect.errors import ImageError
from restorect.images import cicp, icc
from restorect.images.colour import from_network, to_network
from restorect.images.curves import encode_srgb
from restorect.images.metadata import exif as exif_module
from restorect.images.metadata.exif import EXIF_IFD, INTEROP_IFD, names_adobe_rgb, sub_directory
from restorect.images.metadata.ifd import read_directory, read_head
from restorect.images.photo import Photo
from restorect.images.read import open_photo, read_photo

ADOBE = "Adobe RGB (compatible)"


def colour_exif(index, space, *, order="<", outside=False):
    """EXIF with a colour space and an interoperability index, by hand; some writers point to it from outside."""

    def entry(tag, kind, count, value):
        return struct.pack(order + "HHI", tag, kind, count) + value

    def directory(*entries):
        return struct.pack(order + "H", len(entries)) + b"".join(entries) + bytes(4)

    def pointer(tag, at):
        return entry(tag, 4, 1, struct.pack(order + "I", at))

    first_size = 2 + 12 * (1 + outside) + 4
    inner_at = 8 + first_size
    own = [entry(0xA001, 3, 1, struct.pack(order + "HH", space, 0))] if space is not None else []
    inner_count = len(own) + (index is not None and not outside)
    last_at = inner_at + 2 + 12 * inner_count + 4
    link = [] if index is None else [pointer(INTEROP_IFD, last_at)]
    block = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 8)
    block += directory(pointer(EXIF_IFD, inner_at), *(link if outside else []))
    block += directory(*own, *([] if outside else link))
    return block + (directory(entry(1, 2, 4, index + b"\0")) if index is not None else b"")


def pillow_exif(space):
    block = Image.Exif()
    block.get_ifd(EXIF_IFD)[0xA001] = space
    block.get_ifd(EXIF_IFD)[INTEROP_IFD] = {1: "R03"}
    return block.tobytes()[6:]


@pytest.mark.parametrize(
    ("block", "name", "adobe"),
    [
        (colour_exif(b"R03", 65535), "x.jpg", True),
        (colour_exif(b"R03", 65535, order=">", outside=True), "x.jpg", True),
        (colour_exif(b"R03", None), "x.jpg", True),
        (pillow_exif(65535), "x.jpg", True),
        (colour_exif(None, 2), "x.jpg", True),
        (colour_exif(None, 65535), "_DSC0001.JPG", True),
        (colour_exif(None, 65535), "DSC_0001.JPG", False),
        (colour_exif(None, 65535), "_holiday 2.jpg", False),
        (colour_exif(b"R98", 65535), "_DSC0001.JPG", False),
        (colour_exif(b"R98", 1), "x.jpg", False),
        (colour_exif(b"R03", 1), "x.jpg", False),
        (exif(1), "_DSC0001.JPG", False),
        (None, "_DSC0001.JPG", False),
        (b"II*\0", "_DSC0001.JPG", False),
    ],
)
def test_adobe_rgb_by_the_dcf_standard(block, name, adobe):
    assert names_adobe_rgb(block, name) == adobe
    if block is not None and exif_module.problem(block) is None:
        data = make_jpeg(pixels(8, 3), block=block)
        assert open_photo(data, name=f"some where/{name}").info.profile == (ADOBE if adobe else "sRGB")
        assert (read_photo(data, name=name).icc_profile == icc.adobe_rgb()) == adobe


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "tiff"])
def test_adobe_rgb_by_exif_is_read_and_written_as_such(kind):
    block = colour_exif(b"R03", 65535)
    make = {"jpeg": make_jpeg, "png": make_png, "webp": make_webp}.get(kind)
    if make is None:
        data = encode_photo(read_photo(make_png(pixels(8, 3), block=block), name="x"), format="tiff")
        data = tiff_without_profile(data)
    else:
        data = make(pixels(8, 3), block=block)
    photo = read_photo(data)
    assert photo.icc_profile == icc.adobe_rgb()
    reference = read_photo(make_png(photo.pixels, profile("adobe")))
    np.testing.assert_allclose(to_network(photo), to_network(reference), atol=1e-6)
    for strip in (False, True):
        again = read_photo(encode_photo(photo, strip_metadata=strip))
        assert again.icc_profile == icc.adobe_rgb()
        assert (again.metadata.exif is None) == strip
    assert names_adobe_rgb(read_photo(encode_photo(photo)).metadata.exif)


def tiff_without_profile(data):
    """Make the profile's tag another, unknown one."""
    head = read_head(data)
    first = read_directory(data, head.first, head)
    row = sorted(first.entries).index(34675)
    at = first.at + 2 + 12 * row
    assert data[at : at + 2] == struct.pack("<H", 34675)
    return data[:at] + struct.pack("<H", 34674) + data[at + 2 :]


def test_a_profile_or_the_file_s_own_word_counts_before_exif():
    block = colour_exif(b"R03", 65535)
    assert read_photo(make_jpeg(pixels(8, 3), profile("p3"), block)).icc_profile == profile("p3")
    plain = make_png(pixels(8, 3), block=block)
    chunk = struct.pack(">I4sB", 1, b"sRGB", 0) + struct.pack(">I", zlib.crc32(b"sRGB\0"))
    assert read_photo(plain[:33] + chunk + plain[33:]).icc_profile is None
    main = boxes.picture(1, "avif", boxes.nclx(1, 13), pixels=boxes.ramp())
    named = boxes.make("avif", [main, boxes.exif_item(2, block)], references=[(b"cdsc", 2, 1)])
    assert read_photo(named).icc_profile is None
    ink = io.BytesIO()
    Image.new("CMYK", (8, 8), (10, 20, 30, 40)).save(ink, "JPEG", exif=b"Exif\0\0" + block)
    assert read_photo(ink.getvalue()).icc_profile is None


@pytest.mark.parametrize("order", ["<", ">"])
def test_exif_does_not_say_adobe_rgb_of_what_was_converted(order):
    photo = read_photo(make_jpeg(pixels(8, 3), block=colour_exif(b"R03", 65535, order=order)))
    written = encode(photo, format="jxl")
    assert "are converted to sRGB" in written.warnings[0]
    block = read_photo(written.data).metadata.exif
    assert not names_adobe_rgb(block)
    assert sub_directory(block, EXIF_IFD).number(0xA001, order) == 1
    assert b"R98" in block
    from dataclasses import replace

    plain = replace(photo, icc_profile=None)
    assert read_photo(encode_photo(plain)).icc_profile is None


def test_a_raw_photo_set_to_adobe_rgb_is_no_adobe_rgb_when_developed():
    pytest.importorskip("rawpy")
    notes = (
        b'<rdf:RDF xmlns:rdf="r"><rdf:Description xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/" '
        b'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="4" crs:Exposure2012="+2.0"/></rdf:RDF>'
    )
    photo = read_photo(make_dng(1, (700, 1, len(notes), notes, True)))
    assert b'xmp:Rating="4"' in photo.metadata.xmp
    assert b"Exposure2012" not in photo.metadata.xmp
    from dataclasses import replace

    block = colour_exif(b"R03", 65535)
    said = replace(photo, metadata=replace(photo.metadata, exif=block))
    assert open_photo(encode_photo(said, format="jpeg")).info.profile == "sRGB"
    assert open_photo(encode_photo(said)).info.profile == "linear sRGB"


def test_a_grey_photo_in_adobe_rgb_has_its_tone_curve():
    photo = read_photo(make_jpeg(pixels(8, 1), block=colour_exif(b"R03", 65535)))
    assert (photo.channels, icc.space(photo.icc_profile)) == (1, "gray")
    codes = photo.pixels[..., 0] / 255
    np.testing.assert_allclose(to_network(photo)[..., 1], encode_srgb(codes**2.19921875), atol=2e-3)


def png_with(mode, **chunks):
    """A PNG by Pillow with colour chunks in front of its picture."""
    buffer = io.BytesIO()
    picture = Image.fromarray(pixels(8, 4))
    picture.convert(mode).save(buffer, "PNG")
    plain, extra = buffer.getvalue(), b""
    for kind, body in chunks.items():
        name = kind.encode()
        extra += struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    return plain[:33] + extra + plain[33:]


P3_XY = b"".join(round(v * 1e5).to_bytes(4, "big") for v in (0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06))


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
@pytest.mark.parametrize(
    ("chunks", "curve"),
    [
        ({"gAMA": (55556).to_bytes(4, "big")}, lambda v: v**1.8),
        ({"gAMA": (100000).to_bytes(4, "big"), "cHRM": P3_XY}, lambda v: v),
        ({"cICP": bytes([12, 4, 0, 1])}, lambda v: v**2.2),
        ({"iCCP": b"x\0\0" + zlib.compress(profile("prophoto"))}, lambda v: v**1.8),
    ],
    ids=["gamma", "gamma and chromaticities", "code points", "RGB profile"],
)
def test_png_colours_of_every_kind_of_png(mode, chunks, curve):
    """No RGB profile in a grey PNG, and no grey one in a coloured (PNG, 11.3.2.3); tones stay what they were."""
    data = png_with(mode, **chunks)
    photo = read_photo(data)
    space = "gray" if mode in ("L", "LA") else "rgb"
    want = np.asarray(Image.open(io.BytesIO(data)))
    if photo.channels == 1:
        seen = to_network(photo)[..., 1]
        shown = photo.alpha > 0 if photo.alpha is not None else np.ones(seen.shape, bool)
        light = encode_srgb(curve(photo.pixels[..., 0] / 255))
        np.testing.assert_allclose(seen[shown], light[shown], atol=2e-3)
    for strip in (False, True):
        written = encode_photo(photo, strip_metadata=strip)
        picture = Image.open(io.BytesIO(written))
        np.testing.assert_array_equal(np.asarray(picture), want)
        assert icc._SPACES[picture.info["icc_profile"][16:20]] == space
        np.testing.assert_allclose(to_network(read_photo(written)), to_network(photo), atol=2e-3)
        assert np.abs(from_network(to_network(photo), photo).pixels.astype(int) - photo.pixels).max() <= 1


def test_a_grey_png_of_usual_tones_needs_no_profile():
    for chunks in ({}, {"gAMA": (45455).to_bytes(4, "big")}, {"cICP": bytes([9, 13, 0, 1])}):
        photo = read_photo(png_with("L", **chunks))
        assert photo.icc_profile is None
        assert "icc_profile" not in Image.open(io.BytesIO(encode_photo(photo))).info
    srgb = read_photo(png_with("L", iCCP=b"x\0\0" + zlib.compress(profile("srgb"))))
    assert (srgb.icc_profile, srgb.warnings) == (None, ())
    narrow = read_photo(png_with("RGB", cICP=bytes([1, 13, 0, 0])))
    assert narrow.warnings == ("its narrow range of codes is not followed",)


def test_grey_profiles_in_other_formats():
    """WebP stores grey as RGB; a grey TIFF or JPEG with an RGB profile may become a PNG; floats too."""
    grey = read_photo(make_tiff(pixels(8, 1), profile("grey22")))
    webp = read_photo(encode_photo(grey, format="webp", lossless=True))
    assert (webp.warnings, icc.space(webp.icc_profile)) == ((), "rgb")
    np.testing.assert_array_equal(webp.pixels, np.repeat(grey.pixels, 3, axis=2))
    np.testing.assert_allclose(to_network(webp), to_network(grey), atol=1e-4)
    mixed = read_photo(make_jpeg(pixels(8, 1), profile("adobe")))
    assert mixed.icc_profile == profile("adobe")
    png = encode_photo(mixed, format="png")
    assert Image.open(io.BytesIO(png)).info["icc_profile"][16:20] == b"GRAY"
    np.testing.assert_allclose(to_network(read_photo(png)), to_network(mixed), atol=1e-4)
    linear = read_photo(make_tiff(np.abs(pixels(32, 1)).clip(0, 1)))
    deep = encode_photo(linear, format="tiff", bit_depth=32)
    assert read_photo(deep).linear
    tagged = encode_photo(grey_float(), format="tiff")
    with tifffile.TiffFile(io.BytesIO(tagged)) as file:
        assert file.pages[0].iccprofile[16:20] == b"GRAY"
    np.testing.assert_allclose(to_network(read_photo(tagged)), to_network(grey_float()), atol=1e-4)


def grey_float():
    return Photo(pixels=np.abs(pixels(32, 1)).clip(0, 1).astype(np.float32), format="tiff", bit_depth=32)


def test_profiles_made_for_another_number_of_channels():
    ramp = np.linspace(0, 1, 999, dtype=np.float32)[None]
    for source in (icc.srgb(), icc.adobe_rgb(), profile("p3"), icc.linear_srgb()):
        light = icc.transform(np.repeat(ramp[..., None], 3, axis=2), source, icc.linear_srgb())[..., 1]
        grey = icc.grey_of(source)
        assert (icc.problem(grey, 1), icc.problem(grey, 3)) == (None, "it is for gray pictures")
        assert icc.reversible(grey)
        np.testing.assert_allclose(icc.transform(ramp, grey, icc.linear_srgb())[..., 1], light, atol=5e-5)
        back = icc.transform(np.repeat(ramp[..., None], 3, axis=2), icc.rgb_of(grey), icc.linear_srgb())
        np.testing.assert_allclose(back, np.repeat(light[..., None], 3, axis=2), atol=5e-5)
    assert icc.is_srgb(icc.rgb_of(icc.grey_of(icc.srgb())))


@pytest.mark.parametrize("kind", ["heic", "avif"])
@pytest.mark.parametrize("derived", ["grid", "iden of a grid"])
def test_colours_that_only_the_tiles_carry(kind, derived):
    """As iPhones with iOS 11 wrote HEIC, and Canon writes HIF."""
    if kind == "heic":
        pytest.importorskip("pi_heif")
    side = (64, 48) if kind == "heic" else (64, 64)
    tiles = [
        (boxes.prof(profile("p3")), lambda photo: photo.icc_profile == profile("p3")),
        (boxes.nclx(12, 13), lambda photo: icc.description(photo.icc_profile) == "Display P3"),
        (boxes.nclx(9, 16, 9), lambda photo: (photo.code_points, photo.warnings) == ((9, 16), ())),
    ]
    for colour, right in tiles:
        tile = boxes.picture(2, kind, colour, pixels=boxes.ramp(*side), hidden=True)
        twin = boxes.Item(3, tile.kind, tile.body, tile.properties, hidden=True)
        whole = boxes.grid(1, 1, 2, 2 * side[0], side[1], boxes.ispe(2 * side[0], side[1]))
        items, references, primary = [whole, tile, twin], [(b"dimg", 1, 2, 3)], 1
        if derived != "grid":
            items.append(boxes.Item(4, b"iden", properties=(boxes.ispe(2 * side[0], side[1]),)))
            references, primary = [*references, (b"dimg", 4, 1)], 4
        data = boxes.make(kind, items, primary=primary, references=references)
        assert right(read_photo(data) if kind == "heic" and derived == "grid" else probed(data))
    own = boxes.Item(1, b"grid", whole.body, (*whole.properties, boxes.nclx(1, 13)))
    own = boxes.make(kind, [own, tile, twin], references=[(b"dimg", 1, 2, 3)])
    assert open_photo(own).info.profile == "sRGB"
    assert open_photo(own).info.warnings == ()


def probed(data):
    """What the header says: not every decoder knows every derivation."""
    from types import SimpleNamespace

    from restorect.images.codecs.by_format import READERS
    from restorect.images.formats import sniff

    head = READERS[sniff(data)].header(data, 0)
    return SimpleNamespace(icc_profile=head.icc_profile, code_points=head.code_points, warnings=head.warnings)


def test_code_points_of_grey():
    assert cicp.profile(12, 13, grey=True) == (None, ())
    found, warnings = cicp.profile(1, 8, grey=True)
    assert (icc.space(found), warnings) == ("gray", ())
    main = boxes.picture(1, "avif", pixels=boxes.ramp()[..., 0])
    assert open_photo(boxes.make("avif", [main])).info.channels == 1


def ycbcr_tiff(colour, factors, *, coefficients=None, references=None, compression=1, order="<", size=(8, 4)):
    """A YCbCr TIFF of one colour, by hand from TIFF 6.0, section 21."""
    red, green, blue = coefficients or (0.299, 0.587, 0.114)
    blacks = references or (0, 255, 128, 255, 128, 255)
    luma = red * colour[0] + green * colour[1] + blue * colour[2]
    cb, cr = (colour[2] - luma) / (2 - 2 * blue), (colour[0] - luma) / (2 - 2 * red)
    codes = [
        round(value * (white - black) / full + black)
        for value, full, black, white in zip((luma, cb, cr), (255, 127, 127), blacks[::2], blacks[1::2], strict=True)
    ]
    across, down = -(-size[0] // factors[0]), -(-size[1] // factors[1])
    strip = bytes([codes[0]] * (factors[0] * factors[1]) + codes[1:]) * (across * down)
    strip = zlib.compress(strip) if compression == 8 else strip
    values = {256: (3, size[:1]), 257: (3, size[1:]), 258: (3, (8, 8, 8)), 259: (3, (compression,)), 262: (3, (6,))}
    values |= {277: (3, (3,)), 278: (3, size[1:]), 279: (4, (len(strip),)), 530: (3, factors)}
    if coefficients:
        values[529] = (5, [part for value in coefficients for part in (round(value * 10000), 10000)])
    if references:
        values[532] = (5, [part for value in references for part in (value, 1)])
    at = 8 + 2 + 12 * (len(values) + 1) + 4
    rows, behind = {}, b""
    for tag, (kind, numbers) in sorted(values.items()):
        packed = struct.pack(f"{order}{len(numbers)}{'H' if kind == 3 else 'I'}", *numbers)
        count = len(numbers) // 2 if kind == 5 else len(numbers)
        place = packed.ljust(4, b"\0") if len(packed) <= 4 else struct.pack(order + "I", at + len(behind))
        behind += packed if len(packed) > 4 else b""
        rows[tag] = struct.pack(order + "HHI", tag, kind, count) + place
    rows[273] = struct.pack(order + "HHII", 273, 4, 1, at + len(behind))
    mark = b"II" if order == "<" else b"MM"
    table = struct.pack(order + "H", len(rows)) + b"".join(rows[tag] for tag in sorted(rows)) + bytes(4)
    return mark + struct.pack(order + "HI", 42, 8) + table + behind + strip


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("compression", [1, 8])
@pytest.mark.parametrize(
    ("coefficients", "references"),
    [
        (None, None),
        ((0.2126, 0.7152, 0.0722), None),
        (None, (16, 235, 128, 240, 128, 240)),
        ((0.2126, 0.7152, 0.0722), (16, 235, 128, 240, 128, 240)),
    ],
)
def test_ycbcr_tiff_by_its_coefficients_and_its_black_and_white(coefficients, references, compression, order):
    colour = (60, 25, 90)
    data = ycbcr_tiff(
        colour, (1, 1), coefficients=coefficients, references=references, compression=compression, order=order
    )
    photo = read_photo(data)
    assert np.abs(photo.pixels.astype(int) - colour).max() <= 2
    libtiff = imagecodecs.tiff_decode(data, asrgb=True)[..., :3]
    assert np.abs(photo.pixels.astype(int) - libtiff).max() <= 1
    again = read_photo(encode_photo(photo))
    np.testing.assert_array_equal(again.pixels, photo.pixels)


def test_ycbcr_tiff_by_pillow_and_by_tifffile_with_16_bits():
    picture = Image.fromarray(pixels(8, 3)).convert("YCbCr")
    buffer = io.BytesIO()
    picture.save(buffer, "TIFF")
    seen = np.asarray(picture.convert("RGB")).astype(int)
    assert np.abs(read_photo(buffer.getvalue()).pixels - seen).max() <= 2
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, pixels(16, 3), photometric="ycbcr", metadata=None)
    with pytest.raises(ImageError, match="has 16-bit YCbCr colours, which are not supported: save it as RGB"):
        read_photo(buffer.getvalue())


def test_ycbcr_that_makes_no_sense_is_refused():
    for coefficients in ((0, 0, 0), (0.6, 0, 0.4), (9, 9, 9)):
        data = ycbcr_tiff((60, 25, 90), (1, 1), coefficients=(0.3, 0.6, 0.1))
        at = data.index(struct.pack("<6I", 3000, 10000, 6000, 10000, 1000, 10000))
        numbers = [part for value in coefficients for part in (int(value * 10000), 10000)]
        data = data[:at] + struct.pack("<6I", *numbers) + data[at + 24 :]
        with pytest.raises(ImageError, match="coefficients that make no sense: save it as RGB"):
            read_photo(data)


@pytest.mark.parametrize("maker", ["Pillow", "tifffile"])
def test_the_chromaticities_of_a_tiff(maker):
    """TIFF 6.0, section 20: white point and primaries; and a transfer function."""
    white, primaries = (0.3127, 0.329), (0.68, 0.32, 0.265, 0.69, 0.15, 0.06)
    table = [round(65535 * (code / 255) ** 1.8) for code in range(256)]
    for curve in (None, table):
        if maker == "Pillow":
            tags = TiffImagePlugin.ImageFileDirectory_v2()
            tags[318], tags[319] = white, primaries
            if curve:
                tags[301] = curve * 3
                tags.tagtype[301] = 3
            buffer = io.BytesIO()
            Image.fromarray(pixels(8, 3)).save(buffer, "TIFF", tiffinfo=tags)
        else:
            parts = [[part for value in some for part in (round(value * 10000), 10000)] for some in (white, primaries)]
            extra = [(318, 5, 2, parts[0], True), (319, 5, 6, parts[1], True)]
            extra += [(301, 3, 256, curve, True)] if curve else []
            buffer = io.BytesIO()
            tifffile.imwrite(buffer, pixels(8, 3), photometric="rgb", metadata=None, extratags=extra)
        photo = read_photo(buffer.getvalue())
        made = icc.make(((0.68, 0.32), (0.265, 0.69), (0.15, 0.06)), white, 1.8 if curve else None)
        reference = read_photo(make_png(pixels(8, 3), made))
        np.testing.assert_allclose(to_network(photo), to_network(reference), atol=4e-3)
        again = read_photo(encode_photo(photo, strip_metadata=True))
        np.testing.assert_array_equal(again.pixels, photo.pixels)
        assert again.icc_profile == photo.icc_profile


def test_chromaticities_of_srgb_and_of_nothing():
    for xy, told in (
        ((0.64, 0.33, 0.3, 0.6, 0.15, 0.06), ()),
        ((0, 0, 0, 0, 0, 0), ("its chromaticities make no sense",)),
    ):
        parts = [part for value in xy for part in (round(value * 10000), 10000)]
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, pixels(8, 3), photometric="rgb", metadata=None, extratags=[(319, 5, 6, parts, True)])
        photo = read_photo(buffer.getvalue())
        assert photo.icc_profile is None
        assert [line.split(":")[0] for line in photo.warnings] == list(told)


@pytest.mark.parametrize("kind", ["jpeg", "png", "tiff", "webp", "avif", "jxl", "bmp"])
@pytest.mark.parametrize("source", ["exif", "gamma", "profile", "tiles"])
def test_stripping_metadata_never_changes_what_colours_mean(kind, source):
    data = {
        "exif": make_jpeg(pixels(8, 3), block=colour_exif(b"R03", 65535)),
        "gamma": png_with("RGB", gAMA=(60000).to_bytes(4, "big"), cHRM=P3_XY),
        "profile": make_webp(pixels(8, 3), profile("prophoto")),
        "tiles": boxes.make("avif", [boxes.picture(1, "avif", boxes.nclx(12, 13), pixels=boxes.ramp())]),
    }[source]
    photo = read_photo(data)
    lossless = None if kind in ("jpeg", "bmp", "png", "tiff") else True
    kept, stripped = (
        read_photo(encode_photo(photo, format=kind, lossless=lossless, strip_metadata=strip, quality=100))
        for strip in (False, True)
    )
    np.testing.assert_array_equal(to_network(stripped), to_network(kept))
    seen = to_network(photo) if kind not in ("jxl", "bmp") else to_network(photo).clip(0, 1)
    assert np.abs(to_network(stripped) - seen).mean() < 0.03
    assert stripped.metadata.exif is stripped.metadata.xmp is None


def test_opencv_reads_the_grey_profile_of_our_png():
    """Its libpng drops a profile of the wrong kind with a warning, and keeps a right one."""
    data = np.frombuffer(encode_photo(read_photo(png_with("L", gAMA=(55556).to_bytes(4, "big")))), np.uint8)
    _, kinds, bodies = cv2.imdecodeWithMetadata(data, flags=cv2.IMREAD_UNCHANGED)
    found = [bytes(body) for kind, body in zip(kinds, bodies, strict=True) if kind == cv2.IMAGE_METADATA_ICCP]
    assert [body[16:20] for body in found] == [b"GRAY"]
