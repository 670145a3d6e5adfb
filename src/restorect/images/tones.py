"""Tone curves of high dynamic range, PQ and HLG (ITU-R BT.2100): from codes to light, where 1 is white, and back.

White is diffuse white, at 203 cd/m2 (ITU-R BT.2408); highlights are above 1. HLG is shown on a display of 1000 cd/m2.
"""

import numpy as np
from numpy.typing import NDArray

from restorect.images.photo import Array

Float = NDArray[np.float32]
PQ, HLG = 16, 18
_WHITE = 203.0
_PQ_PEAK, _HLG_PEAK = 10_000.0, 1000.0
_M1, _M2 = 2610 / 16384, 2523 / 4096 * 128
_C1, _C2, _C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
_A, _B, _C = 0.17883277, 0.28466892, 0.55991073
_GAMMA = 1.2
_LUMA = np.array([0.2627, 0.6780, 0.0593], np.float32)


def to_light(codes: Array, transfer: int) -> Float:
    """Decode ... x 3 codes from 0 to 1 (mirrored below 0) by the code point `transfer`, 16 or 18."""
    size = np.abs(codes).astype(np.float32)
    if transfer == PQ:
        bent = np.power(size, 1 / _M2, dtype=np.float64)  # differences of nearly the same numbers follow
        light = np.power(np.maximum(bent - _C1, 0) / (_C2 - _C3 * np.minimum(bent, 1)), 1 / _M1)
        return _signed(light * (_PQ_PEAK / _WHITE), codes)
    scene = np.where(size <= 0.5, size**2 / 3, (np.exp((size - _C) / _A) + _B) / 12)
    scene = _signed(scene, codes)
    luminance = np.maximum(scene @ _LUMA, 0)[..., None]
    return np.asarray(scene * np.power(luminance, np.float32(_GAMMA - 1)) * (_HLG_PEAK / _WHITE), np.float32)


def from_light(light: Array, transfer: int) -> Float:
    """Undo `to_light`."""
    if transfer == PQ:
        size = np.power(np.abs(light) * (_WHITE / _PQ_PEAK), _M1, dtype=np.float64)
        return _signed(np.power((_C1 + _C2 * size) / (1 + _C3 * size), _M2), light)
    shown = np.asarray(light, np.float32) * (_WHITE / _HLG_PEAK)
    luminance = np.maximum(shown @ _LUMA, 1e-12)[..., None]
    scene = shown * np.power(luminance, np.float32((1 - _GAMMA) / _GAMMA))
    size = np.abs(scene)
    bent = _A * np.log(np.maximum(12 * size - _B, 1e-6)) + _C
    return _signed(np.where(size <= 1 / 12, np.sqrt(3 * size), bent), scene)


def _signed(size: Array, sign: Array) -> Float:
    return np.copysign(size, sign).astype(np.float32)
