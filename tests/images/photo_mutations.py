"""Small real files of every format, and ways to damage them."""

import io
import random
import struct
from pathlib import Path

import box_makers as boxes
import numpy as np
from exr_by_hand import exr_by_hand
from photo_makers import (
    IPTC,
    XMP,
    cmyk_profile,
    encode_photo,
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
from PIL import Image

from restorect.images.photo import Metadata, Photo

HERE = Path(__file__).parent
_NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 0x80000000, 10000, 70000)


def seeds():
    """Real files by name; HEIC, RAW and EXR too, for those who have the extras."""
    small = (13, 17)
    rgb, deep = pixels(8, 3, size=small), pixels(16, 4, size=small)
    full = Photo(
        pixels=rgb,
        metadata=Metadata(exif=exif(6), xmp=XMP, iptc=IPTC, dpi=(300, 300)),
        icc_profile=profile("p3"),
        format="png",
        bit_depth=8,
    )
    files = {f"full-{kind}": encode_photo(full, format=kind) for kind in ("jpeg", "png", "tiff", "webp", "avif", "jxl")}
    files |= {
        "jpeg": make_jpeg(rgb, profile("adobe"), exif(3), progressive=True),
        "png-deep": make_png(deep),
        "png-grey": make_png(rgb[..., :1], profile("grey22")),
        "tiff-deep": make_tiff(deep, compression="lzw"),
        "tiff-float": make_tiff(pixels(32, 3, size=small), compression="zlib", predictor=True),
        "tiff-planes": make_tiff(rgb, planarconfig="separate", compression="packbits"),
        "tiff-tiles": make_tiff(rgb, tile=(16, 16), bigtiff=True),
        "webp-alpha": make_webp(pixels(8, 4, size=small)),
        "avif": make_avif(pixels(8, 4, size=(24, 32))),
        "jxl-deep": make_jxl(deep),
        "bmp": make_bmp(rgb),
        "bmp-alpha": make_bmp(pixels(8, 4, size=small)),
        "hdr": make_hdr(np.abs(pixels(32, 3, size=small))),
        "cmyk": _cmyk(),
        "dng": make_dng(),
        "avif-frames": _animated("AVIF"),
        "tiff-jpeg": make_tiff(rgb, compression="jpeg"),
        "tiff-bits": _two_colours(),
        "tiff-old": _old_jpeg(),
        "bmp-fields": _fields(),
        "exr": exr_by_hand({name: full.pixels[..., at] / 255 for at, name in enumerate("RGB")}),
        "heic": (HERE / "ramp8.heic").read_bytes(),
        "heic-deep": (HERE / "ramp10.heic").read_bytes(),
        "jpeg-gain-map": _gain_map(),
        "tiff-ycbcr": _ycbcr(),
        "avif-boxes": _boxes("avif"),
        "heic-boxes": _boxes("heic"),
    }
    return files


def _cmyk():
    buffer = io.BytesIO()
    Image.new("CMYK", (17, 13), (10, 200, 30, 40)).save(buffer, "JPEG", icc_profile=cmyk_profile())
    return buffer.getvalue()


def _gain_map():
    import imagecodecs

    light = np.full((13, 17, 4), 0.5, np.float16)
    return bytes(imagecodecs.ultrahdr_encode(light)) + b"\0\0\0\x10ftypmp42" + bytes(4)


def _ycbcr():
    import io

    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels(8, 3, size=(13, 17))).convert("YCbCr").save(buffer, "TIFF")
    return buffer.getvalue()


def _boxes(kind):
    """A grid whose tile has the colours, with a depth map, XMP and EXIF."""
    rows, columns, size = (1, 2, (128, 64)) if kind == "avif" else (2, 1, (64, 96))
    tile = boxes.picture(2, kind, boxes.nclx(12, 13), pixels=boxes.ramp(64, 64), hidden=True)
    depth = boxes.picture(3, kind, boxes.auxc(b"urn:mpeg:hevc:2015:auxid:2"), pixels=boxes.ramp(64, 64))
    items = [
        boxes.grid(1, rows, columns, *size, boxes.ispe(*size), (b"irot", b"\1")),
        *(
            tile,
            boxes.Item(6, tile.kind, tile.body, tile.properties, hidden=True),
            depth,
            boxes.xmp_item(4, XMP),
            boxes.exif_item(5, exif(6)),
        ),
    ]
    references = [(b"dimg", 1, 2, 6), (b"auxl", 3, 1), (b"cdsc", 4, 1), (b"cdsc", 5, 1)]
    return boxes.make(kind, items, references=references)


def _animated(kind):
    buffer = io.BytesIO()
    frames = [Image.fromarray(pixels(8, 3, size=(24, 32), seed=seed)) for seed in range(3)]
    frames[0].save(buffer, kind, save_all=True, append_images=frames[1:], duration=100)
    return buffer.getvalue()


def _two_colours():
    picture = Image.fromarray(pixels(8, 1, size=(13, 17))[..., 0] // 128).convert("P")
    picture.putpalette([10, 20, 30, 200, 210, 90])
    buffer = io.BytesIO()
    picture.save(buffer, "TIFF", bits=1)
    return buffer.getvalue()


def _old_jpeg():
    buffer = io.BytesIO()
    Image.fromarray(pixels(8, 3, size=(24, 32))).save(buffer, "JPEG")
    jpeg = buffer.getvalue()
    rows = [(256, 4, 32), (257, 4, 24), (259, 3, 6), (262, 3, 6), (273, 4, 146), (277, 3, 3), (278, 4, 24)]
    rows += [(279, 4, len(jpeg)), (512, 3, 1), (513, 4, 146), (514, 4, len(jpeg))]
    table = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in rows)
    return b"II*\0" + struct.pack("<IH", 8, len(rows)) + table + bytes(4) + jpeg


def _fields():
    head = struct.pack("<IiiHHIIiiII4I", 56, 17, 13, 1, 32, 3, 0, 0, 0, 0, 0, 0x3FF00000, 0xFFC00, 0x3FF, 0xC0000000)
    body = np.random.default_rng(0).integers(0, 2**32, 17 * 13).astype("<u4").tobytes()
    return b"BM" + struct.pack("<IHHI", 70 + len(body), 0, 0, 70) + head + body


def mutate(data, seed):
    """Damage a file in one to four places; the same seed damages alike."""
    dice = random.Random(seed)
    file = bytearray(data)
    head = dice.random() < 0.6  # headers are where the harm is
    for _ in range(dice.randint(1, 4)):
        reach = min(len(file), 400) if head else len(file)
        if reach < 8:
            break
        at = dice.randrange(reach)
        kind = dice.randrange(8)
        if kind == 0:
            file[at] ^= 1 << dice.randrange(8)
        elif kind == 1:
            file[at] = dice.randrange(256)
        elif kind == 2:
            number = dice.choice(_NUMBERS)
            code = dice.choice(("<I", ">I", "<H", ">H"))
            packed = struct.pack(code, number & (0xFFFF if code[1] == "H" else 0xFFFFFFFF))
            file[at : at + len(packed)] = packed
        elif kind == 3:
            del file[at : at + dice.randint(1, 40)]
        elif kind == 4:
            file[at:at] = dice.randbytes(dice.randint(1, 40))
        elif kind == 5:
            del file[dice.randrange(len(file)) :]
        elif kind == 6:
            start = dice.randrange(len(file))
            file[at:at] = file[start : start + dice.randint(1, 200)]
        else:
            end = min(len(file), at + dice.randint(1, 30))
            file[at:end] = dice.choice((b"\0", b"\xff")) * (end - at)
    return bytes(file)
