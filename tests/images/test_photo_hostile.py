"""Files that are damaged, lie, or mean harm: one line, the file's name, quickly, in little memory."""

import io
import os
import re
import struct
import time
import tracemalloc
import zlib

import imagecodecs
import numpy as np
import pytest
import tifffile
from photo_makers import (
    exif,
    make_avif,
    make_bmp,
    make_dng,
    make_hdr,
    make_jpeg,
    make_jxl,
    make_png,
    make_tiff,
    make_webp,
    pixels,
    profile,
)

from peak import within
from restorect.errors import ImageError
from restorect.images import icc
from restorect.images.codecs import still
from restorect.images.read import open_photo, read_photo

ALL = {
    "jpeg": lambda: make_jpeg(pixels(8, 3)),
    "png": lambda: make_png(pixels(16, 3)),
    "tiff": lambda: make_tiff(pixels(16, 3), compression="zlib"),
    "webp": lambda: make_webp(pixels(8, 3)),
    "avif": lambda: make_avif(pixels(8, 3)),
    "jxl": lambda: make_jxl(pixels(8, 3)),
    "bmp": lambda: make_bmp(pixels(8, 3)),
    "hdr": lambda: make_hdr(np.abs(pixels(32, 3))),
}


def refusal(source, **options):
    """The one line a source is refused with."""
    with pytest.raises(ImageError) as caught:
        read_photo(source, **options)
    text = str(caught.value)
    assert "\n" not in text
    assert len(text) < 500
    assert text.isprintable()
    return text


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("part", [0.02, 0.3, 0.7])
def test_cut_off_files(kind, part, tmp_path):
    data = ALL[kind]()
    path = tmp_path / f"holiday.{kind}"
    path.write_bytes(data[: max(3, int(len(data) * part))])
    text = refusal(path)
    assert str(path) in text
    assert text.endswith(("get the file again", "get it again", "convert it first", "with --salvage"))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty (0 bytes)"),
        (b"Dear diary,\n", "looks like text"),
        (b"<html><body>404", "looks like a web page"),
        (b"GIF89a" + bytes(50), "looks like a GIF"),
        (b"%PDF-1.7", "looks like a PDF"),
        (b"hi", "it looks like text"),
        (bytes(1000), "it is of an unknown kind"),
        (b"\xff", "it is of an unknown kind"),
    ],
)
def test_files_that_are_no_photos(content, says, tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    text = refusal(path)
    assert text.startswith(f"{path}: ")
    assert says in text


def test_content_decides_not_the_name(tmp_path):
    path = tmp_path / "misnamed.jpg"
    path.write_bytes(make_png(pixels(16, 3)))
    assert read_photo(path).format == "png"
    assert open_photo(path).info.bit_depth == 16


def test_things_that_are_no_files(tmp_path):
    assert "is a folder" in refusal(tmp_path)
    assert "No such file" in refusal(tmp_path / "none.jpg")
    pipe = tmp_path / "pipe.jpg"
    os.mkfifo(pipe)
    assert "not a regular file" in refusal(pipe)
    loop = tmp_path / "loop.jpg"
    loop.symlink_to(loop)
    assert "cannot be opened" in refusal(loop)
    assert "cannot be opened" in refusal(tmp_path / ("x" * 300))
    assert "cannot be opened" in refusal(tmp_path / "nul\0.jpg")


def test_names_are_shown_on_one_line(tmp_path):
    path = tmp_path / "a\nb\x1b[31m\u202e\U0001f600.jpg"
    path.write_bytes(b"nothing here")
    text = refusal(path)
    assert "a\\nb\\x1b[31m\\u202e" in text
    assert "\U0001f600" in text
    assert refusal(b"", name="stdin\n").startswith("stdin\\n: is empty")


def png_of(width, height, *, bits=8, kind=2, body=b""):
    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def bombs():
    yield "png", png_of(30000, 30000, body=zlib.compress(bytes(10**6)))
    jpeg = bytearray(make_jpeg(pixels(8, 3)))
    at = jpeg.index(b"\xff\xc0")
    jpeg[at + 5 : at + 9] = struct.pack(">HH", 60000, 60000)
    yield "jpeg", bytes(jpeg)
    webp = bytearray(make_webp(pixels(8, 4), block=exif(1)))
    at = webp.index(b"VP8X") + 12
    webp[at : at + 6] = (16000000).to_bytes(3, "little") * 2
    yield "webp", bytes(webp)
    bmp = bytearray(make_bmp(pixels(8, 3)))
    bmp[18:26] = struct.pack("<ii", 40000, 40000)
    yield "bmp", bytes(bmp)
    avif = bytearray(make_avif(pixels(8, 3)))
    at = avif.index(b"ispe") + 8
    avif[at : at + 8] = struct.pack(">II", 60000, 60000)
    yield "avif", bytes(avif)
    yield "hdr", make_hdr(np.abs(pixels(32, 3))).replace(b"-Y 23 +X 37", b"-Y 90000 +X 90000")
    yield "jxl", b"\xff\x0a" + ((29999 << 3 | 3 << 1) | 1 << 33).to_bytes(20, "little")
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, pixels(8, 3), photometric="rgb", metadata=None)
    data = bytearray(buffer.getvalue())
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        for name in ("ImageWidth", "ImageLength"):
            tag = file.pages[0].tags[name]
            struct.pack_into("<H" if tag.dtype == 3 else "<I", data, tag.valueoffset, 60000)
    yield "tiff", bytes(data)


@pytest.mark.parametrize(("kind", "data"), list(bombs()), ids=[kind for kind, _ in bombs()])
def test_bombs_are_refused_from_the_header(kind, data):
    tracemalloc.start()
    began = time.process_time()
    text = refusal(data, name="bomb")
    assert time.process_time() - began < 10
    assert tracemalloc.get_traced_memory()[1] < 50e6
    tracemalloc.stop()
    assert text.startswith("bomb: says it is ")
    assert "over the limit of 500" in text
    assert "--max-megapixels" in text


def test_the_limit_is_an_option_and_exact():
    data = make_png(pixels(8, 3, size=(100, 200)))
    assert read_photo(data, max_megapixels=0.02).width == 200
    assert "(0.0 megapixels), over the limit of 0.0199" in refusal(data, max_megapixels=0.0199)


def test_small_files_that_claim_to_be_large():
    """Under the limit, but more than the bytes could ever hold."""
    flat = png_of(20000, 20000, body=zlib.compress(bytes(1000)))
    assert "decompression bomb" in refusal(flat)
    jpeg = bytearray(make_jpeg(pixels(8, 3)))
    at = jpeg.index(b"\xff\xc0")
    jpeg[at + 5 : at + 9] = struct.pack(">HH", 20000, 20000)
    assert "decompression bomb" in refusal(bytes(jpeg))


def test_a_flat_picture_is_no_bomb():
    """The emptiest photograph of 12 megapixels is still read."""
    flat = np.full((3000, 4000, 1), 77, np.uint8)
    for data in (make_png(flat), make_jpeg(flat), make_tiff(flat, compression="zlib")):
        assert (read_photo(data).pixels == read_photo(data).pixels[0, 0]).all()


def zeros(count):
    """Deflated zeros, made without holding them."""
    machine = zlib.compressobj(9)
    return b"".join(machine.compress(bytes(1_000_000)) for _ in range(count // 1_000_000)) + machine.flush()


def test_tiff_strip_that_unpacks_to_far_more():
    """200 MB of zeros behind a 23 x 37 picture."""
    data = bytearray(make_tiff(pixels(8, 3), compression="zlib"))
    bomb = zeros(200_000_000)
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        tags = file.pages[0].tags
        places = [
            (tags[name].valueoffset, value)
            for name, value in (("StripOffsets", len(data)), ("StripByteCounts", len(bomb)))
        ]
        kinds = [tags[name].dtype for name in ("StripOffsets", "StripByteCounts")]
    for (at, value), kind in zip(places, kinds, strict=True):
        struct.pack_into("<H" if kind == 3 else "<I", data, at, value)
    with within(100):
        assert "damaged or cut off" in refusal(bytes(data) + bomb)


def chunked(kind, body):
    data = png_of(2, 2, body=zlib.compress(bytes(14)))
    extra = struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return data[:33] + extra + data[33:]


BOMB = "unpacks? to over (16|64) MB: it is a decompression bomb, get it again"
LONG = ("1 of its texts are too long, too many or damaged and are not kept",)


def test_a_text_that_is_too_long_is_not_kept_and_told():
    bomb = zlib.compress(bytes(50_000_000), 9)
    tracemalloc.start()
    for body in (b"Comment\0\0" + bomb, b"XML:com.adobe.xmp\0\1\0\0\0" + bomb):
        photo = read_photo(chunked(b"zTXt" if body[:3] == b"Com" else b"iTXt", body))
        assert (photo.metadata.text, photo.metadata.xmp, photo.warnings) == ((), None, LONG)
        assert (photo.pixels == read_photo(png_of(2, 2, body=zlib.compress(bytes(14)))).pixels).all()
    assert tracemalloc.get_traced_memory()[1] < 120e6
    tracemalloc.stop()


@pytest.mark.parametrize("size", [16 * 2**20 + 1, 200_000_000])
def test_a_colour_profile_that_unpacks_to_gigabytes_is_refused(size):
    """Whoever made it meant harm; and without it the colours are not known."""
    text = refusal(chunked(b"iCCP", b"x\0\0" + zlib.compress(bytes(size), 9)), name="a.png")
    assert re.search(BOMB, text)
    just = zlib.compress(bytes(16 * 2**20 - 1), 9)  # no profile either, but it is looked at
    assert "it is no ICC profile" in read_photo(chunked(b"iCCP", b"x\0\0" + just)).warnings[0]


@pytest.mark.parametrize(
    ("kind", "head"), [(b"zTXt", b"\0\0"), (b"iTXt", b"\0\1\0\0\0"), (b"zTXt", b" type exif\0\0")], ids=str
)
@pytest.mark.parametrize("damaged", [False, True], ids=["whole", "damaged"])
def test_texts_that_unpack_to_gigabytes_together_are_refused_at_little_cost(kind, head, damaged):
    """What is damaged at its end has cost as much as what is whole."""
    packed = zlib.compress(bytes(15_000_000), 9)
    packed = packed[:-4] + b"sums" if damaged else packed
    data = chunked(kind, b"Raw profile%d" % 0 + head + packed)
    more = b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for body in (b"Raw profile%d" % number + head + packed for number in range(300))
    )
    tracemalloc.start()
    began = time.process_time()
    for action in (open_photo, read_photo):
        with pytest.raises(ImageError, match=BOMB):
            action(data[:33] + more + data[33:])
    assert time.process_time() - began < 20  # unpacking all of it takes minutes
    assert tracemalloc.get_traced_memory()[1] < 200e6
    tracemalloc.stop()


def test_libpng_never_sees_the_texts(monkeypatch):
    """It would unpack each one to 8 MB and keep a thousand: the pixels are decoded without them."""
    body = zlib.compress(bytes(15_000_000), 9)
    data = make_png(pixels(16, 4), block=exif(1))
    at = data.index(b"IDAT") - 4
    chunks = [b"k%d\0\0" % number + body for number in range(4)]
    heavy = data[:at] + b"".join(struct.pack(">I", len(c)) + b"zTXt" + c + bytes(4) for c in chunks) + data[at:]
    decode, seen = imagecodecs.png_decode, []
    monkeypatch.setattr(imagecodecs, "png_decode", lambda content: seen.append(content) or decode(content))
    assert (read_photo(heavy).pixels == decode(data)[..., :3]).all()
    assert len(seen[0]) < len(data)
    assert not any(kind in seen[0] for kind in (b"zTXt", b"eXIf", b"iCCP", b"sRGB"))


def test_nested_and_looping_metadata_ends():
    began = time.process_time()
    loop = bytearray(exif(1))
    loop[4:8] = struct.pack("<I", 8)
    loop[8 + 2 + 12 * 5 : 8 + 2 + 12 * 5 + 4] = struct.pack("<I", 8)
    looping = read_photo(make_png(pixels(8, 3), block=bytes(loop)))
    assert looping.metadata.exif is not None
    laughs = b"<!DOCTYPE x [<!ENTITY a 'ha'><!ENTITY b '&a;&a;'>]><x>" + b"<a>" * 200_000 + b"</x>"
    photo = read_photo(chunked(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + laughs))
    assert photo.metadata.xmp == laughs
    from restorect.images.write import encode

    for nasty in (
        laughs,
        b"<xmp:Thumbnails" * 50_000,
        b'<rdf:Description rdf:about="' * 50_000,
        b"tiff:Orientation " * 50_000,
        b" ".join(b"xmlns:p%d='http://ns.adobe.com/hdr-gain-map/1.0/'" % number for number in range(5_000)),
        b" xmlns:a='" * 50_000,
        b"<a:MotionPhoto " * 50_000,
    ):
        written = encode(read_photo(chunked(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + nasty)), note={"a": 1})
        assert "its XMP is not understood: kept as it is, without a note" in written.warnings
    data = bytearray(make_tiff(pixels(8, 3)))
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        at = file.pages[0].tags.values()[-1].offset + 12
    struct.pack_into("<I", data, at, struct.unpack_from("<I", data, 4)[0])
    assert read_photo(bytes(data)).pages == 1
    assert time.process_time() - began < 40


def test_sizes_of_nothing_are_refused():
    assert "which is no picture" in refusal(png_of(0, 5))
    assert "4294967295 x 4294967295" in refusal(png_of(2**32 - 1, 2**32 - 1))


@pytest.mark.parametrize(
    ("array", "says"),
    [
        (np.zeros((4, 4), np.uint32), "32-bit unsigned integer pixels"),
        (np.zeros((4, 4), np.int16), "16-bit signed integer pixels"),
        (np.zeros((4, 4), np.complex64), "complex pixels"),
    ],
)
def test_kinds_of_pixels_that_are_refused(array, says):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, array, metadata=None)
    text = refusal(buffer.getvalue(), name="science.tif")
    assert says in text
    assert text.endswith("save it as 8 or 16-bit unsigned or 32-bit float")


def test_raw_that_is_cut_off_is_one_line():
    pytest.importorskip("rawpy")
    data = make_dng()
    for part in (0.1, 0.5):
        assert "camera RAW" in refusal(data[: int(len(data) * part)]) or part == 0.1


def test_negative_page():
    assert "counted from 0" in refusal(make_png(pixels(8, 3)), page=-1)


def test_a_12_bit_jpeg_is_refused_by_name():
    deep = bytes(imagecodecs.jpeg8_encode(pixels(16, 1)[..., 0] >> 4, bitspersample=12))
    assert "is a 12-bit JPEG" in refusal(deep)


def sparse_heads():
    riff = b"RIFF\xf0\xff\xff\xffWEBP"
    yield "jpeg", b"\xff\xd8\xff"
    yield "jpeg with a header", b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0"
    yield "jpeg padding", make_jpeg(pixels(8, 3))[:-2]
    yield "png", b"\x89PNG\r\n\x1a\n"
    yield "png chunks", png_of(2, 2, body=b"")[:-12]
    yield "tiff", b"II*\0\x08\0\0\0\xff\x0f"
    yield "bigtiff", b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0"
    yield "webp", riff + b"VP8X\x0a\0\0\0\0\0\0\0\0\1\0\0\1\0"
    yield "webp picture", riff + b"VP8L\xf0\xff\xff\x7f\x2f\xff\xc0\x0f\0"
    yield "avif", b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf"
    yield "jxl", b"\0\0\0\x0cJXL \r\n\x87\n"
    yield "bmp", make_bmp(pixels(8, 3))
    yield "hdr", b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 30 +X 40\n"


@pytest.mark.parametrize(("kind", "head"), list(sparse_heads()), ids=[kind for kind, _ in sparse_heads()])
def test_countless_zeros_behind_a_magic_number_are_refused_soon(kind, head, tmp_path):
    path = tmp_path / "night.photo"
    with path.open("wb") as file:
        file.write(head)
        file.truncate(400_000_000)
    began = time.process_time()
    assert str(path) in refusal(path)
    assert time.process_time() - began < 20


def test_a_file_larger_than_any_photo_is_not_read(tmp_path):
    path = tmp_path / "night.jpg"
    with path.open("wb") as file:
        file.write(b"\xff\xd8\xff")
        file.truncate(10**11)
    assert "100000000000 bytes, too many for a photo: raise --max-megapixels" in refusal(path)


@pytest.mark.parametrize(
    ("filler", "says"),
    [
        (b"\xff", "no picture follows its header"),
        (b"\xff\xe3\0\2", "over 4096 segments"),
        (b"\xff\xe1\xff\xffExif\0\0".ljust(65537, b"x"), "its EXIF is absurdly long"),
        (b"\xff\xd0", "over 4096 segments"),
        (b"\xff\0", "over 4096 segments"),
    ],
    ids=["fill bytes", "segments", "exif", "restarts", "escapes"],
)
def test_a_jpeg_header_without_end(filler, says):
    data = make_jpeg(pixels(8, 3))
    began = time.process_time()
    assert says in refusal(data[:2] + filler * (20_000_000 // len(filler)) + data[2:])
    assert time.process_time() - began < 15


def test_junk_and_fill_bytes_in_a_jpeg_header_are_passed_over():
    data = make_jpeg(pixels(8, 3))
    odd = data[:2] + b"\xff\xe3\0\4ab" + b"\xff" * 50 + b"\xff\0junk" * 20 + data[2:]
    assert (read_photo(odd).pixels == read_photo(data).pixels).all()


def test_a_jpeg_of_countless_scans():
    data = make_jpeg(pixels(8, 3))
    scan = data[data.index(b"\xff\xda") : -2]
    assert "over 500 scans" in refusal(data[:-2] + scan * 600 + data[-2:])


def test_countless_small_texts_are_told():
    data = png_of(2, 2, body=zlib.compress(bytes(14)))
    texts = b"".join(struct.pack(">I", 8) + b"tEXt" + b"%06d\0x" % number + bytes(4) for number in range(3000))
    photo = read_photo(data[:33] + texts + data[33:])
    assert len(photo.metadata.text) == 1000
    assert photo.warnings == ("2000 of its texts are too long, too many or damaged and are not kept",)


def test_a_png_of_more_chunks_than_anybody_needs():
    data = png_of(2, 2, body=zlib.compress(bytes(14)))
    assert "over 1048576 chunks" in refusal(data[:33] + (bytes(4) + b"abcd" + bytes(4)) * (2**20 + 1) + data[33:])


def box(kind, body):
    return struct.pack(">I", 8 + len(body)) + kind + body


def still_with(*tables):
    """A still picture whose `meta` box holds these tables, and nothing else."""
    meta = bytes(4) + box(b"pitm", bytes(5) + b"\1") + b"".join(tables)
    return box(b"ftyp", b"avif\0\0\0\0avifmif1miaf") + box(b"meta", meta)


def items(count, extents, *, sizes):
    """An `iloc` box of items with so many extents each; with sizes of 0 an extent takes no byte."""
    row = struct.pack(">HHH", 1, 0, extents) + bytes(extents * (sizes >> 4 & 15) + extents * (sizes & 15))
    return box(b"iloc", bytes(4) + bytes([sizes, 0]) + struct.pack(">H", count) + row * count)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (items(5000, 65535, sizes=0), "its table of items is absurdly long"),
        (items(20, 4000, sizes=0x44), "its table of items is absurdly long"),
        (box(b"iprp", box(b"ipma", bytes(4) + struct.pack(">I", 2**31) + bytes(10**6))), "its table of properties is"),
    ],
    ids=["extents of no size", "extents", "properties"],
)
def test_box_tables_that_unfold_to_far_more(table, says):
    began = time.process_time()
    assert says in refusal(still_with(table))
    assert time.process_time() - began < 20


def test_overlapping_items_are_gathered_only_once(monkeypatch):
    """A hundred items that are the whole file each, in 64 pieces each."""
    infos = b"".join(box(b"infe", b"\2\0\0\0" + struct.pack(">HH", n, 0) + b"mime") for n in range(100))
    size = 1_000_000
    rows = b"".join(struct.pack(">HHH", n, 0, 64) + struct.pack(">II", 0, size) * 64 for n in range(100))
    table = box(b"iloc", bytes(4) + b"\x44\0" + struct.pack(">H", 100) + rows)
    data = still_with(box(b"iinf", bytes(4) + struct.pack(">H", 100) + infos), table).ljust(size, b"\0")
    gather, lengths = still.content, []
    monkeypatch.setattr(still, "content", lambda *a: lengths.append(len(found := gather(*a))) or found)
    assert still.read_still(data).xmp is None
    assert sum(lengths) == size


def test_tiff_tags_that_overlap_do_not_fill_the_memory():
    head, count, size = b"II*\0\x08\0\0\0", 4000, 1_000_000
    tags = b"".join(struct.pack("<HHII", 40000 + number, 1, size, 8) for number in range(count))
    data = head + struct.pack("<H", count) + tags + bytes(4) + bytes(size)
    tracemalloc.start()
    refusal(data)
    assert tracemalloc.get_traced_memory()[1] < 50e6
    tracemalloc.stop()


def test_a_run_length_coded_bmp_is_read_but_not_a_huge_one():
    head = b"BM" + bytes(8) + struct.pack("<IIiiHHIIiiII", 58, 40, 4, 2, 1, 8, 1, 6, 0, 0, 1, 1) + b"\x10\x20\x30\0"
    photo = read_photo(head + b"\4\0\0\0\4\0\0\1")
    assert photo.pixels.tolist() == [[[48, 32, 16]] * 4] * 2
    assert "run-length coded BMP of unusual size" in refusal(head + b"\1\0" * 5_000_000)


def claiming(width, height, size):
    """An uncompressed TIFF that says it is so large, in so many bytes."""
    data = bytearray(make_tiff(pixels(8, 1)).ljust(size, b"\0"))
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as file:
        for name, value in (("ImageWidth", width), ("ImageLength", height)):
            tag = file.pages[0].tags[name]
            struct.pack_into("<H" if tag.dtype == 3 else "<I", data, tag.valueoffset, value)
    return bytes(data)


def test_a_file_that_holds_next_to_nothing_of_what_it_says():
    """Formats without a ratio of their own may claim 2000 pixels a byte, from 32 megapixels on."""
    assert "decompression bomb" in refusal(claiming(8000, 8000, 31_999))
    for width, size in ((8000, 32_001), (4000, 2_000)):
        assert "decompression bomb" not in refusal(claiming(width, 8000, size))


def test_a_colour_profile_that_is_absurdly_long_is_not_used():
    """Of any format: Little CMS would read all of it, again and again."""
    whole = icc.srgb().ljust(16 * 2**20, b"\0")
    assert icc.problem(whole, 3) is None
    assert icc.problem(whole + b"\0", 3) == "it is no ICC profile"
    photo = read_photo(make_webp(pixels(8, 3), icc=whole + b"\0"))
    assert photo.icc_profile is None
    assert photo.warnings == ("its colour profile cannot be used, sRGB is assumed: it is no ICC profile",)
    assert read_photo(make_webp(pixels(8, 3), icc=profile("p3"))).icc_profile == profile("p3")
