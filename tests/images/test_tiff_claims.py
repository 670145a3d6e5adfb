"""Strips and tiles that say they are far larger than their place in the TIFF: refused before they are decoded."""

import io
import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from photo_makers import make_jpeg, make_tiff, pixels

import restorect
from restorect.errors import ImageError
from restorect.images.read import read_photo

SIDE = 8000  # 192 MB of pixels
# Name, number in a TIFF, options of its encoder.
CODECS = {
    "jpeg": (7, {}),
    "jpeg2k": (34712, {}),
    "jpegxr": (34934, {}),
    "jpegxl": (50002, {"effort": 1, "lossless": True}),
    "webp": (50001, {"lossless": True, "level": 0}),
    "png": (34933, {"level": 1}),
    "lerc": (34887, {}),
}


def coded(codec, picture):
    return bytes(getattr(imagecodecs, f"{codec}_encode")(picture, **CODECS[codec][1]))


def tiff_around(stream, compression, *, size=(16, 16), tile=None, photometric=2, more=()):
    """A TIFF of one strip, or one tile, that holds the stream."""
    width, height = size
    rows = [(256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, compression), (262, 3, photometric), (277, 3, 3)]
    offsets, counts = (324, 325) if tile else (273, 279)
    rows += [(322, 4, tile[0]), (323, 4, tile[1])] if tile else [(278, 4, height)]
    rows += [*more, (offsets, 4, 8), (counts, 4, len(stream))]
    table = b"".join(struct.pack("<HHII", code, kind, 1, value) for code, kind, value in sorted(rows))
    at = 8 + len(stream) + len(stream) % 2
    head = b"II*\0" + struct.pack("<I", at) + stream + bytes(len(stream) % 2)
    return head + struct.pack("<H", len(rows)) + table + bytes(4)


def with_size(jpeg, width, height):
    """A JPEG whose frame header says another size."""
    at = next(i for i in range(len(jpeg)) if jpeg[i : i + 2] in (b"\xff\xc0", b"\xff\xc2"))
    return jpeg[: at + 5] + struct.pack(">HH", height, width) + jpeg[at + 9 :]


def refusal(data):
    with pytest.raises(ImageError) as caught:
        read_photo(data, name="scan.tif")
    assert "\n" not in str(caught.value)
    return str(caught.value)


READ = """
import json, resource, sys
from restorect.errors import ImageError
from restorect.images.codecs import apart
from restorect.images.read import read_photo
for path in sys.argv[1:]:
    try:
        told = str(read_photo(open(path, "rb").read(), name="scan.tif").pixels.shape)
    except ImageError as error:
        told = str(error)
    while apart._idle:
        apart._idle.pop().close()
    print(json.dumps([told, *(resource.getrusage(who).ru_maxrss >> 10 for who in (-1, 0))]))
"""


def read_in_a_process(*paths):
    """What is said of each file, and the most memory in MB that a process of ours took up to then."""
    command = [sys.executable, "-c", READ, *map(str, paths)]
    paths_of_source = {"PYTHONPATH": str(Path(restorect.__file__).parents[1])}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | paths_of_source)
    assert not done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems count memory differently")
def test_streams_that_are_bombs_take_no_memory(tmp_path):
    """The first file is a good one: what the libraries take."""
    (tmp_path / "good.tif").write_bytes(make_tiff(pixels(8, 3, size=(16, 16)), compression="jpeg"))
    flat = np.full((SIDE, SIDE, 3), 77, np.uint8)
    bombs = {codec: coded(codec, flat) for codec in CODECS}
    bombs |= {"progressive": with_size(make_jpeg(pixels(8, 3), progressive=True), 9000, 9000)}
    for name, stream in bombs.items():
        (tmp_path / f"{name}.tif").write_bytes(tiff_around(stream, CODECS.get(name, (7,))[0]))
    (_, *base), *found = read_in_a_process(tmp_path / "good.tif", *(tmp_path / f"{name}.tif" for name in bombs))
    for name, (told, *peaks) in zip(bombs, found, strict=True):
        side = SIDE if name in CODECS else 9000
        assert told.startswith("scan.tif: one of its strips or tiles says it is ")
        assert f"is {side} x {side} pixels, in a place of " in told
        assert max(peaks) < max(base) + 60, (name, peaks, base)


@pytest.mark.parametrize("compression", [7, 6, 33007, 34892])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_inside_that_says_65535(compression, progressive):
    stream = with_size(make_jpeg(pixels(8, 3), progressive=progressive), 65535, 65535)
    assert "says it is 65535 x 65535 pixels" in refusal(tiff_around(stream, compression, photometric=6))
    assert "says it is 65535 x 65535 pixels" in refusal(tiff_around(stream, compression, tile=(16, 16)))


def test_the_largest_of_several_frame_headers_counts():
    stream = with_size(make_jpeg(pixels(8, 3, size=(16, 16))), 60000, 50000)
    small = make_jpeg(pixels(8, 3, size=(16, 16)))
    frame = small[small.index(b"\xff\xc0") :][:19]
    assert "60000 x 50000" in refusal(tiff_around(stream[:2] + frame + stream[2:], 7))


def test_old_jpeg_behind_its_own_tag():
    stream = with_size(make_jpeg(pixels(8, 3, size=(16, 16))), 16, 65535)
    data = tiff_around(stream, 6, photometric=6, more=[(513, 4, 8), (514, 4, len(stream))])
    assert "says it is 16 x 65535 pixels" in refusal(data)


def test_a_place_among_many(tmp_path):
    """One tile of twelve, in a file by another writer; where it stands does not matter."""
    data = bytearray(make_tiff(pixels(8, 3, size=(48, 64)), compression="jpeg", tile=(16, 16)))
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        start = file.pages[0].dataoffsets[7]
    frame = data.index(b"\xff\xc0", start)
    struct.pack_into(">HH", data, frame + 5, 9999, 8888)
    assert "says it is 8888 x 9999 pixels, in a place of 16 x 16" in refusal(bytes(data))


def test_countless_channels_of_a_stream():
    many = np.zeros((16, 16, 200), np.uint8)
    stream = bytes(imagecodecs.lerc_encode(many))
    assert "says it has 200 channels" in refusal(tiff_around(stream, 34887))
    stream = bytes(imagecodecs.jpegxl_encode(np.moveaxis(many, -1, 0), lossless=True, planar=True))
    assert "says it has 200 channels" in refusal(tiff_around(stream, 50002))


def test_a_stream_of_many_frames():
    stream = bytes(imagecodecs.jpegxl_encode(np.zeros((50, 16, 16, 3), np.uint8), lossless=True))
    assert "is an animation" in refusal(tiff_around(stream, 50002))


@pytest.mark.parametrize("compression", [None, "zlib", "lzw", "zstd", "jpeg"])
def test_tiles_far_larger_than_the_picture(compression):
    data = bytearray(make_tiff(pixels(8, 3, size=(16, 16)), compression=compression, tile=(16, 16)))
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        for name in ("TileWidth", "TileLength"):
            tag = file.pages[0].tags[name]
            struct.pack_into("<H" if tag.dtype == 3 else "<I", data, tag.valueoffset, 65520)
    assert "has tiles of 65520 x 65520 pixels, far more than the picture" in refusal(bytes(data))


@pytest.mark.parametrize("codec", [*CODECS, "zlib"])
@pytest.mark.parametrize(("size", "tile"), [((70, 50), None), ((70, 50), (256, 256)), ((130, 70), (64, 64))])
def test_what_fits_is_read(codec, size, tile):
    """Strips of which the last is shorter, a tile that is larger than the picture, and several tiles."""
    picture = pixels(8, 3, size=size)
    name = {"jpeg2k": "jpeg2000"}.get(codec, codec)
    data = make_tiff(picture, compression=name, tile=tile, rowsperstrip=None if tile else 32)
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        expected = file.pages[0].asarray()
    np.testing.assert_array_equal(read_photo(data).pixels, expected)
