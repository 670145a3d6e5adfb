"""Telling an sRGB profile by its numbers, where there is no Little CMS: most photographs that have one have this.

Shapes: colours (..., 3) of red, green and blue.
"""

import struct

import numpy as np

from restorect.images.curves import encode_srgb
from restorect.images.photo import Array

# XYZ under D50 of sRGB's red, green and blue, as Little CMS rounds it.
_XYZ = np.array([[0.436035, 0.222488, 0.013916], [0.385117, 0.716904, 0.097061], [0.143051, 0.060608, 0.713913]])
_CLOSE = 0.5 / 255
_CURVES = (b"rTRC", b"gTRC", b"bTRC")
_COLORANTS = (b"rXYZ", b"gXYZ", b"bXYZ")
_PARAMETERS = {0: 1, 1: 3, 2: 4, 3: 5, 4: 7}


def tags(profile: bytes) -> dict[bytes, tuple[int, int]]:
    """List a profile's tags: where each lies, and its size."""
    count = struct.unpack_from(">I", profile, 128)[0]
    rows = (struct.unpack_from(">4sII", profile, 132 + 12 * row) for row in range(min(count, 100)))
    return {name: (at, size) for name, at, size in rows}


def is_plainly_srgb(profile: bytes, colours: Array) -> bool:
    """Say whether three curves and three colorants, and no tables, turn codes into what sRGB means by them.

    Args:
        profile: an ICC profile.
        colours: codes in [0, 1] to try.
    """
    try:
        found = tags(profile)
        if profile[16:24] != b"RGB XYZ " or b"A2B0" in found or b"A2B1" in found:
            return False
        parts = {name: profile[found[name][0] : sum(found[name])] for name in (*_CURVES, *_COLORANTS)}
        with np.errstate(all="ignore"):
            light = np.stack([_bent(parts[name], colours[..., at]) for at, name in enumerate(_CURVES)], -1)
            colorants = np.array([struct.unpack_from(">3i", parts[name], 8) for name in _COLORANTS]) / 65536
            own = encode_srgb(light @ colorants @ np.linalg.inv(_XYZ))
            return bool(np.abs(own - colours).max() <= _CLOSE)
    except (KeyError, struct.error, ValueError):
        return False


def _bent(curve: bytes, x: Array) -> Array:
    """Apply a tone curve (ICC.1:2022, 10.6 and 10.18) to values in [0, 1]."""
    count = struct.unpack_from(">I", curve, 8)[0]
    if curve[:4] == b"curv":
        numbers = np.frombuffer(curve, ">u2", count, offset=12)
        if count < 2:
            power: Array = x ** (numbers[0] / 256 if count else 1.0)
            return power
        return np.interp(x, np.linspace(0, 1, count), numbers / 65535)
    kind = struct.unpack_from(">H", curve, 8)[0]
    if curve[:4] != b"para" or kind not in _PARAMETERS:
        raise ValueError("no tone curve")
    numbers = (np.frombuffer(curve, ">i4", _PARAMETERS[kind], offset=12) / 65536).tolist()
    g, a, b, c, d, e, f = numbers + [0.0] * (7 - len(numbers))
    if kind == 0:
        a = 1.0
    if kind < 3:  # below -b / a the curve is flat, at c where there is one
        if a == 0:
            raise ValueError("no tone curve")
        c, d, e, f = 0.0, -b / a, c, c
    steep = np.clip(a * x + b, 0, None) ** g + e
    return np.asarray(np.where(x >= d, steep, c * x + f))
