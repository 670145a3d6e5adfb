"""A photograph in memory: its pixels as they were stored, and everything that travels with them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """What a file says about a photograph besides its pixels and colour profile.

    Attributes:
        exif: a TIFF-structured EXIF block, without the `Exif` prefix.
        xmp: an XMP packet.
        xmp_extension: the packet that a JPEG's `xmp` refers to for what does not fit into one segment.
        iptc: IPTC-IIM data sets.
        dpi: pixels per inch, across and down.
        comment: a JPEG comment.
        text: PNG text, keyword and value.
    """

    exif: bytes | None = None
    xmp: bytes | None = None
    xmp_extension: bytes | None = None
    iptc: bytes | None = None
    dpi: tuple[float, float] | None = None
    comment: bytes | None = None
    text: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Photo:
    """A photograph, upright, with the depth and the colours of its file.

    Attributes:
        pixels: H x W x C, C is 1 (grey) or 3 (RGB); uint8, uint16, or float32 (unbounded).
        alpha: H x W straight alpha of the same dtype, or None.
        icc_profile: the colour profile that `pixels` are in; None means sRGB (or linear sRGB, see `linear`).
        code_points: primaries and transfer characteristics (ITU-T H.273) of PQ and HLG, instead of a profile.
        metadata: EXIF, XMP, IPTC, resolution.
        format: canonical format name, see `restorect.images.formats`.
        bit_depth: bits a channel of `pixels`: 8, 16 or 32.
        linear: the pixels are proportional to light, with sRGB's primaries.
        turned: EXIF orientation that was applied to the stored picture.
        pages: pictures in the file, of which this is one.
        beside: what the file carries beside the picture that belongs to it as it was, such as a gain map.
        warnings: what was not understood or not kept, one line each.
        stored_bits: bits a channel in the file, where it differs from `bit_depth` (10 or 12 bit AVIF).
        lossless: the file's coding lost nothing.
        options: coding of the file worth keeping, such as a TIFF's `compression`.
    """

    pixels: Array
    alpha: Array | None = None
    icc_profile: bytes | None = None
    code_points: tuple[int, int] | None = None
    metadata: Metadata = field(default_factory=Metadata)
    format: str
    bit_depth: int
    linear: bool = False
    turned: int = 1
    pages: int = 1
    beside: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    stored_bits: int | None = None
    lossless: bool = True
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def height(self) -> int:
        """Height in pixels."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """Width in pixels."""
        return int(self.pixels.shape[1])

    @property
    def channels(self) -> int:
        """Colour channels: 1 or 3."""
        return int(self.pixels.shape[2])


@dataclass(frozen=True, kw_only=True)
class PhotoInfo:
    """What the header of a file promises, read without decoding its pixels.

    Attributes:
        format: canonical format name.
        width: width in pixels when upright.
        height: height in pixels when upright.
        channels: colour channels as they will be read: 1 or 3.
        bit_depth: bits a channel as they will be read: 8, 16 or 32.
        has_alpha: an alpha channel follows.
        profile: description of the colour profile, "sRGB" when there is none.
        orientation: EXIF orientation 1 to 8 in the file.
        pages: pictures in the file.
        stored_bits: bits a channel in the file.
        linear: the pixels are proportional to light.
        lossless: the coding lost nothing.
        metadata: EXIF, XMP, IPTC, resolution.
        beside: what the file carries beside the picture, such as a gain map.
        warnings: what is not understood, one line each.
    """

    format: str
    width: int
    height: int
    channels: int
    bit_depth: int
    has_alpha: bool
    profile: str
    orientation: int
    pages: int
    stored_bits: int
    linear: bool
    lossless: bool
    metadata: Metadata
    beside: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def megapixels(self) -> float:
        """Width times height in millions."""
        return self.width * self.height / 1e6
