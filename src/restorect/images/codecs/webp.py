"""WebP: 8 bit RGB with or without alpha, lossy and lossless, animations frame by frame."""

import io
import struct
from typing import Any

import numpy as np
from PIL import Image, WebPImagePlugin

from restorect.errors import ImageError
from restorect.images.codecs.png import join_alpha, split_alpha
from restorect.images.header import Decoded, Header
from restorect.images.metadata import exif, xmp
from restorect.images.photo import Metadata, Photo

_MAX_CHUNKS = 2**16
_MAX_NAMED = 8
_PICTURES = {b"VP8 ", b"VP8L", b"ANMF"}
_XMP = (b"XMP ", b"XMP\0")  # the second by some writers in Java
_KNOWN = _PICTURES | {b"VP8X", b"ALPH", b"ANIM", b"ICCP", b"EXIF", *_XMP}


def header(data: bytes, page: int) -> Header:
    """Read the RIFF chunks."""
    chunks: dict[bytes, bytes] = {}
    frames, at = 0, 12
    end = min(len(data), 8 + struct.unpack_from("<I", data, 4)[0])
    for _ in range(_MAX_CHUNKS):
        if at + 8 > end:
            break
        kind, size = struct.unpack_from("<4sI", data, at)
        frames += kind == b"ANMF"
        if kind not in chunks:
            kept = min(size, 64) if kind in _PICTURES else size
            chunks[kind] = data[at + 8 : at + 8 + kept]
        at += 8 + size + size % 2
    if not chunks.keys() & _PICTURES:
        raise ValueError("no picture chunk")
    width, height, alpha = _canvas(chunks)
    block = exif.bare(chunks.get(b"EXIF"))
    packet = xmp.usable(chunks.get(_XMP[0]) or chunks.get(_XMP[1]))
    return Header(
        width=width,
        height=height,
        channels=3,
        stored_bits=8,
        bit_depth=8,
        has_alpha=alpha,
        icc_profile=chunks.get(b"ICCP"),
        metadata=Metadata(exif=block, xmp=packet),
        orientation=exif.orientation(block, xmp.orientation(packet)),
        pages=max(1, frames),
        beside=tuple(map(_named, sorted(chunks.keys() - _KNOWN)))[:_MAX_NAMED],
        lossless=b"VP8L" in chunks or (frames > 0 and b"VP8L" in chunks[b"ANMF"][16:64]),
    )


def decode(data: bytes, page: int, header: Header) -> Decoded:
    """Decode the picture, or one frame of an animation."""
    image: Any = WebPImagePlugin.WebPImageFile(io.BytesIO(data))
    if page:
        if page >= image.n_frames:
            raise ImageError(f"has {image.n_frames} pages, not {page + 1}: choose --page from 0")
        image.seek(page)
    return split_alpha(np.asarray(image if image.mode in ("RGB", "RGBA") else image.convert("RGB")))


def encode(photo: Photo, *, quality: int, lossless: bool) -> tuple[bytes, tuple[str, ...]]:
    """Write a WebP; the photo is 8 bit. Grey is stored as RGB."""
    if photo.channels == 1:
        rgb = np.repeat(photo.pixels, 3, axis=2)
        pixels = rgb if photo.alpha is None else np.dstack([rgb, photo.alpha])
    else:
        pixels = join_alpha(photo)
    buffer = io.BytesIO()
    options: dict[str, Any] = {"lossless": True, "exact": True} if lossless else {"quality": quality, "exact": True}
    for name, value in (
        ("icc_profile", photo.icc_profile),
        ("exif", photo.metadata.exif),
        ("xmp", photo.metadata.xmp),
    ):
        if value:
            options[name] = value
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "WEBP", method=4, **options)
    return buffer.getvalue(), ()


def _named(kind: bytes) -> str:
    """Name an unknown chunk."""
    return "C2PA manifest" if kind == b"C2PA" else f"chunk {kind.decode('ascii', 'replace').strip()}"


def _canvas(chunks: dict[bytes, bytes]) -> tuple[int, int, bool]:
    """Give width, height and whether there is alpha."""
    if len(body := chunks.get(b"VP8X", b"")) >= 10:
        sides = [1 + int.from_bytes(body[at : at + 3], "little") for at in (4, 7)]
        return sides[0], sides[1], bool(body[0] & 0x10)
    if len(body := chunks.get(b"VP8L", b"")) >= 5 and body[0] == 0x2F:
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF), bool(bits >> 28 & 1)
    if len(body := chunks.get(b"VP8 ", b"")) >= 10 and body[3:6] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", body, 6)
        return width & 0x3FFF, height & 0x3FFF, False
    raise ValueError("no picture chunk")
