"""Optics of natural waters: from a Jerlov type to what each colour channel loses and gains.

The revised image formation model (Akkaynak and Treibitz, CVPR 2018) gives the wideband coefficients of a channel by
integrating spectra over its sensitivity; direct light and backscatter get different ones, and both depend on the range.
Units: metres, 1/metre; light relative to white at the surface.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Spectrum = NDArray[np.float64]

JERLOV_TYPES = ("I", "IA", "IB", "II", "III", "1C", "3C", "5C", "7C", "9C")
"""Water types from the clearest ocean to the murkiest coast."""

_WAVELENGTHS = np.arange(400.0, 701.0, 25.0)  # nanometres

# Diffuse attenuation of downwelling light, 1/m, at those wavelengths: Jerlov, Marine Optics, 1976, table XXVII.
_DIFFUSE = np.array(
    [
        [0.027, 0.022, 0.019, 0.018, 0.027, 0.043, 0.063, 0.089, 0.235, 0.305, 0.360, 0.420, 0.560],
        [0.038, 0.031, 0.026, 0.025, 0.032, 0.048, 0.067, 0.094, 0.240, 0.310, 0.370, 0.430, 0.570],
        [0.051, 0.042, 0.036, 0.033, 0.042, 0.054, 0.072, 0.099, 0.245, 0.315, 0.375, 0.435, 0.580],
        [0.096, 0.081, 0.068, 0.062, 0.070, 0.076, 0.089, 0.115, 0.260, 0.335, 0.400, 0.465, 0.610],
        [0.185, 0.160, 0.135, 0.116, 0.115, 0.116, 0.120, 0.148, 0.295, 0.375, 0.445, 0.520, 0.660],
        [0.510, 0.360, 0.250, 0.170, 0.140, 0.130, 0.120, 0.150, 0.300, 0.370, 0.450, 0.510, 0.650],
        [0.780, 0.540, 0.390, 0.290, 0.220, 0.200, 0.190, 0.210, 0.330, 0.400, 0.460, 0.560, 0.710],
        [1.100, 0.780, 0.560, 0.430, 0.360, 0.310, 0.300, 0.330, 0.400, 0.480, 0.540, 0.650, 0.800],
        [1.600, 1.200, 0.890, 0.710, 0.580, 0.490, 0.460, 0.460, 0.480, 0.540, 0.630, 0.780, 0.920],
        [2.400, 1.900, 1.600, 1.230, 0.990, 0.780, 0.630, 0.580, 0.600, 0.650, 0.760, 0.920, 1.100],
    ]
)

# Peaks of red, green and blue of common cameras and a width that fits them (Jiang et al., WACV 2013), nanometres.
_PEAKS = np.array([600.0, 535.0, 460.0])
_WIDTH = 30.0

# Petzold 1972 (SIO 72-78), at 514 nm: scattering 0.037 in the Bahamas to 1.82 in San Diego harbour, 1/m.
_CLEAR_SCATTER = 0.037
_MURKY_SCATTER = 1.82


@dataclass(frozen=True, kw_only=True)
class Water:
    """Wideband optics of red, green and blue, each (3,).

    Attributes:
        direct: beta^D, attenuation of the light that comes straight from the object, 1/m.
        glow: attenuation of direct and forward-scattered light together, 1/m, below `direct`.
        back: beta^B, growth of the backscatter, 1/m.
        light: ambient light at the depth, the strongest channel 1.
        veil: B^infinity, colour of an endless range of water, in the scale of `light`.
    """

    direct: Spectrum
    glow: Spectrum
    back: Spectrum
    light: Spectrum
    veil: Spectrum


def diffuse_attenuation(water: float) -> Spectrum:
    """K_d at 400 to 700 nm in steps of 25, 1/m, (13,), for a type from 0 (I) to 9 (9C); between types, geometric."""
    lower = min(int(water), len(JERLOV_TYPES) - 2)
    share = water - lower
    return np.asarray(_DIFFUSE[lower] ** (1 - share) * _DIFFUSE[lower + 1] ** share)


def scattering(water: float) -> Spectrum:
    """Scattering coefficient b at those wavelengths, 1/m, (13,): from Petzold's clear to his murky water.

    It falls as 1/wavelength and follows K_d(525 nm) by the power that joins Petzold's ends to Jerlov's.
    """
    clear, here, murky = (diffuse_attenuation(kind)[5] for kind in (0, water, 9))
    power = math.log(_MURKY_SCATTER / _CLEAR_SCATTER) / math.log(murky / clear)
    return np.asarray(_CLEAR_SCATTER * (here / clear) ** power * 514.0 / _WAVELENGTHS)


def absorption(diffuse: Spectrum, scatter: Spectrum) -> Spectrum:
    """Absorption a of water with these K_d and b: K_d^2 = a^2 + 0.256 a b (Kirk, Limnol. Oceanogr. 29, 1984)."""
    half = 0.128 * scatter
    return np.asarray(np.sqrt(half**2 + diffuse**2) - half)


def water_optics(water: float, *, depth: float, reach: float, forward: float = 0.3, turbid: float = 1.0) -> Water:
    """Wideband optics at a depth, averaged over ranges up to `reach`.

    Args:
        water: type from 0 (Jerlov I) to 9 (Jerlov 9C).
        depth: metres below the surface.
        reach: the range, in metres, at which the coefficients are exact.
        forward: share of the scattered light that does not reach the camera even as glow.
        turbid: factor on the scattering, for more or fewer particles than usual.
    """
    diffuse, scatter = diffuse_attenuation(water), scattering(water) * turbid
    absorb = absorption(diffuse, scatter)
    beam = absorb + scatter
    sensitivity = np.exp(-((_WAVELENGTHS - _PEAKS[:, None]) ** 2) / (2 * _WIDTH**2))
    sensitivity /= sensitivity.sum(axis=1, keepdims=True)
    ambient = np.exp(-diffuse * depth)
    light = sensitivity @ ambient
    endless = sensitivity @ (ambient * scatter / beam)
    seen = sensitivity @ (ambient * scatter / beam * np.exp(-beam * reach))
    direct = sensitivity @ (ambient * np.exp(-beam * reach))
    glow = sensitivity @ (ambient * np.exp(-(absorb + forward * scatter) * reach))
    return Water(
        direct=-np.log(direct / light) / reach,
        glow=-np.log(glow / light) / reach,
        back=-np.log(seen / endless) / reach,
        light=light / light.max(),
        veil=endless / light.max(),
    )
