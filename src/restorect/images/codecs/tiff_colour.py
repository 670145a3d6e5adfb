"""Colours that a TIFF describes by its own tags (TIFF 6.0, sections 20 and 21): YCbCr, and RGB by chromaticities."""

import struct

import numpy as np

from restorect.errors import ImageError
from restorect.images import icc
from restorect.images.metadata.ifd import Directory, Entry
from restorect.images.photo import Array

_TRANSFER, _WHITE, _PRIMARIES = 301, 318, 319
_COEFFICIENTS, _REFERENCES = 529, 532
_YCBCR_BITS = 8
_ROWS = 64  # at once, to save memory
_FULL_RANGE = (0.0, 255.0, 128.0, 255.0, 128.0, 255.0)
_REC_601 = (0.299, 0.587, 0.114)
_D65 = (0.3127, 0.3290)
_STEPS = 4096
Profile = tuple[bytes | None, tuple[str, ...]]


def profile(tags: Directory, order: str) -> Profile:
    """Make the profile that chromaticities, white point and transfer function describe; None for sRGB and for none."""
    xy, white, curve = (_numbers(tags.entries.get(code), order) for code in (_PRIMARIES, _WHITE, _TRANSFER))
    if len(xy) != 6:
        return None, ()
    white = white if len(white) == 2 else list(_D65)
    primaries = ((xy[0], xy[1]), (xy[2], xy[3]), (xy[4], xy[5]))
    if not all(0 < value < 1 for value in (*xy, *white)):
        return None, ("its chromaticities make no sense: sRGB is assumed",)
    try:
        if curve:
            light = np.array(curve[: len(curve) // 3 if len(curve) % 3 == 0 else None], np.float32) / 65535
            places = np.linspace(0, 1, min(len(light), _STEPS))
            made = icc.tabled(primaries, (white[0], white[1]), np.interp(places, np.linspace(0, 1, len(light)), light))
        else:
            made = icc.make(primaries, (white[0], white[1]), None)
    except (RuntimeError, ValueError):
        return None, ("its chromaticities make no sense: sRGB is assumed",)
    return (None if icc.is_srgb(made) else made), ()


def ycbcr_to_rgb(codes: Array, tags: Directory, order: str, bits: int) -> Array:
    """Convert Y, Cb and Cr by the file's coefficients and its reference black and white.

    Args:
        codes: H x W x 3 uint8, Cb and Cr for each pixel.
        tags: the page's directory.
        order: struct's byte-order sign.
        bits: bits a sample.

    Returns:
        H x W x 3 uint8 RGB, rounded and clipped.

    Raises:
        ImageError: the coefficients make no sense, or the depth is not supported.
    """
    if bits != _YCBCR_BITS:  # writers do not agree on what black and white are then
        raise ImageError(f"has {bits}-bit YCbCr colours, which are not supported: save it as RGB")
    red, green, blue = _numbers(tags.entries.get(_COEFFICIENTS), order) or _REC_601
    references = _numbers(tags.entries.get(_REFERENCES), order) or list(_FULL_RANGE)
    spans = [white - black for black, white in zip(references[::2], references[1::2], strict=True)]
    if not (green > 0 and red >= 0 and blue >= 0 and red + green + blue < 2 and all(span > 0 for span in spans)):
        raise ImageError("has YCbCr colours by coefficients that make no sense: save it as RGB")
    rgb = np.empty(codes.shape, np.uint8)
    for top in range(0, len(codes), _ROWS):
        luma, blueness, redness = (
            (codes[top : top + _ROWS, :, channel].astype(np.float32) - references[2 * channel])
            * (full / spans[channel])
            for channel, full in enumerate((255, 127, 127))
        )
        r = luma + (2 - 2 * red) * redness
        b = luma + (2 - 2 * blue) * blueness
        g = (luma - red * r - blue * b) / green
        rgb[top : top + _ROWS] = np.rint(np.clip(np.stack([r, g, b], -1), 0, 255))
    return rgb


def _numbers(entry: Entry | None, order: str) -> list[float]:
    """Read unsigned integers or rationals; nothing where there is none, or where one makes no sense."""
    if entry is None:
        return []
    if entry.type != 5:
        return [float(number) for number in entry.numbers(order)]
    ends = struct.unpack_from(f"{order}{len(entry.data) // 4}I", entry.data)
    return [above / below if below else float("nan") for above, below in zip(ends[::2], ends[1::2], strict=True)]
