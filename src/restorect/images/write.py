"""Write a photograph: nothing is lost without a word, and a file appears whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from restorect.errors import ImageError, shown
from restorect.files import write_atomically
from restorect.images.codecs import avif, bmp, exr, hdr, jpeg, jxl, png, tiff, webp
from restorect.images.fit import fit
from restorect.images.formats import TRAITS, format_of_name, output_format
from restorect.images.kept import metadata_for
from restorect.images.photo import Photo

if TYPE_CHECKING:
    from typing_extensions import Unpack


_QUALITY, _SUBSAMPLING = 95, "4:4:4"


class WriteOptions(TypedDict, total=False):
    """How to write; see `encode`."""

    format: str | None
    quality: int | None
    subsampling: str | None
    lossless: bool | None
    bit_depth: int | None
    strip_metadata: bool
    note: Mapping[str, object] | None


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """A file ready to be written: its bytes, its format, and what was converted or not kept, one line each."""

    data: bytes
    format: str
    warnings: tuple[str, ...]


def encode(
    photo: Photo,
    *,
    format: str | None = None,
    quality: int | None = None,
    subsampling: str | None = None,
    lossless: bool | None = None,
    bit_depth: int | None = None,
    strip_metadata: bool = False,
    note: Mapping[str, object] | None = None,
) -> Encoded:
    """Encode a photo.

    Args:
        photo: what to write.
        format: canonical format name; None follows the photo (`formats.output_format`).
        quality: 1 to 100, for JPEG and for lossy WebP, AVIF and JPEG XL; None is as the photo came where both are
            JPEG, else 95.
        subsampling: of colour in JPEG and lossy AVIF: 4:4:4, 4:2:2 or 4:2:0; None is as the photo came where both are
            JPEG, else 4:4:4.
        lossless: for WebP, AVIF and JPEG XL; None is as the photo came, lossy when the format changes.
        bit_depth: 8, 16 or 32; None keeps the photo's, or the nearest that the format holds, with a warning.
        strip_metadata: write only pixels, colour profile and resolution; no note either.
        note: what to record in XMP, together with a software tag; None records nothing.

    Returns:
        The file and the warnings.

    Raises:
        ImageError: an option is not allowed, or the format cannot hold the photo.
    """
    kind = output_format(photo.format) if format is None else _canonical(format)
    came = photo.options if kind == photo.format == "jpeg" else {}
    quality = int(came.get("quality", _QUALITY)) if quality is None else quality
    subsampling = came.get("subsampling", _SUBSAMPLING) if subsampling is None else subsampling
    _check(kind, quality, subsampling, lossless, bit_depth)
    fitted, warnings = fit(photo, kind, bit_depth)
    converted = photo.icc_profile is not None or photo.code_points is not None or photo.linear
    metadata, more = metadata_for(fitted, kind, strip=strip_metadata, note=note, converted=converted)
    fitted = replace(fitted, metadata=metadata)
    as_it_came = kind == photo.format and photo.lossless
    exact = as_it_came if lossless is None else lossless
    try:
        data, lost = _dispatch(fitted, kind, quality=quality, subsampling=subsampling, lossless=exact)
    except ImageError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:160]
        raise ImageError(f"the photo cannot be written as {kind} ({reason}): try --format tiff") from error
    beside = (f"what lies beside its picture is not kept: {', '.join(photo.beside)}",) if photo.beside else ()
    return Encoded(data=data, format=kind, warnings=warnings + more + lost + beside)


def encode_photo(photo: Photo, **options: Unpack[WriteOptions]) -> bytes:
    """Encode a photo and give only the file's bytes; options and errors are those of `encode`."""
    return encode(photo, **options).data


def write_photo(photo: Photo, path: Path, **options: Unpack[WriteOptions]) -> tuple[str, ...]:
    """Encode a photo and write it to `path`, replacing what is there, whole or not at all.

    Without `format` the ending of `path` decides, and where it says nothing, the photo.

    Returns:
        Warnings of `encode`.

    Raises:
        ImageError: as `encode`, or the file cannot be written.
    """
    path = Path(path)
    if options.get("format") is None and (named := format_of_name(path.name)):
        options["format"] = named
    encoded = encode(photo, **options)
    try:
        write_atomically(path, encoded.data)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ImageError(f"{shown(path)}: cannot be written ({reason}): check the folder") from error
    return encoded.warnings


def _canonical(format: str) -> str:
    """Check a format's name; an ending such as `jpg` will do too."""
    kind = format.lower().lstrip(".")
    kind = kind if kind in TRAITS else (format_of_name(f"x.{kind}") or kind)
    if kind not in TRAITS or not TRAITS[kind].depths:
        allowed = ", ".join(name for name, traits in TRAITS.items() if traits.depths)
        raise ImageError(f"format {format!r} cannot be written: allowed are {allowed}")
    return kind


def _check(kind: str, quality: int, subsampling: str, lossless: bool | None, bit_depth: int | None) -> None:
    """Refuse options that are not allowed."""
    if not 1 <= quality <= 100:
        raise ImageError(f"quality {quality} is not allowed: allowed are 1 to 100")
    if subsampling not in jpeg.SUBSAMPLINGS:
        raise ImageError(f"subsampling {subsampling!r} is not allowed: allowed are {', '.join(jpeg.SUBSAMPLINGS)}")
    if lossless and kind == "jpeg":
        raise ImageError("JPEG cannot be lossless: use --format png, tiff, webp, avif or jxl")
    if bit_depth is not None and bit_depth not in TRAITS[kind].depths:
        depths = ", ".join(map(str, TRAITS[kind].depths))
        raise ImageError(f"{kind} cannot hold {bit_depth} bits a channel, only {depths}: use --format tiff")


def _dispatch(
    photo: Photo, kind: str, *, quality: int, subsampling: str, lossless: bool
) -> tuple[bytes, tuple[str, ...]]:
    """Call the codec."""
    if kind == "jpeg":
        return jpeg.encode(photo, quality=quality, subsampling=subsampling)
    if kind == "webp":
        return webp.encode(photo, quality=quality, lossless=lossless)
    if kind == "avif":
        return avif.encode(photo, quality=quality, subsampling=subsampling, lossless=lossless)
    if kind == "jxl":
        return jxl.encode(photo, quality=quality, lossless=lossless)
    plain: dict[str, Callable[[Photo], tuple[bytes, tuple[str, ...]]]] = {
        **{"png": png.encode, "tiff": tiff.encode, "bmp": bmp.encode},
        **{"hdr": hdr.encode, "exr": exr.encode},
    }
    return plain[kind](photo)
