"""Versions of one photograph that are worth comparing, each with the option that gives it.

Shapes: pictures (H, W, 3), float32 or uint8, sRGB-encoded.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from restorect.images.colour import to_depth
from restorect.images.curves import decode_srgb, encode_srgb
from restorect.infer.options import Options
from restorect.infer.restorer import Restorer
from restorect.render.steps import STYLES

STRENGTHS = (0.5, 0.75, 1.0)
BRIGHTNESSES = (-1.0, 0.0, 1.0)
SAMPLES = 3


class Cell(NamedTuple):
    """One version.

    Attributes:
        caption: the option to type.
        pixels: uint8.
    """

    caption: str
    pixels: NDArray[np.uint8]


def shrunk(picture: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """The picture with no side longer than `side`: means over areas, in linear light. A small one stays as it is."""
    height, width = picture.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return picture
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return encode_srgb(np.asarray(cv2.resize(decode_srgb(picture), size, interpolation=cv2.INTER_AREA), np.float32))


def rows_of(restorer: Restorer, picture: NDArray[np.float32], seed: int = 0) -> Iterator[list[Cell]]:
    """The photograph itself and three strengths, both styles where they differ, three brightnesses, three samples.

    Args:
        restorer: the networks.
        picture: as small as the cells are to be.
        seed: of the samples.
    """

    @cache
    def restored(options: Options) -> list[NDArray[np.uint8]]:
        return [_shown(image) for image in restorer.restore(picture, options).images]

    def cells(option: str, each: dict[str, Options]) -> list[Cell]:
        return [Cell(f"--{option} {value}", restored(options)[0]) for value, options in each.items()]

    plain = Options(seed=seed)
    strengths = cells("strength", {f"{value:g}": replace(plain, strength=value) for value in STRENGTHS})
    yield [Cell("as it came", _shown(picture)), *strengths]
    if restorer.network.in_style("reference") is not restorer.network:
        yield cells("style", {style: replace(plain, style=style) for style in STYLES})
    yield cells("brightness", {f"{stops:g}": replace(plain, brightness=stops) for stops in BRIGHTNESSES})
    samples = restored(replace(plain, samples=SAMPLES))
    yield [Cell(f"--samples {SAMPLES}: NAME-{number}", each) for number, each in enumerate(samples, start=1)]


def _shown(picture: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.asarray(to_depth(picture, 8), np.uint8)
