"""Colours of the light at night: glowing bodies from sodium orange to the blue of cool LEDs, and coloured signs.

The Planckian locus is the cubic fit of Kim et al. (US patent 7,024,034, 2006), good from 1667 to 25000 K. Colours are
linear sRGB.
"""

import colorsys

import numpy as np
import torch

from restorect.colour import SRGB_TO_XYZ
from restorect.data.degrade.draws import Range, check_range, uniform

Colour = tuple[float, float, float]

COLDEST, HOTTEST = 1667.0, 25000.0
_DAYLIGHT = 6500.0
_FAINTEST = 0.02  # of the brightest channel; below 1900 K blue would be negative, outside sRGB


def check_kelvin(name: str, given: Range) -> None:
    """Raise `ConfigError` unless the range of colour temperatures rises within the fit's."""
    check_range(name, given, COLDEST, HOTTEST)


def chromaticity(kelvin: float) -> tuple[float, float]:
    """CIE 1931 x and y of a glowing body of this temperature."""
    t = 1000.0 / kelvin
    if kelvin <= 4000:
        x = -0.2661239 * t**3 - 0.2343589 * t**2 + 0.8776956 * t + 0.179910
    else:
        x = -3.0258469 * t**3 + 2.1070379 * t**2 + 0.2226347 * t + 0.240390
    if kelvin <= 2222:
        return x, -1.1063814 * x**3 - 1.34811020 * x**2 + 2.18555832 * x - 0.20219683
    if kelvin <= 4000:
        return x, -0.9549476 * x**3 - 1.37418593 * x**2 + 2.09137015 * x - 0.16748867
    return x, 3.0817580 * x**3 - 5.87338670 * x**2 + 3.75112997 * x - 0.37001483


def glowing(kelvin: float) -> Colour:
    """Linear sRGB of a glowing body, its brightest channel 1."""
    x, y = chromaticity(kelvin)
    rgb = np.linalg.solve(np.array(SRGB_TO_XYZ), [x / y, 1.0, (1 - x - y) / y])
    red, green, blue = np.maximum(rgb / rgb.max(), _FAINTEST).tolist()
    return red, green, blue


def cast_of(kelvin: float, adapted: float) -> Colour:
    """What light of this temperature does to a photo, as gains of luminance 1.

    Args:
        kelvin: of the light.
        adapted: how far the camera's white balance goes from daylight towards the light, in reciprocal kelvin:
            1 takes the cast away, 0 leaves all of it.
    """
    balanced = 1 / (adapted / kelvin + (1 - adapted) / _DAYLIGHT)
    gains = np.array(glowing(kelvin)) / np.array(glowing(balanced))
    red, green, blue = (gains / (np.array(SRGB_TO_XYZ[1]) @ gains)).tolist()
    return red, green, blue


def draw_neon(generator: torch.Generator) -> Colour:
    """A strong colour, its brightest channel 1."""
    hue, saturation = uniform(generator, (0.0, 1.0)), uniform(generator, (0.5, 0.97))
    return colorsys.hsv_to_rgb(hue, saturation, 1.0)
