"""JPEG: 8 bit, grey, RGB, and CMYK through its profile."""

import io
import re
import struct
import warnings
from typing import Any

import numpy as np
from PIL import Image, JpegImagePlugin

from restorect.errors import ImageError
from restorect.images import icc
from restorect.images.codecs.jpeg_beside import what_lies_beside
from restorect.images.codecs.jpeg_tables import estimate_quality, nearest_sampling
from restorect.images.header import Decoded, Header
from restorect.images.metadata import exif, iptc, xmp
from restorect.images.photo import Array, Metadata, Photo

warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")  # our own errors report damage

SUBSAMPLINGS = ("4:4:4", "4:2:2", "4:2:0")
_SEGMENT = 65533
_MARKER = re.compile(rb"\xff([^\xff])")
_MAX_SEGMENTS = 4096
_MAX_JUNK = 2**16
_MAX_EXIF = 2**23
_EXIF_SIGNATURE = b"Exif\0\0"
MAX_EXIF_WRITTEN = _SEGMENT - len(_EXIF_SIGNATURE)
_MAX_SCANS = 500
_SEARCHED = 2**26
_OTHER_CODINGS = {
    **dict.fromkeys((0xC3, 0xCB), "lossless"),
    **dict.fromkeys((0xC5, 0xC6, 0xC7, 0xCD, 0xCE, 0xCF, 0xDE), "hierarchical"),
    0xF7: "near-lossless (JPEG-LS)",
}
_XMP_SIGNATURE = b"http://ns.adobe.com/xap/1.0/\0"


def header(data: bytes, page: int) -> Header:
    """Read a JPEG's segments up to its first scan."""
    image = _open(data, page)
    info = image.info
    notes: tuple[str, ...] = ()
    packet = xmp.usable(info.get("xmp"))
    applied = getattr(image, "applist", ())
    segments = [body for name, body in applied if name == "APP1"]
    parts = [body for body in segments if body.startswith(xmp.EXTENSION_SIGNATURE)]
    extension = xmp.join_extension(parts, packet)
    if parts and extension is None:
        notes += ("its extended XMP is damaged or holds a thumbnail and is not kept",)
    if image.mode == "CMYK":
        notes += ("its CMYK colours are converted to sRGB",)
    resources = b"".join(body[len(iptc.SIGNATURE) :] for _, body in applied if body.startswith(iptc.SIGNATURE))
    block = exif.bare(info.get("exif"))
    beside, further = what_lies_beside(data, packet)
    pages = int(getattr(image, "n_frames", 1))
    if further and pages == 1:
        beside += ("further picture",)
    if iptc.holds_paths(resources):
        beside += ("Photoshop paths",)
    return Header(
        width=image.width,
        height=image.height,
        channels=1 if image.mode == "L" else 3,
        stored_bits=8,
        bit_depth=8,
        icc_profile=info.get("icc_profile"),
        metadata=Metadata(
            exif=block,
            xmp=packet,
            xmp_extension=extension,
            iptc=iptc.from_resources(resources),
            dpi=_dpi(info),
            comment=info.get("comment"),
        ),
        orientation=exif.orientation(block, xmp.orientation(packet)),
        pages=min(pages, 1 + further),
        beside=beside,
        lossless=False,
        warnings=notes,
        options={"mode": image.mode} | _coding(image, exif.orientation(block, xmp.orientation(packet))),
    )


def decode(data: bytes, page: int, header: Header) -> Decoded:
    """Decode the pixels; CMYK becomes sRGB."""
    image = _open(data, page)
    pixels = np.asarray(image)
    if image.mode in ("L", "RGB"):
        return Decoded(pixels=np.atleast_3d(pixels))
    return cmyk_to_srgb(pixels, header.icc_profile)


def cmyk_to_srgb(pixels: Array, profile: bytes | None) -> Decoded:
    """Convert H x W x 4 uint8 or uint16 ink (full scale is full ink) to sRGB of the same depth.

    Without a usable CMYK profile the plain formula (1 - ink) (1 - black) is used, with a warning.
    """
    full = np.iinfo(pixels.dtype).max
    notes: tuple[str, ...] = ()
    ink = pixels.astype(np.float32) / full
    if profile is not None and icc.problem(profile, 4) is None:
        rgb = icc.transform(ink * 100, profile, icc.srgb())
    else:
        rgb = (1 - ink[..., :3]) * (1 - ink[..., 3:])
        notes = ("it has no CMYK profile: its colours are a guess",)
    rounded = np.rint(np.clip(rgb, 0, 1) * full).astype(pixels.dtype)
    return Decoded(pixels=rounded, warnings=notes, drop_profile=True)


def encode(photo: Photo, *, quality: int, subsampling: str) -> tuple[bytes, tuple[str, ...]]:
    """Write a JPEG; the photo is 8 bit, without alpha.

    Returns:
        The file, and what did not fit into it.
    """
    pixels = photo.pixels[..., 0] if photo.channels == 1 else photo.pixels
    buffer = io.BytesIO()
    options: dict[str, Any] = {"icc_profile": photo.icc_profile} if photo.icc_profile else {}
    if photo.metadata.dpi:
        options["dpi"] = tuple(min(max(round(value), 1), 65535) for value in photo.metadata.dpi)
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality, subsampling=subsampling, **options)
    return _with_segments(buffer.getvalue(), photo.metadata)


def _check(data: bytes) -> None:
    """Refuse kinds of JPEG that Pillow would call damaged, and those it would walk through for minutes.

    Pillow looks for markers byte by byte, and joins EXIF segments one by one.

    Raises:
        ImageError: it has 12 or 16 bits, or is coded in a rare way.
        ValueError: no scan comes within a sane number of segments, or there are too many scans.
    """
    at, junk, exif_bytes = 2, 0, 0
    for _ in range(_MAX_SEGMENTS):
        found = _MARKER.search(data, at, at + _MAX_JUNK)
        junk += found.end() - at - 2 if found else _MAX_JUNK
        if found is None and len(data) - at < _MAX_JUNK:
            return  # cut off; Pillow will say so
        if found is None or junk > _MAX_JUNK:
            raise ValueError("no picture follows its header")
        marker, at = found[1][0], found.end()
        if marker in (0x00, *range(0xD0, 0xDA)):
            continue
        if marker == 0xDA and data.count(b"\xff\xda", at, at + _SEARCHED) >= _MAX_SCANS:
            raise ValueError(f"it has over {_MAX_SCANS} scans")
        if marker == 0xDA or at + 3 > len(data):
            return
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC) and data[at + 2] in (12, 16):
            raise ImageError(f"is a {data[at + 2]}-bit JPEG, which is not supported: save it as 8 bit or as TIFF")
        if marker in _OTHER_CODINGS:
            text = f"is a {_OTHER_CODINGS[marker]} JPEG, which is not supported"
            raise ImageError(f"{text}: save it as a baseline JPEG, PNG or TIFF")
        size = max(2, struct.unpack_from(">H", data, at)[0])
        exif_bytes += size if data.startswith(_EXIF_SIGNATURE, at + 2) else 0
        if exif_bytes > _MAX_EXIF:
            raise ValueError("its EXIF is absurdly long")
        at += size
    raise ValueError(f"it has over {_MAX_SEGMENTS} segments before its picture")


def _open(data: bytes, page: int) -> Any:  # noqa: ANN401 - Pillow's JPEG and MPO classes
    _check(data)
    image: Any = JpegImagePlugin.jpeg_factory(io.BytesIO(data))
    if page:
        if page >= getattr(image, "n_frames", 1):
            raise ImageError(f"has {getattr(image, 'n_frames', 1)} pages, not {page + 1}: choose --page from 0")
        image.seek(page)
    if image.mode not in ("L", "RGB", "CMYK"):
        raise ImageError(f"is a JPEG of a kind that is not supported ({image.mode}): save it as 8-bit RGB")
    return image


def _coding(image: Any, orientation: int) -> dict[str, str]:  # noqa: ANN401 - Pillow's class
    """Say how it was coded: `quality` and `subsampling` for an output that is to be like it."""
    if not image.quantization:
        return {}
    sampling = nearest_sampling(image.layer, turned=orientation >= 5)
    return {"quality": str(estimate_quality(image.quantization)), "subsampling": sampling}


def _dpi(info: dict[Any, Any]) -> tuple[float, float] | None:
    """Give a resolution that makes sense, or None."""
    dpi = info.get("dpi")
    try:
        pair = (float(dpi[0]), float(dpi[1])) if dpi else None
    except (TypeError, ValueError, ZeroDivisionError, IndexError):
        return None
    return pair if pair and all(1 < value < 1e6 for value in pair) else None


def _with_segments(data: bytes, metadata: Metadata) -> tuple[bytes, tuple[str, ...]]:
    """Put EXIF, XMP, IPTC and the comment behind the JFIF segment."""
    extension = xmp.split_extension(metadata.xmp_extension) if metadata.xmp_extension else []
    wanted = (
        ("EXIF", 0xE1, _EXIF_SIGNATURE, metadata.exif),
        ("XMP", 0xE1, _XMP_SIGNATURE, metadata.xmp),
        *(("extended XMP", 0xE1, b"", part) for part in extension),
        ("IPTC", 0xED, iptc.SIGNATURE, iptc.to_resources(metadata.iptc) if metadata.iptc else None),
        ("comment", 0xFE, b"", metadata.comment),
    )
    segments, lost = b"", []
    for name, marker, signature, payload in wanted:
        if payload is None:
            continue
        if len(signature) + len(payload) > _SEGMENT:
            lost.append(f"its {name} is too long for a JPEG and is not kept")
            continue
        segments += struct.pack(">BBH", 0xFF, marker, 2 + len(signature) + len(payload)) + signature + payload
    at = 2
    if data[2:4] == b"\xff\xe0":
        at += 2 + struct.unpack_from(">H", data, 4)[0]
    return data[:at] + segments + data[at:], tuple(lost)
