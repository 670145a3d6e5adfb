"""JPEG XL: 8 and 16 bit and float, grey, RGB, alpha; lossless and lossy.

The codec at hand neither reads nor writes ICC profiles in JPEG XL. Colours named by number (Display P3, Rec. 2020)
are read; a photo with a profile is converted to sRGB before it is written.
"""

import struct

import numpy as np

from restorect.errors import ImageError
from restorect.images import cicp, icc
from restorect.images.codecs.apart import run_apart
from restorect.images.codecs.avif import widen
from restorect.images.codecs.boxes import walk
from restorect.images.codecs.jxl_header import ImageHeader, name_tones, read_image_header
from restorect.images.codecs.png import join_alpha, split_alpha
from restorect.images.header import Decoded, Header
from restorect.images.libraries import library
from restorect.images.metadata import exif, xmp
from restorect.images.orient import upright_size
from restorect.images.photo import Array, Metadata, Photo

_SRGB_TONES = 13
_SRGB_XY = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))


def header(data: bytes, page: int) -> Header:
    """Read the image header and the metadata boxes; the decoder turns the picture upright itself."""
    stream, block, packet, warnings, beside = _parts(data)
    head = read_image_header(stream)
    profile, more = _profile(head)
    linear = (head.transfer, head.primaries, head.gamma, head.icc) == (8, 1, None, False)
    width, height = upright_size(head.width, head.height, head.orientation)
    return Header(
        width=width,
        height=height,
        channels=1 if head.grey else 3,
        stored_bits=head.bits,
        bit_depth=32 if head.float_samples else (8 if head.bits <= 8 else 16),
        has_alpha=head.alpha,
        icc_profile=None if linear else profile,
        metadata=Metadata(exif=exif.bare(block), xmp=xmp.usable(packet)),
        orientation=head.orientation,
        upright=True,
        pages=2 if head.animated else 1,
        linear=linear,
        names_colours=True,
        lossless=not head.xyb,
        beside=beside + head.further,
        warnings=warnings + more,
    )


def decode(data: bytes, page: int, header: Header) -> Decoded:
    """Decode one picture."""
    frame = run_apart(_pixels, data, page, library="libjxl", megapixels=header.width * header.height / 1e6)
    if frame.dtype == np.float16:
        frame = frame.astype(np.float32)
    if frame.ndim == 3 and frame.shape[:2] != (header.height, header.width) == frame.shape[1:]:
        frame = np.moveaxis(frame, 0, -1)  # as the codec gives grey with several further channels
    frame = np.atleast_3d(frame)
    if frame.shape[2] > header.channels + header.has_alpha:  # a further channel, such as depth, is no alpha
        alpha = [header.channels + stream_header(data).extras.index(0)] if header.has_alpha else []
        frame = frame[..., [*range(header.channels), *alpha]]
    return split_alpha(widen(frame, header.stored_bits))


def _pixels(data: bytes, page: int) -> Array:
    """Decode apart."""
    try:
        return np.asarray(library("imagecodecs").jpegxl_decode(data, index=page, numthreads=1))
    except (IndexError, ValueError) as error:
        if page:
            raise ImageError(f"has no page {page}: choose a smaller --page") from error
        raise


def stream_header(data: bytes) -> ImageHeader:
    """Read the image header alone, of a file or a bare codestream."""
    return read_image_header(_parts(data)[0])


def encode(photo: Photo, *, quality: int, lossless: bool) -> tuple[bytes, tuple[str, ...]]:
    """Write a JPEG XL without a profile; the photo is sRGB, or linear and float. Only 8 bit may be lossy.

    The encoder takes 16-bit and float samples for linear light; where they are not, the header is told so.
    """
    lossless = lossless or photo.bit_depth != 8
    options = {"lossless": True} if lossless else {"distance": max(0.1, (100 - quality) * 0.09 + 0.1)}
    frame = join_alpha(photo)
    coded = bytes(library("imagecodecs").jpegxl_encode(frame, effort=5, usecontainer=True, numthreads=1, **options))
    if photo.bit_depth != 8 and not photo.linear:
        start, end = next((start, end) for kind, start, end in walk(coded) if kind == b"jxlc")
        stream = bytearray(coded[start:end])
        name_tones(stream, _SRGB_TONES)
        coded = coded[:start] + bytes(stream) + coded[end:]
    metadata = photo.metadata
    if metadata.exif:
        coded += _box(b"Exif", b"\0\0\0\0" + metadata.exif)
    if metadata.xmp:
        coded += _box(b"xml ", metadata.xmp)
    return coded, ()


def _parts(data: bytes) -> tuple[bytes, bytes | None, bytes | None, tuple[str, ...], tuple[str, ...]]:
    """Give the beginning of the codestream, EXIF, XMP, warnings, and what lies beside the picture."""
    if data[:2] == b"\xff\x0a":
        return data, None, None, (), ()
    stream, block, packet, warnings, beside = b"", None, None, [], []
    for kind, start, end in walk(data):
        if kind == b"jxlc" and not stream:
            stream = data[start : min(end, start + 8192)]
        elif kind == b"jxlp" and len(stream) < 8192:
            stream += data[start + 4 : min(end, start + 8192)]
        elif kind == b"Exif" and end - start > 4:
            block = data[start + 4 + struct.unpack_from(">I", data, start)[0] : end]
        elif kind == b"xml ":
            packet = data[start:end]
        elif kind == b"jhgm":
            beside.append("gain map")
        elif kind == b"jumb":
            beside.append("C2PA manifest" if b"c2pa" in data[start:end] else "JUMBF boxes")
        elif kind == b"brob" and data[start : start + 4] in (b"Exif", b"xml "):
            warnings.append(f"its compressed {data[start : start + 4].decode().strip()} metadata is not kept")
    return stream, block, packet, tuple(warnings), tuple(dict.fromkeys(beside))


def _profile(head: ImageHeader) -> tuple[bytes | None, tuple[str, ...]]:
    """Find out what colours the decoded numbers mean."""
    if head.icc:
        if head.xyb:
            return None, ("its ICC profile is not kept: it was decoded as sRGB",)
        return None, ("its ICC profile cannot be read from JPEG XL: sRGB is assumed",)
    if head.gamma is not None:
        return (icc.grey(head.gamma) if head.grey else icc.make(_SRGB_XY, (0.3127, 0.329), head.gamma)), ()
    if head.grey and head.transfer == 13:
        return None, ()
    return cicp.profile(head.primaries, head.transfer, grey=head.grey)


def _box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + kind + body
