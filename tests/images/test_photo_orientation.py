"""Orientation from wherever it stands, applied once, and said alike everywhere in the output."""

import io
import re
import struct

import box_makers as boxes
import imagecodecs
import numpy as np
import pytest
import tifffile
from photo_makers import encode_photo, exif, make_dng, make_jpeg, make_png, make_webp, pixels, stored
from PIL import Image
from test_photo_beside import tiff_with, with_xmp

from restorect.images.metadata import xmp as xmp_module
from restorect.images.metadata.exif import orientation
from restorect.images.orient import combined, remaining, upright, upright_size
from restorect.images.read import open_photo, read_photo

TIFF = 'xmlns:tiff="http://ns.adobe.com/tiff/1.0/"'


def packet(turn, form="attribute"):
    """An XMP packet that states an orientation: three spellings, two prefixes."""
    body = {
        "attribute": f'<rdf:Description rdf:about="" {TIFF} tiff:Orientation="{turn}"/>',
        "element": f"<rdf:Description {TIFF}><tiff:Orientation>{turn}</tiff:Orientation></rdf:Description>",
        "single quotes": f"<rdf:Description rdf:about='' {TIFF} tiff:Orientation = '{turn}'/>",
        "prefix": f'<rdf:Description xmlns:t="http://ns.adobe.com/tiff/1.0/" t:Orientation="{turn}"/>',
    }[form]
    rdf = f'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">{body}</rdf:RDF>'
    return f'<x:xmpmeta xmlns:x="adobe:ns:meta/">{rdf}</x:xmpmeta>'.encode()


def png_with_xmp(data, text):
    import zlib

    body = b"iTXtXML:com.adobe.xmp\0\0\0\0\0" + text
    return data[:33] + struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body)) + data[33:]


def build(kind, array, text, block=None):
    """A lossless or nearly lossless file with XMP, and EXIF where given; by Pillow, OpenCV and tifffile."""
    if kind == "jpeg":
        return with_xmp(make_jpeg(array, block=block, quality=100), text)
    if kind == "png":
        return png_with_xmp(make_png(array, block=block), text)
    if kind == "tiff":
        buffer = io.BytesIO()
        tags = [(700, 1, len(text), text, True)]
        tags += [(274, 3, 1, orientation(block), True)] if block else []
        tifffile.imwrite(buffer, array, photometric="rgb", metadata=None, extratags=tags)
        return buffer.getvalue()
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "WEBP", lossless=True, exact=True, xmp=text, exif=block or b"")
    return buffer.getvalue()


def statements(data):
    """Every orientation that a file states, by other readers than ours where there are."""
    found = [int(text) for text in re.findall(rb"""Orientation\s*(?:=\s*["']|>)\s*(\d)""", data)]
    again = read_photo(data)
    found += [orientation(again.metadata.exif, 1), open_photo(data).info.orientation]
    if again.format == "tiff":
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            found.append(int(file.pages[0].tags.valueof(274, 1)))
    elif again.format in ("jpeg", "png", "webp"):
        found.append(Image.open(io.BytesIO(data)).getexif().get(0x0112, 1))
    return set(found)


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("kind", ["jpeg", "png", "tiff", "webp"])
def test_xmp_alone(kind, turn):
    want = pixels(8, 3)
    photo = read_photo(build(kind, stored(want, turn), packet(turn)))
    assert photo.pixels.shape == want.shape
    assert np.abs(photo.pixels.astype(int) - want).mean() < 6
    if kind != "jpeg":
        np.testing.assert_array_equal(photo.pixels, want)
    written = encode_photo(photo)
    assert statements(written) == {1}
    assert read_photo(written).pixels.shape == want.shape


@pytest.mark.parametrize("form", ["element", "single quotes", "prefix"])
def test_spellings_of_xmp(form):
    want = pixels(8, 3)
    data = build("png", stored(want, 6), packet(6, form))
    np.testing.assert_array_equal(read_photo(data).pixels, want)
    assert statements(encode_photo(read_photo(data))) == {1}


@pytest.mark.parametrize("kind", ["jpeg", "png", "tiff", "webp"])
def test_exif_or_the_tiff_s_own_tag_count_before_xmp(kind):
    """They agree in most files; where they do not, cameras and browsers go by EXIF."""
    want = pixels(8, 3)
    for said, other in ((6, 6), (8, 3), (1, 6), (3, 1)):
        block = exif(said, thumbnail=False, gps=False)
        data = build(kind, stored(want, said), packet(other), block)
        photo = read_photo(data)
        assert (photo.turned, photo.pixels.shape) == (said, want.shape)
        assert np.abs(photo.pixels.astype(int) - want).mean() < 6
        assert statements(encode_photo(photo)) == {1}


def test_an_orientation_that_is_none_leaves_the_word_to_xmp():
    want = pixels(8, 3)
    for nonsense in (0, 9, 77):
        data = build("png", stored(want, 6), packet(6), exif(nonsense, thumbnail=False))
        np.testing.assert_array_equal(read_photo(data).pixels, want)
    for text in (packet(0), packet(9), b"<rdf:RDF>tiff:Orientation</rdf:RDF>", b"\xff\xfe<"):
        assert xmp_module.orientation(text) == 1


@pytest.mark.parametrize("kind", ["heic", "avif"])
def test_boxes_turn_by_their_properties_alone(kind):
    """In their order (ISO/IEC 23008-12, 6.5.10 and 6.5.12); EXIF and XMP say the same, and must not turn it again."""
    if kind == "heic":
        pytest.importorskip("pi_heif")
    main = boxes.picture(1, kind, pixels=boxes.ramp())
    plain = read_photo(boxes.make(kind, [main])).pixels
    turns = {
        (b"irot", 1): lambda a: np.rot90(a, 1),
        (b"irot", 3): lambda a: np.rot90(a, 3),
        (b"imir", 0): lambda a: a[::-1],
        (b"imir", 1): lambda a: a[:, ::-1],
    }
    for first in turns:
        for second in turns:
            want = turns[second](turns[first](plain))
            steps = [(name, bytes([value])) for name, value in (first, second)]
            item = boxes.Item(1, main.kind, main.body, (*main.properties, *steps))
            told = [item, boxes.xmp_item(2, packet(6)), boxes.exif_item(3, exif(6, thumbnail=False))]
            data = boxes.make(kind, told, references=[(b"cdsc", 2, 1), (b"cdsc", 3, 1)])
            photo = read_photo(data)
            np.testing.assert_array_equal(photo.pixels, want)
            np.testing.assert_array_equal(photo.pixels, upright(plain, photo.turned))
            assert open_photo(data).info.orientation == photo.turned
            assert (open_photo(data).info.width, open_photo(data).info.height) == (photo.width, photo.height)
            assert statements(encode_photo(photo)) == {1}


def test_jpeg_xl_turns_by_its_header():
    """The codec turns it; EXIF's orientation in a JPEG XL has no meaning (ISO/IEC 18181-2)."""
    coded = bytes(imagecodecs.jpegxl_encode(pixels(8, 3), lossless=True, usecontainer=True))
    block = bytes(4) + exif(6, thumbnail=False)
    photo = read_photo(coded + boxes.box(b"Exif", block) + boxes.box(b"xml ", packet(6)))
    np.testing.assert_array_equal(photo.pixels, pixels(8, 3))
    assert photo.turned == 1
    assert statements(encode_photo(photo)) == {1}


def test_a_raw_photo_is_turned_once():
    pytest.importorskip("rawpy")
    photo = read_photo(make_dng(orientation=6))
    assert (photo.turned, photo.width, photo.height) == (6, 64, 96)
    assert statements(encode_photo(photo, format="jpeg")) == {1}


def test_metadata_that_is_stripped_takes_no_turn_with_it():
    want = pixels(8, 3)
    for data in (build("png", stored(want, 6), packet(6)), make_webp(stored(want, 5), block=exif(5, thumbnail=False))):
        np.testing.assert_array_equal(read_photo(encode_photo(read_photo(data), strip_metadata=True)).pixels, want)


def test_a_sidecar_states_what_is_left_to_turn():
    for turned, own, left in ((6, 6, 1), (1, 6, 6), (6, 1, 1), (6, 3, 6), (1, 1, 1), (5, 5, 1)):
        assert xmp_module.orientation(xmp_module.for_sidecar(packet(own), turned=turned)) == left
        if own != 1:
            both = upright(upright(pixels(8, 3), turned), left)
            np.testing.assert_array_equal(both, upright(pixels(8, 3), own))


def test_turns_put_together():
    array = pixels(8, 3)
    for first in range(1, 9):
        for then in range(1, 9):
            np.testing.assert_array_equal(upright(upright(array, first), then), upright(array, combined(first, then)))
            assert combined(first, remaining(first, then)) == then
        height, width = upright(array, first).shape[:2]
        assert upright_size(array.shape[1], array.shape[0], first) == (width, height)


def test_xmp_in_utf_16_is_read_and_written_as_utf_8():
    text = '<?xml version="1.0" encoding="UTF-16"?>' + packet(6).decode()
    data = tiff_with((700, 1, len(text.encode("utf-16")), text.encode("utf-16"), True))
    assert read_photo(data).turned == 6
    again = read_photo(encode_photo(read_photo(data))).metadata.xmp
    assert again.startswith(b'<?xml version="1.0" encoding="UTF-8"?>')
    assert xmp_module.orientation(again) == 1


def test_pixels_of_a_heic_are_its_own():
    """They were a view of memory that libheif had freed, so that now and then the first ones came out as rubbish."""
    pytest.importorskip("pi_heif")
    from restorect.images.codecs import heic

    pixels = heic._pixels(boxes.make("heic", [boxes.picture(1, "heic", pixels=boxes.ramp())]), 0)
    assert pixels.flags.owndata
