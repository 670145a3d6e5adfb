"""How a JPEG was coded: the quality that its quantisation tables stand for, and the sampling of its colours."""

from collections.abc import Mapping, Sequence

import numpy as np

# ITU-T T.81, Annex K, tables K.1 and K.2, which libjpeg scales by its quality.
_LUMA = """
16 11 10 16 24 40 51 61 12 12 14 19 26 58 60 55 14 13 16 24 40 57 69 56 14 17 22 29 51 87 80 62
18 22 37 56 68 109 103 77 24 35 55 64 81 104 113 92 49 64 78 87 103 121 120 101 72 92 95 98 112 100 103 99
"""
_CHROMA = """
17 18 24 47 99 99 99 99 18 21 26 66 99 99 99 99 24 26 56 99 99 99 99 99 47 66 99 99 99 99 99 99
99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99
"""
_BASE = np.array([_LUMA.split(), _CHROMA.split()], np.float64)
_QUALITIES = np.arange(1, 101)
_SCALES = np.where(_QUALITIES < 50, 5000 // _QUALITIES, 200 - 2 * _QUALITIES)
_TABLES = np.clip((_BASE * _SCALES[:, None, None] + 50) // 100, 1, 255)  # 100 x 2 x 64


def estimate_quality(tables: Mapping[int, Sequence[int]]) -> int:
    """Give the quality, 1 to 100, whose libjpeg tables are nearest: the mean ratio of all steps is compared.

    Tables that libjpeg made for a quality are found exactly, unless another quality has the same.

    Args:
        tables: number to 64 steps in rows, as `PIL.JpegImagePlugin.JpegImageFile.quantization` has them.
    """
    theirs = np.array([list(tables[name])[:64] for name in sorted(tables)[:2]], np.float64)
    ratios = np.log(np.maximum(theirs, 1)) - np.log(_TABLES[:, : len(theirs)])
    return 100 - int(np.abs(ratios).mean(axis=(1, 2))[::-1].argmin())  # of equal ones the highest


def nearest_sampling(layers: Sequence[Sequence[int]], turned: bool) -> str:
    """Name the sampling that we can write and that keeps at least as much of the colours, where there is one.

    Args:
        layers: for each component its number and its sampling factors across and down.
        turned: the picture will be written with rows and columns exchanged.
    """
    if len(layers) < 3:
        return "4:4:4"
    across, down = (layers[0][at] / max(layers[1][at], 1) for at in (1, 2))
    if turned:
        across, down = down, across
    if across <= 1:
        return "4:4:4"
    return "4:2:2" if down <= 1 else "4:2:0"
