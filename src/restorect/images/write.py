"""Write a photograph: nothing is lost without a word, and a file appears whole or not at all."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from restorect.configs import require
from restorect.errors import ConfigError, ImageError, shown
from restorect.files import write_atomically
from restorect.images.codecs import jpeg
from restorect.images.codecs.by_format import WRITERS
from restorect.images.fit import fit
from restorect.images.formats import TRAITS, format_of_name, output_format
from restorect.images.kept import metadata_for
from restorect.images.photo import Photo

_QUALITY, _SUBSAMPLING = 95, "4:4:4"
_CHOICES = {  # what there is to choose of a format, beside its depth
    "jpeg": ("quality", "subsampling"),
    "webp": ("quality", "lossless"),
    "avif": ("quality", "subsampling", "lossless"),
    "jxl": ("quality", "lossless"),
}


@dataclass(frozen=True, kw_only=True)
class WriteOptions:
    """How to write a photo; checked when made.

    Attributes:
        format: canonical format name, or an ending such as `jpg`; None follows the photo (`formats.output_format`).
        quality: 1 to 100, for JPEG and for lossy WebP, AVIF and JPEG XL; None is as the photo came where both are
            JPEG, else 95.
        subsampling: of colour in JPEG and lossy AVIF: 4:4:4, 4:2:2 or 4:2:0; None is as the photo came where both are
            JPEG, else 4:4:4.
        lossless: for WebP, AVIF and JPEG XL; None is as the photo came, lossy when the format changes.
        bit_depth: 8, 16 or 32; None keeps the photo's, or the nearest that the format holds, with a warning.
        strip_metadata: write only pixels, colour profile and resolution; no note either.

    Raises:
        ConfigError: a value is not allowed, or the format cannot be written so.
    """

    format: str | None = None
    quality: int | None = None
    subsampling: str | None = None
    lossless: bool | None = None
    bit_depth: int | None = None
    strip_metadata: bool = False

    def __post_init__(self) -> None:
        in_range = self.quality is None or 1 <= self.quality <= 100
        require(in_range, f"quality {self.quality}: give a whole number from 1 to 100")
        choices = ", ".join(jpeg.SUBSAMPLINGS)
        known = self.subsampling in (None, *jpeg.SUBSAMPLINGS)
        require(known, f"subsampling {self.subsampling}: choose one of {choices}")
        require(self.bit_depth in (None, 8, 16, 32), f"bit depth {self.bit_depth}: choose one of 8, 16, 32")
        if self.format is not None:
            kind = _canonical(self.format)
            object.__setattr__(self, "format", kind)
            wrong = self.misfit(kind)
            require(not wrong, wrong)

    def misfit(self, kind: str) -> str:
        """Say why a format cannot be written so; "" if it can."""
        depths = TRAITS[kind].depths
        if self.lossless and kind == "jpeg":
            return "lossless: JPEG always loses something; choose another format"
        if self.bit_depth is not None and self.bit_depth not in depths:
            return f"bit depth {self.bit_depth}: {kind} can hold {' or '.join(map(str, depths))} bits; choose tiff"
        return ""


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """A file ready to be written: its bytes, its format, and what was converted or not kept, one line each."""

    data: bytes
    format: str
    warnings: tuple[str, ...]


def encode(
    photo: Photo, options: WriteOptions = WriteOptions(), *, note: Mapping[str, object] | None = None
) -> Encoded:
    """Encode a photo.

    Args:
        photo: what to write.
        options: how.
        note: what to record in XMP, together with a software tag; None records nothing.

    Returns:
        The file and the warnings.

    Raises:
        ImageError: the photo's own format cannot be written so, or cannot hold the photo.
    """
    kind = options.format or output_format(photo.format)
    if wrong := options.misfit(kind):
        raise ImageError(wrong)
    came = photo.options if kind == photo.format == "jpeg" else {}
    quality = int(came.get("quality", _QUALITY)) if options.quality is None else options.quality
    subsampling = came.get("subsampling", _SUBSAMPLING) if options.subsampling is None else options.subsampling
    fitted, warnings = fit(photo, kind, options.bit_depth)
    converted = photo.icc_profile is not None or photo.code_points is not None or photo.linear
    metadata, more = metadata_for(fitted, kind, strip=options.strip_metadata, note=note, converted=converted)
    fitted = replace(fitted, metadata=metadata)
    as_it_came = kind == photo.format and photo.lossless
    exact = as_it_came if options.lossless is None else options.lossless
    try:
        data, lost = _dispatch(fitted, kind, quality=quality, subsampling=subsampling, lossless=exact)
    except ImageError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:160]
        raise ImageError(f"the photo cannot be written as {kind} ({reason}): try --format tiff") from error
    beside = (f"what lies beside its picture is not kept: {', '.join(photo.beside)}",) if photo.beside else ()
    return Encoded(data=data, format=kind, warnings=warnings + more + lost + beside)


def write_photo(photo: Photo, path: Path, options: WriteOptions = WriteOptions()) -> tuple[str, ...]:
    """Encode a photo and write it to `path`, replacing what is there, whole or not at all.

    Without a format the ending of `path` decides, and where it says nothing, the photo.

    Returns:
        Warnings of `encode`.

    Raises:
        ImageError: as `encode`, or the file cannot be written.
    """
    path = Path(path)
    if options.format is None:
        options = replace(options, format=format_of_name(path.name))
    encoded = encode(photo, options)
    try:
        write_atomically(path, encoded.data)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ImageError(f"{shown(path)}: cannot be written ({reason}): check the folder") from error
    return encoded.warnings


def _canonical(format: str) -> str:
    """The name of a format that can be written."""
    given = format.lower().lstrip(".")
    kind = given if given in TRAITS else format_of_name(f"x.{given}")
    if kind is None or not TRAITS[kind].depths:
        allowed = ", ".join(sorted(name for name, traits in TRAITS.items() if traits.depths))
        raise ConfigError(f"format {shown(format)}: cannot be written; choose one of {allowed}")
    return kind


def _dispatch(
    photo: Photo, kind: str, *, quality: int, subsampling: str, lossless: bool
) -> tuple[bytes, tuple[str, ...]]:
    """Call the codec."""
    choices = {"quality": quality, "subsampling": subsampling, "lossless": lossless}
    return WRITERS[kind](photo, **{name: choices[name] for name in _CHOICES.get(kind, ())})
