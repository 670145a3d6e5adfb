"""AVIF: 8, 10 and 12 bit, grey, RGB, alpha; 10 and 12 bit are held as 16 bit."""

import struct
from dataclasses import replace
from typing import Any

import cv2
import numpy as np

from restorect.errors import ImageError
from restorect.images.codecs.apart import run_apart
from restorect.images.codecs.avif_items import add_items
from restorect.images.codecs.boxes import samples
from restorect.images.codecs.png import join_alpha, split_alpha
from restorect.images.codecs.sequence import describe_track
from restorect.images.codecs.still import read_still
from restorect.images.header import Decoded, Header
from restorect.images.libraries import library
from restorect.images.photo import Array, Photo

_NCLX = b"colrnclx"  # a box of colours by numbers: primaries, transfer, matrix


def header(data: bytes, page: int) -> Header:
    """Read the boxes of the still picture; its orientation is that of its properties, as the standard says."""
    still = read_still(data)
    if not still.width:
        describe_track(still, data)
    header = still.header(planes=still.planes)
    cropped = ("its crop is not applied: the whole coded picture is read",) if still.crop is not None else ()
    further = ("further pictures",) if still.pictures > 1 else ()
    return replace(
        header,
        pages=samples(data) if b"avis" in data[8:64] else 1,
        lossless=still.planes == 1 or _identity(data),
        beside=header.beside + further,
        warnings=header.warnings + cropped,
    )


def decode(data: bytes, page: int, header: Header) -> Decoded:
    """Decode one picture."""
    if page >= header.pages:
        raise ImageError(f"has {header.pages} pages, not {page + 1}: choose --page from 0")
    megapixels = header.width * header.height / 1e6
    frame = run_apart(_pixels, data, page, header.pages, library="libavif", megapixels=megapixels)
    return split_alpha(widen(frame, header.stored_bits))


def _pixels(data: bytes, page: int, pages: int) -> Array:
    """Decode apart: imagecodecs 2026.3 corrupts its memory where a sequence's picture is asked for by its number."""
    if pages == 1:
        frame = np.asarray(library("imagecodecs").avif_decode(data, numthreads=1))
        return frame[0] if frame.ndim == 4 else frame  # of a sequence whose brand does not say so
    coded = np.frombuffer(data, np.uint8)
    pictures: Any
    if page:
        _, pictures = cv2.imdecodemulti(coded, cv2.IMREAD_UNCHANGED, range=(page, page + 1))
    else:
        pictures = (cv2.imdecode(coded, cv2.IMREAD_UNCHANGED),)
    if not pictures or pictures[0] is None:
        raise ValueError(f"OpenCV cannot read its picture {page}")
    frame = np.atleast_3d(pictures[0])
    return np.asarray(frame[..., {1: [0], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[frame.shape[2]]])


def widen(codes: Array, bits: int) -> Array:
    """Stretch codes of 9 to 15 bits to 16, so that `narrow` gives them back; others stay."""
    if codes.dtype != np.uint16 or bits >= 16:
        return codes
    top = 2**bits - 1
    wide: Array = ((codes.astype(np.uint32) * 65535 + top // 2) // top).astype(np.uint16)
    return wide


def narrow(codes: Array, bits: int) -> Array:
    """Round 16-bit codes to fewer bits."""
    top = 2**bits - 1
    codes = ((codes.astype(np.uint32) * top + 32767) // 65535).astype(np.uint16)
    return codes


def encode(photo: Photo, *, quality: int, subsampling: str, lossless: bool) -> tuple[bytes, tuple[str, ...]]:
    """Write an AVIF; 8 bit stay 8, 16 bit become 12 (10 where the photo came with 10)."""
    bits = 8 if photo.bit_depth == 8 else (photo.stored_bits if photo.stored_bits in (10, 12) else 12)
    frame = join_alpha(photo)
    warnings: tuple[str, ...] = ()
    if bits != 8:
        frame = narrow(frame, bits)
        if not photo.stored_bits or photo.stored_bits > bits:
            warnings = (f"AVIF holds {bits} of its 16 bits",)
    coded = _coded(
        frame,
        photo.code_points or ((2, 2) if photo.icc_profile else (1, 13)),
        level=100 if lossless else min(quality, 99),
        speed=6,
        bitspersample=bits,
        pixelformat="400" if photo.channels == 1 else ("444" if lossless else subsampling.replace(":", "")),
        numthreads=1,
    )
    whole = add_items(coded, icc=photo.icc_profile, exif=photo.metadata.exif, xmp=photo.metadata.xmp)
    return whole, warnings


def _coded(frame: Array, code_points: tuple[int, int], **options: object) -> bytes:
    """Encode; the last imagecodecs for Python 3.10 (2025.3) names no colours, so they are put into its file."""
    encode, (primaries, transfer) = library("imagecodecs").avif_encode, code_points
    try:
        return bytes(encode(frame, primaries=primaries, transfer=transfer, **options))
    except TypeError:
        data = bytes(encode(frame, **options))
    at = data.index(_NCLX) + len(_NCLX)
    return data[:at] + struct.pack(">HH", primaries, transfer) + data[at + 4 :]


def _identity(data: bytes) -> bool:
    """Say whether the matrix is the identity, as in lossless RGB."""
    at = data.find(_NCLX)
    return at > 0 and data[at + 12 : at + 14] == b"\0\0"
