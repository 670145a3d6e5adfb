"""EXIF, XMP, IPTC, resolution: kept, put right, noted, stripped."""

import hashlib
import io
import struct
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
import tifffile
from photo_makers import (
    IPTC,
    MAKER_NOTE,
    XMP,
    encode,
    encode_photo,
    exif,
    make_jpeg,
    make_png,
    make_tiff,
    pixels,
    profile,
)
from PIL import Image, IptcImagePlugin

from notes import read_note
from restorect.images.codecs.tiff_metadata import exif_block
from restorect.images.metadata import exif as exif_module
from restorect.images.metadata import xmp as xmp_module
from restorect.images.metadata.exif import EXIF_IFD, GPS_IFD, orientation, sub_directory
from restorect.images.metadata.ifd import read_directory, read_head
from restorect.images.photo import Metadata, Photo
from restorect.images.read import open_photo, read_photo

NOTE = {
    "model": "nano",
    "version": "0.1",
    "weights": "sha256:ab",
    "seed": 7,
    "strength": 0.5,
    "steps": [1, 2],
    "x": '<&"\n',
}


def full(**more):
    return Photo(
        pixels=pixels(8, 3),
        metadata=Metadata(exif=exif(6), xmp=XMP, iptc=IPTC, dpi=(300.0, 300.0)),
        icc_profile=profile("p3"),
        format="png",
        bit_depth=8,
        **more,
    )


def tag(block, number):
    head = read_head(block)
    entry = read_directory(block, head.first, head).entries.get(number)
    return entry.data if entry else None


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", ["jpeg", "png", "tiff", "webp", "avif", "jxl"])
def test_everything_is_kept(kind, order):
    source = full()
    source = Photo(
        **{**source.__dict__, "metadata": Metadata(exif=exif(6, order=order), xmp=XMP, iptc=IPTC, dpi=(300, 300))}
    )
    written = encode(source, format=kind)
    again = read_photo(written.data)
    block = again.metadata.exif
    assert tag(block, 0x010F) == b"Testmake\0"
    assert tag(block, 0x0110) == b"Testmodel 7\0"
    inside, place = sub_directory(block, EXIF_IFD), sub_directory(block, GPS_IFD)
    assert inside.entries[0x9003].data == b"2024:01:02 03:04:05\0"
    assert inside.entries[0x927C].data == MAKER_NOTE
    assert place.entries[0x0001].data.startswith(b"N")
    assert place.entries[0x0002].numbers(order) == ()
    assert place.entries[0x0002].length == 3
    assert orientation(block) == 1
    assert b"\xff\xd8\xff" not in block
    assert again.metadata.xmp == XMP.replace(b'Orientation="6"', b'Orientation="1"')
    if kind in ("jpeg", "png", "tiff"):
        assert again.metadata.iptc == IPTC
        assert again.metadata.dpi == pytest.approx((300, 300), abs=0.01)
        assert not any("IPTC" in line for line in written.warnings)
    else:
        assert f"its IPTC cannot be kept in {kind}" in written.warnings
    assert again.icc_profile == (None if kind == "jxl" else profile("p3"))


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "avif", "jxl"])
def test_maker_notes_keep_their_place(kind):
    """Offsets inside a maker note count from the block's start: the note must not move."""
    before = exif(8)
    after = read_photo(encode_photo(full(), format=kind, note=NOTE)).metadata.exif
    assert after.index(MAKER_NOTE) == before.index(MAKER_NOTE)


def test_pillow_reads_what_is_written():
    picture = Image.open(io.BytesIO(encode_photo(full(), format="jpeg", note=NOTE)))
    tags = picture.getexif()
    assert (tags[0x010F], tags[0x0112], tags[0x0131]) == ("Testmake", 1, "restorect 0.1.0")
    assert tags.get_ifd(0x8769)[0x9003] == "2024:01:02 03:04:05"
    assert tags.get_ifd(0x8769)[0xA002] == picture.width == 37
    assert tags.get_ifd(0x8825)[2] == (48.0, 51.0, 30.0)
    assert tags.get_ifd(1) == {}
    assert IptcImagePlugin.getiptcinfo(picture) == {(2, 5): b"Title", (2, 80): b"Ann"}
    assert picture.info["icc_profile"] == profile("p3")
    assert picture.info["dpi"] == (300, 300)
    tiff = Image.open(io.BytesIO(encode_photo(full(), format="tiff", note=NOTE)))
    assert tiff.getexif().get_ifd(0x8769)[0x9003] == "2024:01:02 03:04:05"
    assert tiff.getexif().get_ifd(0x8825)[2] == (48.0, 51.0, 30.0)
    assert tiff.tag_v2[305] == "restorect 0.1.0"
    avif = Image.open(io.BytesIO(encode_photo(full(), format="avif", note=NOTE)))
    assert avif.getexif()[0x010F] == "Testmake"
    assert avif.info["icc_profile"] == profile("p3")
    assert b'dc:creator="Ann' in avif.info["xmp"]
    png = Image.open(io.BytesIO(encode_photo(full(), format="png", note=NOTE)))
    assert png.getexif().get_ifd(0x8769)[0x9003] == "2024:01:02 03:04:05"
    assert "dc:creator" in png.info["XML:com.adobe.xmp"]


@pytest.mark.parametrize("kind", ["jpeg", "png", "tiff", "webp", "avif", "jxl"])
def test_the_note_says_how_it_was_made(kind):
    for source in (full(), Photo(pixels=pixels(8, 3), format="png", bit_depth=8)):
        data = encode_photo(source, format=kind, note={"model": "old", "gone": 1})
        again = read_photo(encode_photo(read_photo(data), format=kind, note=NOTE))
        found = read_note(again.metadata.xmp)
        assert found == {
            **{"model": "nano", "version": "0.1", "weights": "sha256:ab", "seed": "7", "strength": "0.5"},
            **{"steps": "[1, 2]", "x": '<&"\n'},
        }
        assert tag(again.metadata.exif, 0x0131) == b"restorect 0.1.0\0"
        assert again.metadata.xmp.count(b"xmlns:restorect") == 1

    root = ElementTree.fromstring(again.metadata.xmp.decode().split("?>", 1)[1].rsplit("<?", 1)[0])
    assert root.tag == "{adobe:ns:meta/}xmpmeta"


def test_without_a_note_nothing_is_added():
    plain = read_photo(encode_photo(Photo(pixels=pixels(8, 3), format="png", bit_depth=8)))
    assert (plain.metadata.exif, plain.metadata.xmp) == (None, None)
    block = exif(1, thumbnail=False)
    kept = read_photo(make_jpeg(pixels(8, 3), block=block))
    again = read_photo(encode_photo(kept))
    changed = [at for at, (a, b) in enumerate(zip(block, again.metadata.exif, strict=True)) if a != b]
    assert len(changed) <= 4  # the width the block states, 999, is put right


@pytest.mark.parametrize("kind", ["jpeg", "png", "tiff", "webp", "avif", "jxl", "bmp"])
def test_strip_leaves_nothing_personal(kind):
    source = Photo(
        **{
            **full().__dict__,
            "metadata": Metadata(exif=exif(6), xmp=XMP, iptc=IPTC, comment=b"secret Ann", text=(("Author", "Ann"),)),
        }
    )
    kept = encode_photo(source, format=kind) if kind != "bmp" else b"Testmake"
    assert b"Testmake" in kept
    data = encode_photo(source, format=kind, strip_metadata=True, note=NOTE)
    for secret in (b"Testmake", b"Ann", b"MAKER", b"Exif", b"xmpmeta", b"2024:01", b"restorect", b"Title"):
        assert secret not in data
    again = read_photo(data)
    assert (again.metadata.exif, again.metadata.xmp, again.metadata.iptc) == (None, None, None)
    assert again.icc_profile == (profile("p3") if kind not in ("jxl", "bmp") else None)
    np.testing.assert_array_equal(again.pixels.shape, source.pixels.shape)


def test_jpeg_comment_and_png_text_are_kept():
    commented = read_photo(make_jpeg(pixels(8, 3), comment=b"hello"))
    assert commented.metadata.comment == b"hello"
    assert read_photo(encode_photo(commented)).metadata.comment == b"hello"
    from PIL import PngImagePlugin

    info = PngImagePlugin.PngInfo()
    info.add_text("Author", "Ann")
    info.add_text("Title", "long " * 500, zip=True)
    info.add_itxt("Note", "gr\u00fcn", "de", "x")
    buffer = io.BytesIO()
    Image.fromarray(pixels(8, 3)).save(buffer, "PNG", pnginfo=info)
    photo = read_photo(buffer.getvalue())
    assert dict(photo.metadata.text) == {"Author": "Ann", "Title": "long " * 500, "Note": "gr\u00fcn"}
    assert read_photo(encode_photo(photo)).metadata.text == photo.metadata.text


def test_tiff_exif_comes_from_its_directories():
    """Pillow writes the directories of a TIFF."""
    buffer = io.BytesIO()
    camera = Image.open(io.BytesIO(make_jpeg(pixels(8, 3), block=exif(1))))
    camera.save(buffer, "TIFF", exif=camera.getexif(), dpi=(240, 240))
    photo = read_photo(buffer.getvalue())
    assert photo.metadata.dpi == (240, 240)
    for block in (photo.metadata.exif, read_photo(encode_photo(photo)).metadata.exif):
        assert tag(block, 0x010F) == b"Testmake\0"
        inside = sub_directory(block, EXIF_IFD)
        assert inside.entries[0x9003].data == b"2024:01:02 03:04:05\0"
        assert inside.entries[0x927C].data == MAKER_NOTE
        assert sub_directory(block, GPS_IFD).entries[1].data.rstrip(b"\0") == b"N"
    assert exif_block(b"II*\0") is None


def test_what_tifffile_notes_of_the_shape_does_not_outlive_it(caplog):
    """It writes the array's shape into the description, by which it reads the file again; planes become chunks here."""
    for notes, kept in (({"sample": "a-7"}, '{"sample": "a-7"}'), ({}, None)):
        buffer = io.BytesIO()
        planes = np.moveaxis(pixels(16, 3), -1, 0)
        tifffile.imwrite(buffer, planes, photometric="rgb", planarconfig="separate", metadata=notes)
        written = encode_photo(read_photo(buffer.getvalue()))
        with tifffile.TiffFile(io.BytesIO(written)) as file:
            assert file.pages[0].tags.valueof(270) == kept
            np.testing.assert_array_equal(file.asarray(), pixels(16, 3))
    assert not caplog.records


def test_where_the_note_stands_differs_and_what_others_call_shape_stays():
    for notes, kept in (('{"a": 1, "shape": [3, 23, 37]}', '{"a": 1}'), ('{"shape": "round"}', '{"shape": "round"}')):
        written = encode_photo(read_photo(make_tiff(pixels(8, 3), description=notes)))
        with tifffile.TiffFile(io.BytesIO(written)) as file:
            assert file.pages[0].tags.valueof(270) == kept


@pytest.mark.parametrize(
    "text", ['{"shape": ' + "[" * 100_000, '{"shape": [1], "a": ' + "[" * 300 + "]" * 300 + "}", '{"shape": [1']
)
def test_a_description_that_only_looks_like_one_of_tifffile_is_read(text):
    data = make_tiff(pixels(8, 3), description=text)
    np.testing.assert_array_equal(read_photo(encode_photo(read_photo(data))).pixels, pixels(8, 3))


def test_too_long_metadata_is_named_not_cut():
    big = Metadata(exif=exif_module.with_software("x" * 70000), xmp=XMP.replace(b"Ann", b"A" * 70000))
    written = encode(Photo(pixels=pixels(8, 3), format="png", bit_depth=8, metadata=big), format="jpeg")
    assert written.warnings == (
        "its EXIF is too long for a JPEG and is not kept",
        "its XMP is too long for a JPEG and is not kept",
    )
    assert Image.open(io.BytesIO(written.data)).size == (37, 23)


def test_damaged_exif_is_dropped_with_a_warning():
    for block in (b"garbage everywhere", exif()[:40], b"II*\0" + b"\xff" * 8):
        photo = read_photo(make_png(pixels(8, 3), block=block))
        assert photo.metadata.exif is None
        assert photo.warnings[0].startswith("its EXIF is damaged and is not kept")


def test_xmp_forms_of_orientation_and_thumbnails():
    text = b"<rdf:RDF><tiff:Orientation>8</tiff:Orientation><xmp:Thumbnails><a>QUJD</a></xmp:Thumbnails></rdf:RDF>"
    assert xmp_module.for_writing(text, None) == (b"<rdf:RDF><tiff:Orientation>1</tiff:Orientation></rdf:RDF>", ())
    assert xmp_module.for_writing(None, None) == (None, ())
    packet, warnings = xmp_module.for_writing(b"\xff\xfe<", {"a": 1})
    assert (packet, len(warnings)) == (b"\xff\xfe<", 1)
    packet, warnings = xmp_module.for_writing(b"<odd/>", {"a": 1})
    assert (packet, len(warnings)) == (b"<odd/>", 1)


def test_probe_tells_what_reading_gives():
    for data in (
        make_jpeg(pixels(8, 3), profile("p3"), exif(6)),
        make_png(pixels(16, 4)),
        make_tiff(pixels(32, 1)),
        encode_photo(full(), format="avif"),
        encode_photo(full(), format="webp"),
        encode_photo(full(), format="jxl"),
    ):
        info, photo = open_photo(data).info, read_photo(data)
        assert (info.width, info.height, info.channels) == (photo.width, photo.height, photo.channels)
        assert (info.format, info.bit_depth, info.has_alpha) == (photo.format, photo.bit_depth, photo.alpha is not None)
        assert (info.linear, info.pages, info.metadata) == (photo.linear, photo.pages, photo.metadata)
        assert (info.profile == "sRGB") == (photo.icc_profile is None and not photo.linear)
    assert open_photo(make_jpeg(pixels(8, 3), profile("p3"), exif(6))).info.orientation == 6
    assert open_photo(make_jpeg(pixels(8, 3), profile("adobe"))).info.profile == "Adobe RGB (compatible)"


def extended(content, *, parts=3, named=None):
    """A JPEG whose XMP refers to an extended packet in several segments, laid out by hand; the last part first."""
    guid = hashlib.md5(content).hexdigest().upper().encode()
    main = XMP.replace(b"dc:creator", b'xmpNote:HasExtendedXMP="' + (named or guid) + b'" dc:creator')
    bodies = [b"http://ns.adobe.com/xap/1.0/\0" + main]
    step = -(-len(content) // parts)
    for at in reversed(range(0, len(content), step)):
        head = b"http://ns.adobe.com/xmp/extension/\0" + guid + struct.pack(">II", len(content), at)
        bodies.append(head + content[at : at + step])
    segments = b"".join(b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body for body in bodies)
    plain = make_jpeg(pixels(8, 3))
    return plain[:2] + segments + plain[2:]


LONG = b"<x:xmpmeta>" + bytes(range(32, 127)) * 1300 + b"</x:xmpmeta>"


def test_extended_xmp_is_kept_in_a_jpeg():
    photo = read_photo(extended(LONG))
    assert (photo.metadata.xmp_extension, photo.warnings) == (LONG, ())
    written = encode(photo, note=NOTE)
    assert written.warnings == ()
    again = read_photo(written.data)
    assert again.metadata.xmp_extension == LONG
    assert b' restorect:model="nano"' in again.metadata.xmp
    assert "its extended XMP cannot be kept in png" in encode(photo, format="png").warnings
    assert b"xmp/extension" not in encode_photo(photo, strip_metadata=True, note=NOTE)


@pytest.mark.parametrize(
    "data",
    [
        extended(LONG, named=b"0" * 32),
        extended(LONG).replace(b"<x:xmpmeta> !", b"<x:xmpmeta>!!"),
        extended(b"<xmp:Thumbnails>" + LONG),
    ],
    ids=["another one", "damaged", "with a thumbnail"],
)
def test_extended_xmp_that_cannot_be_kept_is_said(data):
    photo = read_photo(data)
    assert photo.metadata.xmp_extension is None
    assert photo.metadata.xmp is not None
    assert photo.warnings == ("its extended XMP is damaged or holds a thumbnail and is not kept",)
    assert b"xmp/extension" not in encode_photo(photo)


def test_exif_that_fills_a_jpeg_s_segment_loses_only_the_software_tag():
    block = exif(6, thumbnail=False)
    for length, warnings in (
        (65527, ("its EXIF leaves no room for a software tag",)),
        (65528, ("its EXIF is too long for a JPEG and is not kept",)),
    ):
        photo = full()
        block = block.ljust(length, b"\0")
        written = encode(replace(photo, metadata=Metadata(exif=block)), format="jpeg", note=NOTE)
        assert written.warnings == warnings
        kept = read_photo(written.data).metadata.exif
        if length == 65527:
            assert (len(kept), tag(kept, 0x010F), orientation(kept)) == (length, b"Testmake\0", 1)
        else:
            assert kept is None
