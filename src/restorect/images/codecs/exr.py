"""OpenEXR, read and written through the optional OpenEXR: linear light, half and 32-bit float."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from restorect.errors import ImageError
from restorect.images.codecs.apart import installed, run_apart
from restorect.images.codecs.chromaticities import matrix_to_srgb, same_as_srgb
from restorect.images.codecs.exr_header import Part, read_parts
from restorect.images.codecs.png import split_alpha
from restorect.images.header import Decoded, Header
from restorect.images.photo import Array, Photo

_MISSING = 'OpenEXR needs an extra: pip install "restorect[exr]"'
_LARGEST_HALF = 65504


def can_write() -> bool:
    """Say whether OpenEXR is installed."""
    return installed("OpenEXR")


def header(data: bytes, page: int) -> Header:
    """Read the attributes of one part."""
    if not can_write():
        raise ImageError(_MISSING)
    parts = read_parts(data)
    if page >= len(parts):
        raise ImageError(f"has {len(parts)} pages, not {page + 1}: choose --page from 0")
    part = parts[page]
    names = _colours(part)
    warnings: tuple[str, ...] = (
        ("its display window is not applied: the whole data window is read",) if part.cropped else ()
    )
    if _foreign(part):
        warnings += ("its colours are converted to sRGB's primaries",)
    return Header(
        width=part.width,
        height=part.height,
        channels=len(names),
        stored_bits=16 if part.half else 32,
        bit_depth=32,
        has_alpha="A" in part.channels,
        pages=len(parts),
        linear=True,
        lossless=part.lossless,
        warnings=warnings,
    )


def decode(data: bytes, page: int, header: Header) -> Decoded:
    """Decode one part to sRGB's primaries; colours are made straight, and stay as they are where alpha is 0."""
    megapixels = header.width * header.height / 1e6
    with _on_disk(data) as path:
        decoded = split_alpha(run_apart(_pixels, os.fsencode(path), page, library="OpenEXR", megapixels=megapixels))
    pixels, xy = decoded.pixels, _foreign(read_parts(data)[page])
    if xy:
        pixels = pixels @ matrix_to_srgb(xy).T.astype(np.float32)
    if decoded.alpha is not None and not decoded.alpha.any():
        return Decoded(pixels=pixels, warnings=("its alpha, 0 everywhere, is not kept",))
    if decoded.alpha is not None:
        pixels = pixels / np.where(decoded.alpha == 0, np.float32(1), decoded.alpha)[..., None]
    return Decoded(pixels=pixels, alpha=decoded.alpha)


def encode(photo: Photo) -> tuple[bytes, tuple[str, ...]]:
    """Write an EXR with sRGB's primaries; the photo is linear 32-bit float. What came as half floats stays so."""
    if not can_write():
        raise ImageError(_MISSING)
    import OpenEXR

    names = "RGB" if photo.channels == 3 else "Y"
    frame = np.asarray(photo.pixels, np.float32)
    if photo.alpha is not None:
        share = np.where(photo.alpha == 0, np.float32(1), photo.alpha)
        names, frame = f"{names}A", np.dstack([frame * share[..., None], photo.alpha])
    if photo.format == "exr" and photo.stored_bits == 16 and _fits_half(frame):
        frame = frame.astype(np.float16)
    planes = {name: np.ascontiguousarray(frame[..., at]) for at, name in enumerate(names)}
    with _on_disk(b"") as path:
        OpenEXR.File({"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}, planes).write(str(path))
        return path.read_bytes(), ()


def _pixels(path: bytes, page: int) -> Array:
    """Decode apart: H x W x C float32."""
    import OpenEXR

    found = OpenEXR.File(os.fsdecode(path), separate_channels=True).parts[page].channels
    names = [name for name in ("RGBA" if "R" in found else "YA") if name in found]
    return np.dstack([found[name].pixels.astype(np.float32) for name in names])


def _colours(part: Part) -> str:
    """Name the channels that are the picture.

    Raises:
        ImageError: there are none that are supported.
    """
    if part.deep:
        raise ImageError("is a deep EXR, which is not supported: flatten it")
    names = next((names for names in ("RGB", "Y") if set(names) <= part.channels.keys()), "")
    if {"RY", "BY"} & part.channels.keys() and names == "Y":
        raise ImageError("has luminance and chroma channels, which are not supported: save it as RGB")
    if not names:
        listed = ", ".join(list(part.channels)[:8])
        raise ImageError(f"has no channels R, G, B or Y (but {listed}): choose another part with --page")
    wanted = {*names, "A"} & part.channels.keys()
    if wanted & part.sampled or any(part.channels[name] not in (1, 2) for name in wanted):
        raise ImageError("has subsampled or integer colours, which are not supported: save it as half or float")
    return names


def _foreign(part: Part) -> tuple[float, ...] | None:
    """Give primaries and white where they are not sRGB's."""
    xy = part.chromaticities
    return None if xy is None or same_as_srgb(xy) or "R" not in part.channels else xy


@contextmanager
def _on_disk(data: bytes) -> Iterator[Path]:
    """Give a file of this content for a while: OpenEXR opens only such."""
    try:
        with tempfile.TemporaryDirectory(prefix="restorect-") as folder:
            path = Path(folder, "photo.exr")
            path.write_bytes(data)
            yield path
    except OSError as error:
        raise ImageError(f"needs a copy in the folder of temporary files ({error.strerror}): make room") from error


def _fits_half(frame: Array) -> bool:
    finite = frame[np.isfinite(frame)]
    return not finite.size or float(np.abs(finite).max()) <= _LARGEST_HALF
