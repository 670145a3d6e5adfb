"""Read a photograph truly: its own depth, colours, metadata and alpha, upright."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np

from restorect.errors import ImageError
from restorect.images import cicp, icc
from restorect.images.codecs import jpeg_salvage
from restorect.images.codecs.by_format import READERS
from restorect.images.header import Decoded, Header, check_size
from restorect.images.metadata import exif, xmp
from restorect.images.orient import upright, upright_size
from restorect.images.photo import Array, Photo, PhotoInfo
from restorect.images.source import load
from restorect.reasons import is_shortage, reason_of
from restorect.remedies import REMEDIES

_NAMES = {
    **{"jpeg": "JPEG", "png": "PNG", "tiff": "TIFF", "webp": "WebP", "avif": "AVIF", "jxl": "JPEG XL", "bmp": "BMP"},
    **{"hdr": "HDR", "exr": "EXR", "heic": "HEIC", "raw": "camera RAW"},
}
_UNSUPPORTED = re.compile("not (yet )?(implemented|supported)", re.IGNORECASE)
_DTYPES = {8: np.dtype(np.uint8), 16: np.dtype(np.uint16), 32: np.dtype(np.float32)}


class Opened:
    """A photograph that was recognised and whose header is read; made by `open_photo`.

    Its header stays as the codec gave it until the pixels are there: they may be coded by what is not to be trusted.

    Attributes:
        format: canonical format name.
    """

    def __init__(self, data: bytes, header: Header, *, format: str, name: str, page: int) -> None:
        self.format = format
        self._data, self._header, self._name, self._page = data, header, name, page

    @cached_property
    def info(self) -> PhotoInfo:
        """What the header says.

        Raises:
            ImageError: it makes no sense.
        """
        with _one_line(self._name, self.format):
            header = _trusted(self._header, self._name)
            width, height = upright_size(header.width, header.height, 1 if header.upright else header.orientation)
            return PhotoInfo(
                format=self.format,
                width=width,
                height=height,
                channels=header.channels,
                bit_depth=header.bit_depth,
                has_alpha=header.has_alpha,
                profile=_profile_name(header),
                orientation=header.orientation,
                pages=header.pages,
                stored_bits=header.stored_bits,
                linear=header.linear,
                lossless=header.lossless,
                metadata=header.metadata,
                beside=header.beside,
                warnings=header.warnings + self._several(header),
            )

    def decode(self, *, salvage: bool = False) -> Photo:
        """Decode the pixels.

        Args:
            salvage: read what is there of a JPEG that is cut off, with a warning, and do not refuse it.

        Returns:
            The photo: pixels H x W x 1 or 3, upright, uint8, uint16 or float32 as in the file.

        Raises:
            ImageError: the file is damaged, of an unsupported kind, or does not fit into memory.
        """
        with _one_line(self._name, self.format):
            header, decoded = _decode(self._data, self._page, self._header, self.format, salvage=salvage)
            _check_promise(header, decoded)
            header = _trusted(header if not decoded.drop_profile else replace(header, icc_profile=None), self._name)
            turn = 1 if header.upright else header.orientation
            return Photo(
                pixels=upright(decoded.pixels, turn),
                alpha=None if decoded.alpha is None else upright(decoded.alpha, turn),
                icc_profile=header.icc_profile,
                code_points=header.code_points,
                metadata=header.metadata,
                format=self.format,
                bit_depth=header.bit_depth,
                linear=header.linear,
                turned=header.orientation,
                pages=header.pages,
                beside=header.beside,
                warnings=header.warnings + decoded.warnings + self._several(header) + _odd(decoded),
                stored_bits=header.stored_bits if header.stored_bits != header.bit_depth else None,
                lossless=header.lossless,
                options=header.options,
            )

    def _several(self, header: Header) -> tuple[str, ...]:
        if header.pages <= 1 or self._page > 0:
            return ()
        text = f"has {header.pages} pages or frames: only the first is read, choose another with --page"
        return (REMEDIES.in_full(text),)


def open_photo(
    source: Path | bytes, *, page: int = 0, max_megapixels: float = 500.0, name: str | None = None
) -> Opened:
    """Recognise a photograph by its content, and read its header.

    Args:
        source: a path, or a file's content.
        page: picture of a file with several, from 0.
        max_megapixels: limit on width times height.
        name: what to call it in messages; None takes the path.

    Raises:
        ImageError: it cannot be read, is no photograph, or promises more than the limit or than its bytes can hold;
            one line with the file's name, what is wrong and what to do.
    """
    data, label, format = load(source, name, max_megapixels)
    if page < 0:
        raise ImageError(f"{label}: page {page} is not allowed: pages are counted from 0")
    with _one_line(label, format):
        header = READERS[format].header(data, page)
    check_size(header, format=format, size=len(data), name=label, max_megapixels=max_megapixels)
    return Opened(data, header, format=format, name=label, page=page)


def read_photo(
    source: Path | bytes,
    *,
    page: int = 0,
    max_megapixels: float = 500.0,
    name: str | None = None,
    salvage: bool = False,
) -> Photo:
    """Open a photograph and decode it; arguments and errors are those of `open_photo` and `Opened.decode`."""
    return open_photo(source, page=page, max_megapixels=max_megapixels, name=name).decode(salvage=salvage)


def _profile_name(header: Header) -> str:
    """Name the colours in a few words."""
    if header.code_points is not None:
        return cicp.name(*header.code_points)
    if header.icc_profile is not None and not header.linear:
        return icc.description(header.icc_profile)
    return "linear sRGB" if header.linear else "sRGB"


@contextmanager
def _one_line(label: str, format: str) -> Iterator[None]:
    """Turn whatever a decoder throws at damaged data into one line that names the file."""
    try:
        yield
    except ImageError as error:
        raise ImageError(f"{label}: {error}") from error
    except MemoryError as error:
        raise ImageError(f"{label}: does not fit into memory: free some, or lower --max-megapixels") from error
    except Exception as error:
        if is_shortage(error):  # of processes or files, for a decoder of its own
            raise ImageError(f"{label}: {reason_of(error)}") from error
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        text = f"damaged or cut off ({reason}): get the file again"
        if _UNSUPPORTED.search(reason):
            text = f"of a kind that is not supported ({reason}): convert it first"
        raise ImageError(f"{label}: this {_NAMES[format]} file is {text}") from error


def _decode(data: bytes, page: int, header: Header, format: str, *, salvage: bool) -> tuple[Header, Decoded]:
    """Decode the pixels; of a JPEG that is cut off, if wanted, what is there."""
    try:
        return header, READERS[format].decode(data, page, header)
    except OSError as error:
        if format != "jpeg":
            raise
        if not salvage:
            text = f"this JPEG file is damaged or cut off ({error})"
            raise ImageError(f"{text}: get the file again, or restore what is there with --salvage") from error
    decoded = jpeg_salvage.salvage(data, page, header)
    return replace(header, options={**header.options, "salvaged": "yes"}), decoded


def _check_promise(header: Header, decoded: Decoded) -> None:
    """Hold decoded pixels against the header.

    Raises:
        ValueError: they differ in size, channels or depth.
    """
    pixels, alpha = decoded.pixels, decoded.alpha
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3) or pixels.dtype != _DTYPES[header.bit_depth]:
        raise ValueError(f"decoded to {pixels.dtype} pixels of shape {pixels.shape}")
    if pixels.shape[:2] != (header.height, header.width) or (alpha is not None and alpha.shape != pixels.shape[:2]):
        raise ValueError(f"decoded to {pixels.shape[1]} x {pixels.shape[0]}, not {header.width} x {header.height}")


def _trusted(header: Header, label: str) -> Header:
    """Drop a colour profile or metadata that cannot be used, with a warning; find the profile that EXIF names."""
    warnings: tuple[str, ...] = ()
    profile, metadata = header.icc_profile, header.metadata
    inked = header.options.get("mode") == "CMYK" or header.options.get("photometric") == "5"
    named = profile is not None or header.names_colours or header.linear or inked
    if profile is not None and (wrong := icc.problem(profile, 4 if inked else header.channels)):
        profile, warnings = None, (f"its colour profile cannot be used, sRGB is assumed: {wrong}",)
    if wrong := exif.problem(metadata.exif):
        metadata = replace(metadata, exif=None)
        warnings += (f"its EXIF is damaged and is not kept: {wrong}",)
    if not named and exif.names_adobe_rgb(metadata.exif, Path(label).name):
        profile = icc.adobe_rgb() if header.channels == 3 else icc.grey_of(icc.adobe_rgb())
    if wrong := xmp.problem(metadata.xmp):
        metadata = replace(metadata, xmp=None)
        warnings += (f"its XMP is too long and is not kept: {wrong}",)
    return replace(header, icc_profile=profile, metadata=metadata, warnings=header.warnings + warnings)


def _odd(decoded: Decoded) -> tuple[str, ...]:
    """Warn about floats that are no numbers."""
    pixels: Array = decoded.pixels
    bad = 0 if pixels.dtype != np.float32 else int(np.count_nonzero(~np.isfinite(pixels).all(axis=2)))
    return (f"{bad} pixels are not finite numbers: they are kept as they are",) if bad else ()
