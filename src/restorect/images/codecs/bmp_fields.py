"""Bit fields of a BMP: pixels of 16 or 32 bits in which masks say where red, green, blue and alpha lie."""

import struct
from dataclasses import dataclass

import numpy as np

from restorect.errors import ImageError
from restorect.images.photo import Array

_WINDOWS = (40, 52, 56, 108, 124)
_FIELDS, _FIELDS_WITH_ALPHA = 3, 6
_FIVE_BITS_EACH: tuple[int, ...] = (0x7C00, 0x3E0, 0x1F, 0)
_DEEPEST = 16


@dataclass(frozen=True, kw_only=True)
class Fields:
    """A BMP's header.

    Attributes:
        width: in pixels.
        height: in pixels.
        upwards: the rows are stored from the bottom.
        bits: of a pixel, 16 or 32.
        at: where the pixels begin.
        masks: of red, green, blue and alpha; 0 for one that there is not.
    """

    width: int
    height: int
    upwards: bool
    bits: int
    at: int
    masks: tuple[int, ...]

    @property
    def deep(self) -> bool:
        """Whether a channel has more than 8 bits."""
        return max(mask.bit_count() for mask in self.masks) > 8


def read_fields(data: bytes) -> Fields | None:
    """Read the header; None where the pixels are no bit fields.

    Raises:
        ImageError: the masks are none that a picture could have.
    """
    size = struct.unpack_from("<I", data, 14)[0]
    if size not in _WINDOWS or len(data) < 70:
        return None
    width, height, _, bits, coding = struct.unpack_from("<iiHHI", data, 18)
    if (coding, bits) == (0, 16):
        masks = _FIVE_BITS_EACH
    elif coding in (_FIELDS, _FIELDS_WITH_ALPHA) and bits in (16, 32):
        count = 4 if size >= 56 or coding == _FIELDS_WITH_ALPHA else 3
        masks = (*struct.unpack_from(f"<{count}I", data, 54), 0)[:4]  # behind a header of 40 bytes, else in it
    else:
        return None
    if not any(masks[:3]) or any(_gaps(mask) or mask >> bits for mask in masks):
        raise ImageError(f"is a BMP with bit fields that are not supported ({masks}): save it as 24 or 32-bit RGB")
    at = struct.unpack_from("<I", data, 10)[0]
    return Fields(width=width, height=abs(height), upwards=height > 0, bits=bits, at=at, masks=masks)


def decode_fields(data: bytes, fields: Fields) -> Array:
    """Decode to H x W x 3, or 4 with alpha: uint8, or uint16 where a channel is deep.

    Raises:
        ValueError: the pixels are cut off.
    """
    stride = (fields.width * fields.bits + 31) // 32 * 4
    if fields.width < 1 or len(data) < fields.at + stride * fields.height:
        raise ValueError("its pixels are cut off")
    rows = np.frombuffer(data, np.uint8, stride * fields.height, fields.at).reshape(fields.height, stride)
    codes = rows.view(f"<u{fields.bits // 8}")[:, : fields.width]
    codes = codes[::-1] if fields.upwards else codes
    full = 65535 if fields.deep else 255
    return np.dstack([_channel(codes, mask, full) for mask in fields.masks[: 4 if fields.masks[3] else 3]])


def _channel(codes: Array, mask: int, full: int) -> Array:
    """Take one channel out and stretch it to `full`, rounding."""
    width = min(mask.bit_count(), _DEEPEST)
    shift = mask.bit_length() - width
    top = max(2**width - 1, 1)
    table = ((np.arange(top + 1, dtype=np.int64) * full + top // 2) // top).astype(
        np.uint16 if full > 255 else np.uint8
    )
    return np.asarray(table[(codes >> shift) & (2**width - 1)])


def _gaps(mask: int) -> bool:
    """Say whether a mask's bits do not lie side by side."""
    return "0" in bin(mask).strip("0b")
