"""The metadata of a photo as it is written: put right, noted or stripped, and what a format cannot hold named."""

from collections.abc import Mapping
from dataclasses import replace

from restorect.images.codecs import jpeg
from restorect.images.formats import TRAITS, Traits
from restorect.images.metadata import exif, xmp
from restorect.images.metadata.claims import holds_depth
from restorect.images.photo import Metadata, Photo


def metadata_for(
    photo: Photo, kind: str, *, strip: bool, note: Mapping[str, object] | None, converted: bool
) -> tuple[Metadata, tuple[str, ...]]:
    """Prepare the metadata of a photo for a format.

    Args:
        photo: as it will be written.
        kind: canonical format name.
        strip: keep the resolution only.
        note: what to record on how it was made; None records nothing, not even the software.
        converted: its colours were others before.

    Returns:
        The metadata, and warnings on what is lost.
    """
    traits, old = TRAITS[kind], photo.metadata
    dpi = old.dpi if traits.dpi and old.dpi and all(1 <= value < 1e6 for value in old.dpi) else None
    if strip:
        return Metadata(dpi=dpi), ()
    extension = old.xmp_extension if kind == "jpeg" and not _misfits(photo) else None
    warnings = _lost(old, kind, traits)
    if kind == "jpeg" and _misfits(photo):
        warnings += ("its depth map, in the extended XMP, is not kept: the picture is turned",)
    if note is not None and not traits.exif:
        warnings += (f"the note on how it was made cannot be kept in {kind}",)
    if not traits.exif:
        return Metadata(dpi=dpi), warnings
    from restorect import __version__

    software = None if note is None else f"restorect {__version__}"
    block, noted = _exif(photo, kind, software, converted=converted)
    turned = photo.turned != 1
    packet, more = xmp.for_writing(old.xmp, note, extended=extension is not None, turned=turned)
    iptc = old.iptc if traits.iptc else None
    kept = replace(old, exif=block, xmp=packet, xmp_extension=extension, dpi=dpi, iptc=iptc)
    return kept, warnings + noted + more


def _misfits(photo: Photo) -> bool:
    """Say whether the extended packet holds a depth map of the picture before it was turned."""
    extension = photo.metadata.xmp_extension
    return extension is not None and photo.turned != 1 and holds_depth(extension)


def _lost(old: Metadata, kind: str, traits: Traits) -> tuple[str, ...]:
    """Name what cannot be kept."""
    lost = [
        name
        for name, value, held in (
            ("EXIF", old.exif, traits.exif),
            ("XMP", old.xmp, traits.exif),
            ("extended XMP", old.xmp_extension, kind == "jpeg"),
            ("IPTC", old.iptc, traits.iptc),
            ("comment", old.comment, kind in ("jpeg", "png")),
            ("text", old.text, kind == "png"),
        )
        if value and not held
    ]
    return (f"its {', '.join(lost)} cannot be kept in {kind}",) if lost else ()


def _exif(photo: Photo, kind: str, software: str | None, *, converted: bool) -> tuple[bytes | None, tuple[str, ...]]:
    """Prepare EXIF; where only the software tag makes it too long for a JPEG, the tag is left out, with a warning."""
    block, size = photo.metadata.exif, (photo.width, photo.height)
    if block is None:
        return (None if software is None else exif.with_software(software)), ()
    as_srgb = photo.icc_profile is None and photo.code_points is None and not photo.linear
    srgb = as_srgb and (converted or exif.names_adobe_rgb(block))
    tagged = exif.for_writing(block, size=size, software=software, srgb=srgb)
    if kind != "jpeg" or len(tagged) <= jpeg.MAX_EXIF_WRITTEN or software is None:
        return tagged, ()
    plain = exif.for_writing(block, size=size, software=None, srgb=srgb)
    if len(plain) > jpeg.MAX_EXIF_WRITTEN:
        return tagged, ()  # the codec says that it does not fit
    return plain, ("its EXIF leaves no room for a software tag",)
