"""What a file carries beside its picture is kept or told, and no output claims what it has not got."""

import io
import struct
import zlib

import box_makers as boxes
import cv2
import imagecodecs
import numpy as np
import pytest
import tifffile
from photo_makers import encode, make_jpeg, make_png, make_webp, pixels
from PIL import Image, PngImagePlugin, TiffImagePlugin

from restorect.images.read import open_photo, read_photo

LOST = "what lies beside its picture is not kept: "
CONTAINER = "http://ns.google.com/photos/1.0/container/"
GAIN_MAP = "http://ns.adobe.com/hdr-gain-map/1.0/"
CAMERA = "http://ns.google.com/photos/1.0/camera/"
DEPTH = "http://ns.google.com/photos/1.0/depthmap/"


def segment(marker, body):
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def with_segments(jpeg, *segments):
    return jpeg[:2] + b"".join(segments) + jpeg[2:]


def xmp_packet(namespaces, inside="", attributes=""):
    names = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in namespaces.items())
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" dc:source="kept" {names} '
        f"{attributes}>{inside}</rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()


def with_xmp(jpeg, packet):
    return with_segments(jpeg, segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + packet))


def directory(*meanings, prefixes=("Container", "Item")):
    """An XMP packet whose container lists things behind the picture."""
    outer, item = prefixes
    rows = "".join(
        f'<rdf:li rdf:parseType="Resource"><{outer}:Item {item}:Semantic="{meaning}" {item}:Length="9"/></rdf:li>'
        for meaning in ("Primary", *meanings)
    )
    names = {outer: CONTAINER, item: CONTAINER + "item/", "hdrgm": GAIN_MAP, "GCamera": CAMERA}
    attributes = 'hdrgm:Version="1.0"' if "GainMap" in meanings else ""
    attributes += ' GCamera:MotionPhoto="1" GCamera:MotionPhotoVersion="1"' if "MotionPhoto" in meanings else ""
    return xmp_packet(names, f"<{outer}:Directory><rdf:Seq>{rows}</rdf:Seq></{outer}:Directory>", attributes)


def small_jpeg(packet=None):
    data = make_jpeg(pixels(8, 1, size=(16, 24)))
    return data if packet is None else with_xmp(data, packet)


def mpo():
    """A multi-picture JPEG with two pictures, by Pillow."""
    buffer = io.BytesIO()
    second = Image.fromarray(pixels(8, 1, size=(16, 24))[..., 0])
    Image.fromarray(pixels(8, 3)).save(buffer, "MPO", save_all=True, append_images=[second])
    return buffer.getvalue()


def indexed(first, second, kind):
    """Two JPEGs with the index of the multi-picture format (CIPA DC-007), by hand."""
    size = len(first) + 4 + 4 + 50 + 32
    offset = size - 2 - 4 - 4  # from the index's own beginning, behind SOI, marker, length and `MPF`
    rows = struct.pack(">IIIHH", 0x030000, size, 0, 0, 0) + struct.pack(">IIIHH", kind, len(second), offset, 0, 0)
    tags = struct.pack(">HHI4s", 0xB000, 7, 4, b"0100") + struct.pack(">HHII", 0xB001, 4, 1, 2)
    tags += struct.pack(">HHII", 0xB002, 7, len(rows), 50)
    index = b"MM" + struct.pack(">HIH", 42, 8, 3) + tags + bytes(4) + rows
    data = with_segments(first, segment(0xE2, b"MPF\0" + index)) + second
    assert data[10 + offset :] == second
    return data


def tiff_with(*tags):
    """A TIFF with more tags, by tifffile."""
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, pixels(8, 3), photometric="rgb", metadata=None, extratags=tags)
    return buffer.getvalue()


def movie(tmp_path, maker):
    """A short MP4, by OpenCV or by hand."""
    if maker == "hand":
        return boxes.box(b"ftyp", b"mp42" + bytes(4)) + boxes.box(b"mdat", bytes(99)) + boxes.box(b"moov", bytes(8))
    path = tmp_path / "clip.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 10, (64, 48))
    for value in range(5):
        writer.write(np.full((48, 64, 3), value * 40, np.uint8))
    writer.release()
    return path.read_bytes()


def lost(data, *names, format=None):
    """Read, write, and hold what is told against `names`; gives the file written, as read again."""
    photo = read_photo(data)
    assert photo.beside == open_photo(data).info.beside == names
    written = encode(photo, format=format)
    assert [line for line in written.warnings if line.startswith(LOST)] == ([LOST + ", ".join(names)] if names else [])
    again = read_photo(written.data)
    assert again.beside == ()
    assert again.pages == 1
    return again


def ultra_hdr_by_libultrahdr():
    y, x = np.mgrid[:64, :96]
    light = np.stack([x / 96, y / 64, (x + y) / 160, np.ones_like(x)], -1).astype(np.float16)
    return bytes(imagecodecs.ultrahdr_encode(light))


GAIN = small_jpeg(xmp_packet({"hdrgm": GAIN_MAP}, attributes='hdrgm:Version="1.0" hdrgm:GainMapMax="3"'))
APPLE = small_jpeg(
    xmp_packet(
        {"HDRGainMap": "http://ns.apple.com/HDRGainMap/1.0/", "apdi": "http://ns.apple.com/pixeldatainfo/1.0/"},
        attributes='HDRGainMap:HDRGainMapVersion="65536" '
        'apdi:AuxiliaryImageType="urn:com:apple:photo:2020:aux:hdrgainmap"',
    )
)
GAIN_MAPS = {
    "libultrahdr": ultra_hdr_by_libultrahdr(),
    "google": with_xmp(make_jpeg(pixels(8, 3)), directory("GainMap")) + GAIN,
    "google, only its directory tells": with_xmp(make_jpeg(pixels(8, 3)), directory("GainMap")) + small_jpeg(),
    "other prefixes": with_xmp(make_jpeg(pixels(8, 3)), directory("GainMap", prefixes=("C", "I"))) + small_jpeg(),
    "apple": indexed(make_jpeg(pixels(8, 3)), APPLE, 0),
}


@pytest.mark.parametrize("name", GAIN_MAPS)
@pytest.mark.parametrize("kind", ["jpeg", "png", "avif"])
def test_the_gain_map_of_a_jpeg(name, kind):
    """It describes the highlights of the picture before it was restored: it is told, and no one claims it."""
    data = GAIN_MAPS[name]
    again = lost(data, "gain map", format=kind)
    for claim in (b"hdr-gain-map", b"GainMap", b"hdrgm", b"21496", b"MPF\0", b"photos/1.0/container"):
        assert claim not in encode(read_photo(data), format=kind).data
    if "google" in name:
        assert b'dc:source="kept"' in again.metadata.xmp


def test_the_gain_map_of_an_avif():
    """As libavif writes it: a tone-mapped picture derived from the two."""
    main, gain = boxes.picture(1, "avif", pixels=boxes.ramp()), boxes.picture(2, "avif", pixels=boxes.ramp(32, 24))
    items = [main, gain, boxes.Item(3, b"tmap", bytes(40), (boxes.ispe(64, 48),))]
    lost(boxes.make("avif", items, references=[(b"dimg", 3, 1, 2)]), "gain map")


@pytest.mark.parametrize(
    ("urn", "name"),
    [
        (b"urn:com:apple:photo:2020:aux:hdrgainmap", "gain map"),
        (b"urn:com:samsung:photo:2024:aux:hdrgainmap", "gain map"),
        (b"urn:mpeg:hevc:2015:auxid:2", "depth map"),
        (b"urn:mpeg:mpegB:cicp:systems:auxiliary:depth", "depth map"),
        (b"urn:com:apple:photo:2018:aux:portraiteffectsmatte", "auxiliary picture (portraiteffectsmatte)"),
    ],
)
@pytest.mark.parametrize("kind", ["heic", "avif"])
def test_auxiliary_pictures(urn, name, kind):
    if kind == "heic":
        pytest.importorskip("pi_heif")
    main = boxes.picture(1, kind, pixels=boxes.ramp())
    extra = boxes.picture(2, kind, boxes.auxc(urn), pixels=boxes.ramp(), hidden=True)
    told = boxes.xmp_item(3, xmp_packet({"apdi": "http://ns.apple.com/pixeldatainfo/1.0/"}))
    own = boxes.xmp_item(4, xmp_packet({}, attributes='dc:title="mine"'))
    references = [(b"auxl", 2, 1), (b"cdsc", 3, 2), (b"cdsc", 4, 1)]
    again = lost(boxes.make(kind, [main, extra, told, own], references=references), name)
    assert b'dc:title="mine"' in again.metadata.xmp
    assert b"pixeldatainfo" not in again.metadata.xmp


@pytest.mark.parametrize("kind", ["heic", "avif"])
def test_an_alpha_picture_is_no_loss(kind):
    if kind == "heic":
        pytest.importorskip("pi_heif")
    alpha = boxes.auxc(b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha")
    main = boxes.picture(1, kind, pixels=boxes.ramp())
    mask = boxes.picture(2, kind, alpha, pixels=boxes.ramp(), hidden=True)
    data = boxes.make(kind, [main, mask], references=[(b"auxl", 2, 1)])
    assert (open_photo(data).info.beside, open_photo(data).info.has_alpha) == ((), True)
    assert read_photo(data).alpha is not None
    stranger = boxes.make(kind, [main, mask, boxes.picture(3, kind, pixels=boxes.ramp())], references=[(b"auxl", 2, 3)])
    assert not open_photo(stranger).info.has_alpha


@pytest.mark.parametrize("maker", ["OpenCV", "hand"])
def test_motion_photos(maker, tmp_path):
    clip = movie(tmp_path, maker)
    plain = make_jpeg(pixels(8, 3))
    modern = with_xmp(plain, directory("MotionPhoto")) + clip
    old = xmp_packet({"GCamera": CAMERA}, attributes=f'GCamera:MicroVideo="1" GCamera:MicroVideoOffset="{len(clip)}"')
    for data in (modern, with_xmp(plain, old) + clip, plain + clip):
        again = lost(data, "motion-photo video")
        for claim in (b"MotionPhoto", b"MicroVideo", b"Container:"):
            assert claim not in (again.metadata.xmp or b"")
        assert clip not in encode(read_photo(data)).data
    both = with_xmp(plain, directory("GainMap", "MotionPhoto")) + small_jpeg() + clip
    lost(both, "gain map", "motion-photo video")


def test_samsungs_trailers():
    """Their directory (SEFH ... SEFT) ends the file."""
    entry = b"\0\0\x01\x0a\x0e\0\0\0Image_UTC_Data1458170015363"
    tail = (
        entry + b"SEFH" + struct.pack("<III", 107, 1, 0) + struct.pack("<III", 0x0A010000, 60, 60) + b"\x18\0\0\0SEFT"
    )
    plain = make_jpeg(pixels(8, 3))
    lost(plain + tail, "Samsung's trailer")
    clip = movie(None, "hand")
    lost(plain + b"\0\0\x30\x0a\x10\0\0\0MotionPhoto_Data" + clip + tail, "motion-photo video", "Samsung's trailer")


@pytest.mark.parametrize("kind", ["heic", "avif"])
def test_motion_photos_in_boxes(kind, tmp_path):
    if kind == "heic":
        pytest.importorskip("pi_heif")
    main = boxes.picture(1, kind, pixels=boxes.ramp())
    claim = boxes.xmp_item(2, xmp_packet({"GCamera": CAMERA}, attributes='GCamera:MotionPhoto="1"'))
    clip = movie(tmp_path, "OpenCV")
    for behind in (boxes.box(b"mpvd", clip), clip)[: 1 if kind == "heic" else 2]:  # libheif would take it for its own
        data = boxes.make(kind, [main, claim], references=[(b"cdsc", 2, 1)], behind=behind)
        again = lost(data, "motion-photo video")
        assert b"MotionPhoto" not in again.metadata.xmp
        assert b'dc:source="kept"' in again.metadata.xmp


LAYERS = b"Adobe Photoshop Document Data Block\0" + b"MIB8ryaL" + (200).to_bytes(4, "little") + bytes(200)


@pytest.mark.parametrize("maker", ["tifffile", "Pillow"])
@pytest.mark.parametrize(("tag", "name"), [(37724, "Photoshop layers"), (52545, "C2PA manifest")])
def test_layers_and_manifests_in_a_tiff(maker, tag, name):
    if maker == "tifffile":
        data = tiff_with((tag, 7, len(LAYERS), LAYERS, True))
    else:
        tags = TiffImagePlugin.ImageFileDirectory_v2()
        tags[tag] = LAYERS
        tags.tagtype[tag] = 7
        buffer = io.BytesIO()
        Image.fromarray(pixels(8, 3)).save(buffer, "TIFF", tiffinfo=tags)
        data = buffer.getvalue()
    lost(data, name)


def test_paths_private_tags_and_sub_directories_of_a_tiff():
    path = b"8BIM" + struct.pack(">HHI", 2000, 0, 26) + bytes(26)
    data = tiff_with((34377, 7, len(path), path, True))
    lost(data, "Photoshop paths")
    lost(with_segments(make_jpeg(pixels(8, 3)), segment(0xED, b"Photoshop 3.0\0" + path)), "Photoshop paths")
    private = tiff_with((65000, 4, 1, 7, True), (65001, 2, 3, "no", True))
    lost(private, "private tags 65000, 65001")
    for kind, names in ((0, ("pictures in sub-directories",)), (1, ())):
        buffer = io.BytesIO()
        with tifffile.TiffWriter(buffer) as writer:
            writer.write(pixels(8, 3), photometric="rgb", subifds=1, metadata=None)
            writer.write(pixels(8, 3, size=(8, 9)), photometric="rgb", subfiletype=kind, metadata=None)
        lost(buffer.getvalue(), *names)


def palette_tiff_with_alpha(extra):
    """An index and an alpha for each pixel, by hand: Pillow and tifffile write no such file."""
    index, alpha = np.arange(12, dtype=np.uint8).reshape(3, 4) % 3, np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
    colours = np.zeros((3, 256), "<u2")
    colours[:, :3] = np.array([[10, 20, 30], [40, 50, 60], [70, 80, 90]]).T * 257
    strip = np.stack([index, alpha], -1).tobytes()
    values = {256: 4, 257: 3, 258: (8, 8), 259: 1, 262: 3, 277: 2, 278: 3, 279: len(strip), 338: extra}
    rows, behind = b"", colours.tobytes() + strip
    at = 8 + 2 + 12 * (len(values) + 2) + 4
    for tag, value in sorted({**values, 273: at + colours.nbytes, 320: None}.items()):
        if tag == 320:
            rows += struct.pack("<HHII", tag, 3, 768, at)
        elif tag == 258:
            rows += struct.pack("<HHIHH", tag, 3, 2, *value)
        else:
            rows += struct.pack("<HHII", tag, 4, 1, value)
    return b"II*\0" + struct.pack("<IH", 8, len(values) + 2) + rows + bytes(4) + behind, alpha


def test_the_alpha_beside_a_palette_is_kept():
    data, alpha = palette_tiff_with_alpha(2)
    photo = read_photo(data)
    assert photo.pixels[0, :3].tolist() == [[10, 20, 30], [40, 50, 60], [70, 80, 90]]
    for one in (photo, read_photo(encode(photo).data), read_photo(encode(photo, format="png").data)):
        np.testing.assert_array_equal(one.alpha, alpha)
    multiplied = read_photo(palette_tiff_with_alpha(1)[0])
    assert multiplied.warnings == ("its premultiplied alpha is made straight",)
    buffer = io.BytesIO()
    Image.fromarray(pixels(8, 3)).quantize(8).save(buffer, "PNG", transparency=bytes([0, 100, 255]))
    seen = np.asarray(Image.open(io.BytesIO(buffer.getvalue())).convert("RGBA"))
    np.testing.assert_array_equal(read_photo(buffer.getvalue()).alpha, seen[..., 3])


def chunked(kind, body):
    plain = make_png(pixels(8, 3))
    return (
        plain[:33]
        + struct.pack(">I", len(body))
        + kind
        + body
        + struct.pack(">I", zlib.crc32(kind + body))
        + plain[33:]
    )


def webp_with(kind, body):
    plain = make_webp(pixels(8, 3))
    chunk = kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
    return plain[:4] + struct.pack("<I", len(plain) - 8 + len(chunk)) + plain[8:] + chunk


JUMBF = boxes.box(b"jumb", boxes.box(b"jumd", b"c2pa" + bytes(12) + b"\x03c2pa\0") + bytes(40))


def test_c2pa_manifests_are_told():
    """They sign the file as it was, and are invalid behind any change."""
    app11 = segment(0xEB, b"JP" + struct.pack(">HI", 1, 1) + JUMBF)
    plain = make_jpeg(pixels(8, 3))
    pointer = xmp_packet({"dcterms": "http://purl.org/dc/terms/"}, attributes='dcterms:provenance="self#jumbf=c2pa/x"')
    again = lost(with_segments(with_xmp(plain, pointer), app11), "C2PA manifest")
    assert b"provenance" not in again.metadata.xmp
    assert b'dc:source="kept"' in again.metadata.xmp
    lost(chunked(b"caBX", JUMBF), "C2PA manifest")
    lost(webp_with(b"C2PA", JUMBF), "C2PA manifest")
    main = boxes.picture(1, "avif", pixels=boxes.ramp())
    manifest = boxes.box(b"uuid", boxes.C2PA_UUID + bytes(4) + b"manifest\0" + JUMBF)
    lost(boxes.make("avif", [main], behind=manifest), "C2PA manifest")
    container = bytes(imagecodecs.jpegxl_encode(pixels(8, 3), lossless=True, usecontainer=True))
    lost(container + JUMBF, "C2PA manifest")


def test_the_gain_map_of_a_jpeg_xl():
    container = bytes(imagecodecs.jpegxl_encode(pixels(8, 3), lossless=True, usecontainer=True))
    lost(container + boxes.box(b"jhgm", bytes(60)), "gain map")


def test_further_pictures():
    """Of equal right: told by their number, and each can be had; thumbnails of the multi-picture format are none."""
    data = mpo()
    assert (open_photo(data).info.pages, open_photo(data).info.beside) == (2, ())
    assert read_photo(data, page=1).pixels.shape == (16, 24, 1)
    assert read_photo(data).warnings[0].startswith("has 2 pages")
    lost(make_jpeg(pixels(8, 3)) + small_jpeg(), "further picture")
    for kind, pages in ((0x00010001, 1), (0x00010002, 1), (0x00020002, 2), (0, 2)):
        pair = indexed(make_jpeg(pixels(8, 3)), small_jpeg(), kind)
        assert (open_photo(pair).info.pages, open_photo(pair).info.beside) == (pages, ())
    pytest.importorskip("pi_heif")
    items = [boxes.picture(number, "heic") for number in (1, 2, 3)]
    several = boxes.make("heic", items, primary=2)
    assert open_photo(several).info.pages == 3
    assert read_photo(several).warnings[0].startswith("has 3 pages")
    assert read_photo(several, page=2).pixels.shape == (48, 64, 3)


def test_data_of_makers_is_told_and_padding_is_not():
    plain = make_jpeg(pixels(8, 3))
    lost(with_segments(plain, segment(0xE1, b"FLIR\0" + bytes(range(60)))), "FLIR (APP1 data)")
    lost(with_segments(plain, segment(0xE5, bytes(range(200, 250)))), "APP5 data")
    lost(plain + bytes(5000) + b"\xff" * 300)
    lost(plain + bytes(range(100)), "data behind the picture")
    lost(with_segments(plain, segment(0xEE, b"Adobe\0\x64\0\0\0\0\0")))
    lost(chunked(b"prVt", b"x"), "chunk prVt")
    lost(chunked(b"tIME", bytes(7)))


def test_texts_too_long_for_a_png_are_told():
    """By Pillow, and by hand."""
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "x" * 20_000_000, zip=True)
    info.add_text("Author", "Ann")
    buffer = io.BytesIO()
    Image.fromarray(pixels(8, 3)).save(buffer, "PNG", pnginfo=info)
    for data in (buffer.getvalue(), chunked(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(20_000_000)))):
        photo = read_photo(data)
        assert photo.warnings == ("1 of its texts are too long, too many or damaged and are not kept",)
        assert "Comment" not in dict(photo.metadata.text)
    packet = b"<x:xmpmeta>" + b" " * 2**24 + b"</x:xmpmeta>"
    photo = read_photo(tiff_with((700, 1, len(packet), packet, True)))
    assert photo.metadata.xmp is None
    assert photo.warnings[0].startswith("its XMP is too long and is not kept")


def test_a_depth_map_in_extended_xmp_fits_only_the_picture_as_it_was_stored():
    import hashlib

    content = xmp_packet({"GDepth": DEPTH}, attributes=f'GDepth:Data="{"QUJD" * 30}"')
    digest = hashlib.md5(content).hexdigest().upper()
    main = {"GDepth": DEPTH, "xmpNote": "http://ns.adobe.com/xmp/note/", "tiff": "http://ns.adobe.com/tiff/1.0/"}
    head = b"http://ns.adobe.com/xmp/extension/\0" + digest.encode() + struct.pack(">II", len(content), 0)
    for turn in (1, 6):
        attributes = f'GDepth:Mime="image/png" xmpNote:HasExtendedXMP="{digest}" tiff:Orientation="{turn}"'
        plain = with_segments(make_jpeg(pixels(8, 3)), segment(0xE1, head + content))
        photo = read_photo(with_xmp(plain, xmp_packet(main, attributes=attributes)))
        written = encode(photo)
        again = read_photo(written.data).metadata
        if turn == 1:
            assert (again.xmp_extension, written.warnings) == (content, ())
            assert b"GDepth:Mime" in again.xmp
        else:
            assert written.warnings == ("its depth map, in the extended XMP, is not kept: the picture is turned",)
            assert again.xmp_extension is None
            assert b"GDepth" not in again.xmp
            assert b"HasExtendedXMP" not in again.xmp
        png = read_photo(encode(photo, format="png").data).metadata.xmp
        assert b"HasExtendedXMP" not in png
        assert b"GDepth" not in png
