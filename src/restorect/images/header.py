"""What a codec learns from a file's first bytes, and the checks made on it before any pixel is decoded."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from restorect.errors import ImageError
from restorect.images.photo import Array, Metadata

# A flat picture cannot be coded in less: one bit a block of 8x8 in a Huffman JPEG, 1032:1 in deflate.
_MAX_PIXELS_A_BYTE = {"jpeg": 512.0, "png": 1032.0 * 8}
# No coding takes more than 16 bytes a pixel and a little; what is longer is padding that a decoder would walk through.
_BYTES_A_PIXEL = 17
_SPARE = 256 * 2**20
_BY_OFFSET = ("tiff", "raw")
_SPARSE_PIXELS = 32e6
_SPARSE_PIXELS_A_BYTE = 2000.0


@dataclass(frozen=True, kw_only=True)
class Header:
    """A file's promise, before its pixels are decoded.

    Attributes:
        width: stored width in pixels.
        height: stored height in pixels.
        channels: colour channels after decoding, 1 or 3.
        stored_bits: bits a channel in the file.
        bit_depth: bits a channel after decoding: 8, 16 or 32.
        has_alpha: an alpha channel is decoded too.
        icc_profile: colour profile, not yet checked.
        code_points: primaries and transfer characteristics (ITU-T H.273) of PQ and HLG, instead of a profile.
        metadata: EXIF, XMP, IPTC, resolution.
        orientation: EXIF orientation 1 to 8 of the stored pixels.
        upright: the codec turns the picture itself, and width and height are of the upright one.
        pages: pictures in the file.
        linear: the pixels are proportional to light.
        names_colours: the file says what its colours are, if only that they are sRGB's.
        lossless: the coding lost nothing.
        beside: what the file carries beside its picture that no output will have, such as a gain map.
        warnings: one line each.
        options: coding worth keeping.
    """

    width: int
    height: int
    channels: int
    stored_bits: int
    bit_depth: int
    has_alpha: bool = False
    icc_profile: bytes | None = None
    code_points: tuple[int, int] | None = None
    metadata: Metadata = field(default_factory=Metadata)
    orientation: int = 1
    upright: bool = False
    pages: int = 1
    linear: bool = False
    names_colours: bool = False
    lossless: bool = True
    beside: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """Decoded pixels: H x W x C with C 1 or 3, straight alpha H x W or None, and what changed on the way."""

    pixels: Array
    alpha: Array | None = None
    warnings: tuple[str, ...] = ()
    drop_profile: bool = False


HeaderReader = Callable[[bytes, int], Header]
PixelReader = Callable[[bytes, int, Header], Decoded]


def file_limit(pixels: float) -> int:
    """Give the bytes that no file of that many pixels exceeds."""
    return int(min(1e18, pixels)) * _BYTES_A_PIXEL + _SPARE


def check_size(header: Header, *, format: str, size: int, name: str, max_megapixels: float) -> None:
    """Refuse a picture that is too large, empty, or larger than its bytes can hold.

    Args:
        header: the promise.
        format: canonical format name.
        size: bytes in the file.
        name: the file's name for the message.
        max_megapixels: limit on width times height.

    Raises:
        ImageError: it is refused; the message has both figures.
    """
    pixels = header.width * header.height
    what = f"{name}: says it is {header.width} x {header.height} pixels ({pixels / 1e6:.1f} megapixels)"
    if header.width < 1 or header.height < 1:
        raise ImageError(f"{what}, which is no picture: the file is damaged, get it again")
    if pixels > max_megapixels * 1e6:
        raise ImageError(f"{what}, over the limit of {max_megapixels:g}: raise --max-megapixels if you trust the file")
    if format not in _BY_OFFSET and size > file_limit(pixels * max(header.pages, 1)):
        raise ImageError(f"{what}, but has {size} bytes, far more than that takes: it is damaged, get it again")
    ratio = _MAX_PIXELS_A_BYTE.get(format)
    lies = ratio is not None and pixels > ratio * (size + 256)
    if lies or (pixels > _SPARSE_PIXELS and pixels > _SPARSE_PIXELS_A_BYTE * size):
        raise ImageError(f"{what}, but holds only {size} bytes: it is damaged or a decompression bomb, get it again")
