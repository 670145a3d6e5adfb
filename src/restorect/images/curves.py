"""sRGB's tone curve (IEC 61966-2-1) on arrays, continued as an odd function beyond [0, 1]."""

import numpy as np
from numpy.typing import NDArray

from restorect.images.photo import Array

Float = NDArray[np.float32]
LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""Of linear red, green and blue."""


def encode_srgb(linear: Array) -> Float:
    """Tone-encode linear light with sRGB's curve, mirrored for negative values; any shape, unbounded."""
    size = np.abs(linear).astype(np.float32)
    bent = 1.055 * np.power(np.maximum(size, 0.0031308), np.float32(1 / 2.4)) - 0.055
    straight = np.minimum(size, 0.0031308) * 12.92
    return np.copysign(np.where(size <= 0.0031308, straight, bent), linear).astype(np.float32)


def decode_srgb(encoded: Array) -> Float:
    """Undo `encode_srgb`; any shape, unbounded."""
    size = np.abs(encoded).astype(np.float32)
    bent = np.power((np.maximum(size, 0.04045) + 0.055) / 1.055, np.float32(2.4))
    return np.copysign(np.where(size <= 0.04045, size / 12.92, bent), encoded).astype(np.float32)
