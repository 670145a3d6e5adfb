"""Which photographs are understood: recognised by their first bytes, never by their name."""

import struct
from dataclasses import dataclass

from restorect.errors import ImageError

_NAMES: dict[str, tuple[str, ...]] = {
    "jpeg": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    "png": (".png", ".apng"),
    "tiff": (".tif", ".tiff", ".btf"),
    "webp": (".webp",),
    "avif": (".avif", ".avifs"),
    "jxl": (".jxl",),
    "bmp": (".bmp", ".dib"),
    "hdr": (".hdr", ".pic"),
    "exr": (".exr",),
    "heic": (".heic", ".heif", ".hif"),
    "raw": (
        *(".dng", ".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".srf", ".sr2", ".orf", ".rw2", ".raf", ".pef"),
        *(".srw", ".x3f", ".3fr", ".fff", ".iiq", ".mos", ".mrw", ".kdc", ".dcr", ".erf", ".rwl"),
    ),
}

EXTENSIONS: frozenset[str] = frozenset(suffix for suffixes in _NAMES.values() for suffix in suffixes)
"""File name endings, lower case with the dot, worth looking at in a folder."""


@dataclass(frozen=True, kw_only=True)
class Traits:
    """What a file of one format can hold.

    Attributes:
        depths: bits a channel that can be written; empty when the format is only read.
        alpha: an alpha channel can be written.
        icc: an ICC profile can be written.
        exif: EXIF and XMP can be written.
        iptc: IPTC can be written.
        dpi: a resolution can be written.
        max_side: longest side in pixels.
    """

    depths: tuple[int, ...] = ()
    alpha: bool = False
    icc: bool = False
    exif: bool = False
    iptc: bool = False
    dpi: bool = False
    max_side: int = 2**31 - 1


TRAITS: dict[str, Traits] = {
    "jpeg": Traits(depths=(8,), icc=True, exif=True, iptc=True, dpi=True, max_side=65535),
    "png": Traits(depths=(8, 16), alpha=True, icc=True, exif=True, iptc=True, dpi=True),
    "tiff": Traits(depths=(8, 16, 32), alpha=True, icc=True, exif=True, iptc=True, dpi=True),
    "webp": Traits(depths=(8,), alpha=True, icc=True, exif=True, max_side=16383),
    "avif": Traits(depths=(8, 16), alpha=True, icc=True, exif=True, max_side=65536),
    "jxl": Traits(depths=(8, 16, 32), alpha=True, exif=True),
    "bmp": Traits(depths=(8,), alpha=True, dpi=True),
    "hdr": Traits(depths=(32,)),
    "exr": Traits(depths=(32,), alpha=True),
    "heic": Traits(),
    "raw": Traits(),
}

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),
    (b"MM\0+", "tiff"),
    (b"\xff\x0a", "jxl"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "jxl"),
    (b"#?RADIANCE", "hdr"),
    (b"#?RGBE", "hdr"),
    (b"v/1\x01", "exr"),
    (b"FUJIFILMCCD-RAW", "raw"),
    (b"IIRO", "raw"),
    (b"IIRS", "raw"),
    (b"MMOR", "raw"),
    (b"IIU\0", "raw"),
    (b"FOVb", "raw"),
    (b"II\x1a\0\0\0HEAPCCDR", "raw"),
    (b"\0MRM", "raw"),
)
_BRANDS = {
    **dict.fromkeys((b"avif", b"avis"), "avif"),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), "heic"),
    b"crx ": "raw",
}
_STRANGERS: tuple[tuple[bytes, str], ...] = (
    (b"GIF8", "a GIF"),
    (b"8BPS", "a Photoshop document"),
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000"),
    (b"<", "a web page, SVG or XML text"),
)


def sniff(data: bytes) -> str | None:
    """Name the format of a file from its content, or None when it is not a known photograph."""
    for magic, name in _MAGIC:
        if data.startswith(magic):
            return _raw_or_tiff(data) if name == "tiff" else name
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if data[4:8] == b"ftyp":
        return _brand(data)
    if (
        data[:2] == b"BM"
        and len(data) >= 18
        and struct.unpack_from("<I", data, 14)[0] in (12, 16, 40, 52, 56, 64, 108, 124)
    ):
        return "bmp"
    return None


def stranger(data: bytes) -> str:
    """Say what a file that is not a photograph is, for an error message: a predicate, such as "looks like text"."""
    for magic, name in _STRANGERS:
        if data[:4096].lstrip().startswith(magic) or data.startswith(magic):
            return f"looks like {name}"
    beginning = data[:256].decode("utf-8", "ignore")
    cut = 3 if len(data) > 256 else 0  # the last letter's bytes may lie beyond
    is_text = len(beginning.encode()) >= len(data[:256]) - cut
    printable = all(letter.isprintable() or letter.isspace() for letter in beginning)
    return "looks like text" if is_text and printable else "is of an unknown kind"


def output_format(photo_format: str) -> str:
    """Give the format that a photo of `photo_format` is written in when no other is asked for.

    Camera RAW becomes TIFF (16 bit) and HEIC becomes JPEG: nothing free writes either.
    EXR becomes TIFF (32-bit float) where OpenEXR is not installed.

    Raises:
        ImageError: the name is not a known format.
    """
    if photo_format not in TRAITS:
        raise ImageError(f"unknown photo format {photo_format!r}: allowed are {', '.join(sorted(TRAITS))}")
    fallback = {"raw": "tiff", "heic": "jpeg"}
    if photo_format == "exr":
        from restorect.images.codecs.exr import can_write

        return "exr" if can_write() else "tiff"
    return fallback.get(photo_format, photo_format)


def extension_for(photo_format: str) -> str:
    """Give the usual file name ending, with the dot, of a format's output.

    Raises:
        ImageError: the name is not a known format.
    """
    return _NAMES[output_format(photo_format)][0]


def format_of_name(name: str) -> str | None:
    """Give the format that a file name's ending stands for, or None. Only for names of files to be written."""
    ending = f".{name.rpartition('.')[2].lower()}" if "." in name else ""
    return next((kind for kind, endings in _NAMES.items() if ending in endings), None)


def _brand(data: bytes) -> str | None:
    """Tell AVIF, HEIC and Canon's CR3 apart by the brands of an ISO media file."""
    size = min(max(struct.unpack_from(">I", data)[0], 16), 1024, len(data))
    brands = [data[8:12], *(data[at : at + 4] for at in range(16, size - 3, 4))]
    found = [_BRANDS[brand] for brand in brands if brand in _BRANDS]
    return "avif" if "avif" in found else (found[0] if found else None)


def _raw_or_tiff(data: bytes) -> str:
    """Tell camera RAW files, which are TIFF inside, from TIFF photographs."""
    from restorect.images.metadata.tiff_raw import is_camera_raw

    return "raw" if is_camera_raw(data) else "tiff"
