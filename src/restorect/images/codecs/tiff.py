"""TIFF: 8 and 16-bit integer, 32-bit float, grey, RGB, palette, CMYK, alpha; tiles, planes and all compressions."""

import contextlib
import io
import struct
from typing import Any

import numpy as np

from restorect.errors import ImageError
from restorect.images.codecs import plain
from restorect.images.codecs.apart import run_apart
from restorect.images.codecs.avif import widen
from restorect.images.codecs.jpeg import cmyk_to_srgb
from restorect.images.codecs.png import join_alpha, split_alpha
from restorect.images.codecs.tiff_beside import what_lies_beside
from restorect.images.codecs.tiff_claims import check_claims, check_old_jpeg, check_tiles
from restorect.images.codecs.tiff_colour import profile as profile_of_tags
from restorect.images.codecs.tiff_colour import ycbcr_to_rgb
from restorect.images.codecs.tiff_metadata import attach, exif_block, extra_tags
from restorect.images.header import Decoded, Header
from restorect.images.libraries import library, optional
from restorect.images.metadata import iptc, xmp
from restorect.images.metadata.ifd import Directory, Head, chain, read_directory, read_head
from restorect.images.photo import Array, Metadata, Photo

_COMPRESSIONS = {1: "none", 5: "lzw", 8: "zlib", 32946: "zlib", 32773: "packbits", 50000: "zstd", 34925: "lzma"}
_XMP, _IPTC, _PHOTOSHOP, _ICC = 700, 33723, 34377, 34675
_CHROMATICITIES = 319
_COLOURS = {0: 1, 1: 1, 2: 3, 3: 3, 5: 4, 6: 3}
_SAMPLES = {**_COLOURS, 3: 1}
_LOSSY = {6, 7, 33003, 33004, 33005, 34712, 34887, 34933, 34934, 50001, 50002, 52546}
_MAX_SAMPLES = 32
_OLD_JPEG = 6
_SUBFILE = 254  # NewSubfileType, whose lowest bit says: a reduced version of another picture
_JPEG = {_OLD_JPEG, 7, 34892}
_BY_BYTES = {1, 5, 8, 32946, 32773, 50000, 34925}  # decoded here: the other compressions are whole picture codecs


def header(data: bytes, page: int) -> Header:
    """Read one page's directory."""
    head = read_head(data)
    pages = chain(data, head)
    if not pages:
        raise ValueError("no directory")
    if page >= len(pages):
        raise ImageError(f"has {len(pages)} pages, not {page + 1}: choose --page from 0")
    tags = read_directory(data, pages[page], head)
    order = head.order
    compression = tags.number(259, order, 1)
    old = compression == _OLD_JPEG  # whose writers leave out what its JPEG says too
    samples = tags.number(277, order, 3 if old else 1)
    photometric = tags.number(262, order, 2 if samples >= 3 else 1)
    bits, kind = tags.number(258, order, 8 if old else 1), tags.number(339, order, 1)
    _check(tags, order, photometric, samples, bits, kind)
    extra = samples - _SAMPLES[photometric]
    warnings: tuple[str, ...] = (f"{extra - 1} of its extra channels are not kept",) if extra > 1 else ()
    if photometric == 5:
        warnings += ("its CMYK colours are converted to sRGB",)
    if kind == 3 and bits == 64:
        warnings += ("its 64-bit floats are read as 32-bit",)
    profile = tags.entries[_ICC].data if _ICC in tags.entries else None
    if profile is None and photometric in (2, 3, 6) and kind != 3:
        profile, more = profile_of_tags(tags, order)
        warnings += more
    metadata, turned = _metadata(data, tags, head, pages[page]), tags.number(274, order)
    depth = 32 if kind == 3 else (8 if bits <= 8 or photometric == 3 else 16)
    return Header(
        width=tags.number(256, order),
        height=tags.number(257, order),
        channels=1 if photometric in (0, 1) else 3,
        stored_bits=depth if photometric == 3 else bits,
        bit_depth=depth,
        has_alpha=extra > 0,
        icc_profile=profile,
        metadata=metadata,
        orientation=turned if 1 <= turned <= 8 else xmp.orientation(metadata.xmp),
        pages=_pictures(data, pages, head),
        beside=what_lies_beside(data, tags, head),
        linear=kind == 3 and profile is None,
        names_colours=_CHROMATICITIES in tags.entries,
        lossless=compression not in _LOSSY,
        warnings=warnings,
        options={
            "compression": _COMPRESSIONS.get(compression, "zlib"),
            "photometric": str(photometric),
            "by": "libtiff" if old or _subsampled(tags, order, photometric, compression) else "tifffile",
        },
    )


def _pictures(data: bytes, pages: list[int], head: Head) -> int:
    """How many pages are pictures of their own: thumbnails of what comes before may stand at the end."""
    count = len(pages)
    with contextlib.suppress(ValueError, struct.error):
        while count > 1 and read_directory(data, pages[count - 1], head).number(_SUBFILE, head.order) & 1:
            count -= 1
    return count


def decode(data: bytes, page: int, header: Header) -> Decoded:
    """Decode one page."""
    megapixels = header.width * header.height / 1e6
    if header.options["by"] == "libtiff":
        return split_alpha(run_apart(_by_libtiff, data, page, library="libtiff", megapixels=megapixels))
    if optional("imagecodecs") is None or optional("tifffile") is None:
        return split_alpha(plain.tiff(data, page, header))
    with library("tifffile").TiffFile(io.BytesIO(data), _multifile=False) as file:
        leaf: Any = file.pages[page]
        if (leaf.imagewidth, leaf.imagelength) != (header.width, header.height):
            raise ValueError("its directories contradict each other")
        check_tiles(leaf)
        if int(leaf.compression) in _BY_BYTES:
            frame = np.asarray(leaf.asarray(maxworkers=1))
        else:
            name = f"the decoder of its compression {leaf.compression.name}"
            frame = run_apart(_by_tifffile, data, page, library=name, megapixels=megapixels)
        extra = tuple(int(kind) for kind in leaf.extrasamples)
        colormap, bits = leaf.colormap, int(leaf.bitspersample)
        if leaf.axes not in ("YX", "YXS", "SYX"):
            raise ValueError(f"pixels with axes {leaf.axes}")
        frame = np.moveaxis(frame, 0, -1) if leaf.axes == "SYX" else np.atleast_3d(frame)
    photometric = int(header.options["photometric"])
    if photometric == 3:
        pixels = _palette(frame[..., 0], colormap)
        alpha = _palette_alpha(frame[..., 1], bits) if frame.shape[2] > 1 else None
        return _straight(pixels, alpha, extra)
    frame = _codes(frame, header)
    colours = _COLOURS[photometric]
    alpha = frame[..., colours] if frame.shape[2] > colours else None
    pixels = frame[..., :colours]
    if photometric == 0:
        pixels = 1 - pixels if pixels.dtype == np.float32 else np.iinfo(pixels.dtype).max - pixels
    if photometric == 5:
        return _inked(pixels, alpha, header)
    if photometric == 6 and int(leaf.compression) in _COMPRESSIONS:  # others are of JPEG's kind, and give RGB
        head = read_head(data)
        tags = read_directory(data, chain(data, head)[page], head)
        pixels = ycbcr_to_rgb(pixels, tags, head.order, header.stored_bits)
    return _straight(pixels, alpha, extra)


def _by_tifffile(data: bytes, page: int) -> Array:
    """Decode apart."""
    with library("tifffile").TiffFile(io.BytesIO(data), _multifile=False) as file:
        leaf: Any = file.pages[page]
        check_claims(data, leaf)
        return np.asarray(leaf.asarray(maxworkers=1))


def _by_libtiff(data: bytes, page: int) -> Array:
    """Decode apart: YCbCr colours of fewer samples than there are pixels, and JPEG as TIFF 6.0 first had it; 8 bit.

    libtiff mirrors such pictures by their orientation, but turns none: that is undone.
    """
    head = read_head(data)
    tags = read_directory(data, chain(data, head)[page], head)
    check_old_jpeg(data, tags, head.order)
    turn = tags.number(274, head.order, 1)
    frame = np.asarray(library("imagecodecs").tiff_decode(data, index=page))
    frame = frame[:, ::-1] if turn in (2, 3, 6, 7) else frame
    return frame[::-1] if turn in (3, 4, 7, 8) else frame


def encode(photo: Photo) -> tuple[bytes, tuple[str, ...]]:
    """Write a TIFF of the photo's depth, chunky, with the compression it came with (else Deflate)."""
    compression = photo.options.get("compression", "zlib")
    metadata = photo.metadata
    tags: list[tuple[int, int, int, bytes, bool]] = extra_tags(metadata.exif)
    for code, kind, block in ((_XMP, 1, metadata.xmp), (_IPTC, 7, metadata.iptc)):
        if block:
            tags.append((code, kind, len(block), block, True))
    options: dict[str, Any] = {}
    if compression != "none":
        options = {"compression": compression, "predictor": compression in ("lzw", "zlib", "zstd", "lzma")}
    if metadata.dpi:
        options |= {"resolution": metadata.dpi, "resolutionunit": 2}
    if photo.alpha is not None:
        options["extrasamples"] = ["unassalpha"]
    buffer = io.BytesIO()
    library("tifffile").imwrite(
        buffer,
        join_alpha(photo),
        byteorder="<",
        photometric="rgb" if photo.channels == 3 else "minisblack",
        planarconfig="contig" if photo.channels == 3 or photo.alpha is not None else None,
        iccprofile=photo.icc_profile,
        software=False,
        metadata=None,
        extratags=tags,
        maxworkers=1,
        **options,
    )
    return attach(buffer.getvalue(), metadata.exif)


def _check(tags: Directory, order: str, photometric: int, samples: int, bits: int, kind: int) -> None:
    """Refuse what is not a photograph of 8 or 16-bit integers or floats."""
    if photometric not in _COLOURS:
        names = {8: "CIELAB", 9: "ICCLAB", 10: "ITULAB", 32844: "LogL", 32845: "LogLuv"}
        raise ImageError(f"has {names.get(photometric, f'photometric {photometric}')} colours: save it as RGB")
    if not _SAMPLES[photometric] <= samples <= _MAX_SAMPLES:
        raise ImageError(f"has {samples} channels: save it as grey or RGB, with or without alpha")
    if not (kind in (1, 4) and 1 <= bits <= 16) and not (kind == 3 and bits in (16, 24, 32, 64)):
        sort = {1: "unsigned integer", 2: "signed integer", 3: "float", 5: "complex", 6: "complex"}.get(kind, "odd")
        raise ImageError(f"has {bits}-bit {sort} pixels: save it as 8 or 16-bit unsigned or 32-bit float")
    compression = tags.number(259, order, 1)
    usual = compression == _OLD_JPEG or compression in _BY_BYTES
    if not usual and compression not in library("tifffile").TIFF.DECOMPRESSORS:
        raise ImageError(f"is compressed in a way that is not supported ({compression}): save it with LZW or Deflate")
    if bits != 8 and (compression == _OLD_JPEG or _subsampled(tags, order, photometric, compression)):
        raise ImageError(f"has {bits}-bit subsampled YCbCr colours, which is not supported: save it as RGB")
    if tags.number(32997, order, 1) > 1:
        raise ImageError("is a volume: save one slice of it")


def _subsampled(tags: Directory, order: str, photometric: int, compression: int) -> bool:
    """Say whether YCbCr colours have fewer samples than there are pixels, outside of a JPEG; (2, 2) is the default."""
    factors = tags.entries[530].numbers(order) if 530 in tags.entries else (2, 2)
    return photometric == 6 and compression not in _JPEG and factors != (1, 1)


def _metadata(data: bytes, tags: Directory, head: Head, at: int) -> Metadata:
    """Gather EXIF, XMP, IPTC and the resolution."""
    blocks = {code: tags.entries[code].data for code in (_XMP, _IPTC, _PHOTOSHOP) if code in tags.entries}
    unit = {2: 1.0, 3: 2.54}.get(tags.number(296, head.order, 2))
    dpi = None
    if unit and 282 in tags.entries and 283 in tags.entries:
        sides = [_ratio(tags.entries[code].data, head.order) * unit for code in (282, 283)]
        dpi = (sides[0], sides[1]) if all(1 < side < 1e6 for side in sides) else None
    return Metadata(
        exif=exif_block(data, at),
        xmp=xmp.usable(blocks.get(_XMP)),
        iptc=blocks.get(_IPTC) or iptc.from_resources(blocks.get(_PHOTOSHOP, b"")),
        dpi=dpi,
    )


def _ratio(value: bytes, order: str) -> float:
    """Read a rational, 0 when it makes no sense."""
    if len(value) < 8:
        return 0.0
    ends = "little" if order == "<" else "big"
    above, below = int.from_bytes(value[:4], ends), int.from_bytes(value[4:8], ends)  # type: ignore[arg-type]
    return above / below if below else 0.0


def _codes(frame: Array, header: Header) -> Array:
    """Bring stored samples to uint8, uint16 or float32."""
    if header.bit_depth == 32:
        return np.ascontiguousarray(frame, np.float32)
    if frame.dtype == np.bool_ or header.stored_bits < 8:
        frame = (frame.astype(np.uint16) * 255 // (2**header.stored_bits - 1)).astype(np.uint8)
        return frame
    expected = np.uint8 if header.bit_depth == 8 else np.uint16
    if frame.dtype != expected:
        raise ValueError(f"pixels of type {frame.dtype}")
    return widen(frame, header.stored_bits)


def _palette(index: Array, colormap: Array | None) -> Array:
    """Look palette colours up; they become 8 bit."""
    index = index.astype(np.uint16, copy=False)  # of 1 bit it comes as bool
    if colormap is None or int(index.max(initial=0)) >= colormap.shape[1]:
        raise ValueError("its palette is damaged")
    table = (colormap >> 8).astype(np.uint8)  # right for writers that multiply by 256 and by 257
    return np.moveaxis(table[:, index], 0, -1)


def _palette_alpha(codes: Array, bits: int) -> Array:
    """Give the alpha beside a palette index as 8 bit."""
    alpha: Array = np.rint(codes.astype(np.float32) * (255 / (2**bits - 1))).astype(np.uint8)
    return alpha


def _inked(ink: Array, alpha: Array | None, header: Header) -> Decoded:
    """Convert CMYK to sRGB."""
    if ink.dtype == np.float32:
        raise ImageError("has CMYK colours in float: save it as RGB")
    result = cmyk_to_srgb(ink, header.icc_profile)
    return Decoded(pixels=result.pixels, alpha=alpha, warnings=result.warnings, drop_profile=True)


def _straight(pixels: Array, alpha: Array | None, extra: tuple[int, ...]) -> Decoded:
    """Divide premultiplied colours by their alpha; others stay."""
    if alpha is None or extra[:1] != (1,):
        return Decoded(pixels=pixels, alpha=alpha)
    full = 1.0 if pixels.dtype == np.float32 else float(np.iinfo(pixels.dtype).max)
    share = np.maximum(alpha.astype(np.float32) / np.float32(full), 1e-6)[..., None]
    straight = np.where(alpha[..., None] > 0, pixels.astype(np.float32) / share, 0)
    if pixels.dtype != np.float32:
        straight = np.rint(np.clip(straight, 0, full))
    text = "its premultiplied alpha is made straight"
    return Decoded(pixels=straight.astype(pixels.dtype), alpha=alpha, warnings=(text,))
