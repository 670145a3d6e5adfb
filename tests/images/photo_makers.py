"""Real files for the tests, made with other libraries than the ones under test where there is a choice."""

import io
import struct
from functools import lru_cache

import cv2
import imagecodecs
import numpy as np
import tifffile
from PIL import Image, ImageCms

from restorect.images import write
from restorect.images.write import WriteOptions

GRADIENT = (23, 37)
FULL = {8: 255, 16: 65535}


@lru_cache
def profile(name):
    """An ICC profile, with Little CMS's own writer."""
    if name == "none":
        return None
    if name == "srgb":
        return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    if name == "adobe":
        return bytes(imagecodecs.cms_profile("adobergb"))
    if name == "grey22":
        return bytes(imagecodecs.cms_profile("gray", gamma=2.2))
    xy, white, gamma = {
        "p3": ([0.68, 0.32, 1, 0.265, 0.69, 1, 0.15, 0.06, 1], [0.3127, 0.329, 1], 2.2),
        "prophoto": ([0.7347, 0.2653, 1, 0.1596, 0.8404, 1, 0.0366, 0.0001, 1], [0.3457, 0.3585, 1], 1.8),
    }[name]
    return bytes(imagecodecs.cms_profile("rgb", whitepoint=white, primaries=xy, gamma=gamma))


def pixels(depth, channels, *, seed=0, size=GRADIENT):
    """Noise over a gradient that uses the whole range: H x W x C."""
    height, width = size
    rng = np.random.default_rng(seed)
    base = np.linspace(0, 1, width)[None, :, None] * np.linspace(0.3, 1, height)[:, None, None]
    values = np.clip(base + rng.normal(0, 0.1, (height, width, channels)), 0, 1)
    values[0, 0], values[0, 1] = 0, 1
    if depth == 32:
        return (values * 3 - 0.5).astype(np.float32)
    return np.rint(values * FULL[depth]).astype(np.uint8 if depth == 8 else np.uint16)


def exif(orientation=1, *, order="<", thumbnail=True, gps=True):
    """An EXIF block with a maker note, GPS and a thumbnail, laid out by hand."""
    mark = b"II" if order == "<" else b"MM"
    note = b"MAKER\0\x01\x02" + bytes(range(40))
    make, model = b"Testmake\0", b"Testmodel 7\0"

    def entry(tag, kind, count, value):
        return struct.pack(order + "HHI", tag, kind, count) + value

    def long(number):
        return struct.pack(order + "I", number)

    def short(number):
        return struct.pack(order + "H", number) + b"\0\0"

    first, count = 8, 5 if gps else 4
    inner = first + 2 + 12 * count + 4
    place = inner + 2 + 12 * 3 + 4
    spot = place + 2 + 12 * 2 + 4
    second = spot
    tail = second + 2 + 12 * 3 + 4
    note_at = tail
    make_at = note_at + len(note)
    model_at = make_at + len(make)
    date_at = model_at + len(model)
    lat_at = date_at + 20
    jpeg_at = lat_at + 24
    jpeg = io.BytesIO()
    Image.new("RGB", (16, 12), (10, 10, 10)).save(jpeg, "JPEG")
    picture = jpeg.getvalue()
    block = mark + struct.pack(order + "HI", 42, first)
    block += struct.pack(order + "H", count)
    block += entry(0x010F, 2, len(make), long(make_at)) + entry(0x0110, 2, len(model), long(model_at))
    block += entry(0x0112, 3, 1, short(orientation)) + entry(0x8769, 4, 1, long(inner))
    block += entry(0x8825, 4, 1, long(place)) if gps else b""
    block += long(second if thumbnail else 0)
    block += struct.pack(order + "H", 3) + entry(0x9003, 2, 20, long(date_at))
    block += entry(0x927C, 7, len(note), long(note_at)) + entry(0xA002, 4, 1, long(999)) + long(0)
    block += struct.pack(order + "H", 2) + entry(0x0001, 2, 2, b"N\0\0\0") + entry(0x0002, 5, 3, long(lat_at)) + long(0)
    block += struct.pack(order + "H", 3) + entry(0x0103, 3, 1, short(6))
    block += entry(0x0201, 4, 1, long(jpeg_at)) + entry(0x0202, 4, 1, long(len(picture))) + long(0)
    block += note + make + model + b"2024:01:02 03:04:05\0"
    block += struct.pack(order + "6I", 48, 1, 51, 1, 30, 1)
    assert len(block) == jpeg_at
    return block + (picture if thumbnail else b"")


MAKER_NOTE = b"MAKER\0\x01\x02" + bytes(range(40))
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6" '
    b'xmlns:dc="http://purl.org/dc/elements/1.1/" dc:creator="Ann \xc3\xa9"/></rdf:RDF></x:xmpmeta>'
)
IPTC = b"\x1c\x02\x05\x00\x05Title\x1c\x02\x50\x00\x03Ann"


def stored(upright, orientation):
    """Turn an upright picture into the one a camera stores with that orientation, by Pillow's own operations."""
    undo = {
        1: None, 2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_270,
    }[orientation]  # fmt: skip
    if undo is None:
        return upright
    planes = [
        Image.fromarray(np.arange(upright[..., 0].size, dtype=np.int32).reshape(upright.shape[:2])).transpose(undo)
    ]
    index = np.asarray(planes[0])
    return upright.reshape(-1, upright.shape[2])[index]


def pil_array(array):
    return Image.fromarray(np.ascontiguousarray(array[..., 0] if array.shape[2] == 1 else array))


def make_png(array, icc=None, block=None):
    """A PNG: the pixels by OpenCV (any depth), the rest put in as chunks."""
    order = {1: [0], 3: [2, 1, 0], 4: [2, 1, 0, 3]}.get(array.shape[2])
    if order is None:
        data = bytes(imagecodecs.png_encode(array))
    else:
        data = cv2.imencode(".png", np.ascontiguousarray(array[..., order]))[1].tobytes()
    import zlib

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    extra = chunk(b"iCCP", b"x\0\0" + zlib.compress(icc)) if icc else b""
    extra += chunk(b"eXIf", block) if block else b""
    return data[:33] + extra + data[33:]


def make_tiff(array, icc=None, orientation=1, **options):
    """A TIFF with tifffile."""
    buffer = io.BytesIO()
    colours = 3 if array.shape[2] >= 3 else 1
    options.setdefault("planarconfig", "contig" if array.shape[2] > 1 else None)
    if array.shape[2] in (2, 4):
        options["extrasamples"] = ["unassalpha"]
    if options["planarconfig"] == "separate":
        array = np.moveaxis(array, -1, 0)
    elif array.shape[2] == 1:
        array = array[..., 0]
    tifffile.imwrite(
        buffer,
        array,
        photometric="rgb" if colours == 3 else "minisblack",
        iccprofile=icc,
        metadata=None,
        extratags=[(274, 3, 1, orientation, True)],
        **options,
    )
    return buffer.getvalue()


def make_webp(array, icc=None, block=None):
    buffer = io.BytesIO()
    pil_array(array).save(buffer, "WEBP", lossless=True, exact=True, icc_profile=icc or b"", exif=block or b"")
    return buffer.getvalue()


def make_avif(array, icc=None, block=None):
    """A lossless AVIF with its metadata, by OpenCV."""
    order = [2, 1, 0, 3][: array.shape[2]] if array.shape[2] == 4 else [2, 1, 0]
    bgr = np.ascontiguousarray(array[..., order] if array.shape[2] > 1 else array[..., 0])
    kinds = [kind for kind, body in ((cv2.IMAGE_METADATA_ICCP, icc), (cv2.IMAGE_METADATA_EXIF, block)) if body]
    bodies = [np.frombuffer(body, np.uint8) for body in (icc, block) if body]
    options = [cv2.IMWRITE_AVIF_QUALITY, 100, cv2.IMWRITE_AVIF_DEPTH, 8]
    return cv2.imencodeWithMetadata(".avif", bgr, kinds, bodies, options)[1].tobytes()


def make_jxl(array):
    return bytes(imagecodecs.jpegxl_encode(array[..., 0] if array.shape[2] == 1 else array, lossless=True))


def make_jpeg(array, icc=None, block=None, **options):
    buffer = io.BytesIO()
    options = {"quality": 95, "subsampling": "4:4:4"} | options
    if block:
        options["exif"] = b"Exif\0\0" + block
    if icc:
        options["icc_profile"] = icc
    pil_array(array).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def make_bmp(array):
    if array.shape[2] == 4:
        return cv2.imencode(".bmp", np.ascontiguousarray(array[..., [2, 1, 0, 3]]))[1].tobytes()
    buffer = io.BytesIO()
    pil_array(array).save(buffer, "BMP")
    return buffer.getvalue()


def make_hdr(array):
    return cv2.imencode(".hdr", np.ascontiguousarray(array[..., ::-1]))[1].tobytes()


def make_dng(orientation=1, *more):
    """A small colour-filter-array DNG with tifffile."""
    height, width = 64, 96
    y, x = np.mgrid[:height, :width]
    sensor = (x * 200 + y * 150 + 500).astype(np.uint16)
    matrix = np.array([[int(value * 10000), 10000] for value in (0.9, 0, 0, 0, 1.0, 0, 0, 0, 0.8)], "<i4")
    tags = [
        (271, 2, 5, b"Test\0", True),
        (272, 2, 8, b"TestCam\0", True),
        (274, 3, 1, orientation, True),
        (33421, 3, 2, np.array([2, 2], "<u2").tobytes(), True),
        (33422, 1, 4, bytes([0, 1, 1, 2]), True),
        (50706, 1, 4, bytes([1, 4, 0, 0]), True),
        (50708, 2, 8, b"TestCam\0", True),
        (50717, 4, 1, 65535, True),
        (50721, 10, 9, matrix.tobytes(), True),
        (50728, 5, 3, np.array([[1, 1]] * 3, "<u4").tobytes(), True),
        (50778, 3, 1, 21, True),
        *more,
    ]
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, sensor, photometric=32803, byteorder="<", extratags=tags, metadata=None, software=False)
    return buffer.getvalue()


def cmyk_profile():
    """A CMYK profile with one 2-point table: ink to Lab, black ink darkens."""
    lab = b""
    for c in (0, 1):
        for m in (0, 1):
            for y in (0, 1):
                for k in (0, 1):
                    light = 100 * (1 - k) * (1 - 0.25 * (c + m + y))
                    a = (-30 * c + 60 * m) * (1 - k)
                    b = (-40 * c + 70 * y) * (1 - k)
                    lab += bytes([round(light * 2.55), round(a + 128), round(b + 128)])
    identity = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    table = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + identity + bytes(range(256)) * 4 + lab + bytes(range(256)) * 3
    table += b"\0" * (-len(table) % 4)
    white = b"XYZ \0\0\0\0" + struct.pack(">3i", 63190, 65536, 54061)
    text = b"desc\0\0\0\0" + struct.pack(">I", 10) + b"test cmyk\0" + bytes(80)
    text += b"\0" * (-len(text) % 4)
    tags, at, index = [(b"desc", text), (b"wtpt", white), (b"A2B0", table)], 128 + 4 + 36, b""
    for name, body in tags:
        index += struct.pack(">4sII", name, at, len(body))
        at += len(body)
    head = struct.pack(">I4sI4s4s4s", at, b"lcms", 0x02400000, b"prtr", b"CMYK", b"Lab ")
    head += struct.pack(">6H", 2024, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + struct.pack(">3i", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + struct.pack(">I", 3) + index + b"".join(body for _, body in tags)


def encode(photo, *, note=None, **options):
    """`restorect.images.write.encode` with its options by name."""
    return write.encode(photo, WriteOptions(**options), note=note)


def encode_photo(photo, **options):
    """The bytes alone."""
    return encode(photo, **options).data
