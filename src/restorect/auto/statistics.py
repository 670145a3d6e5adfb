"""Global statistics of a photograph, from which its kind of damage is told.

Shapes: a thumbnail is (128, 128, 3) float32, sRGB-encoded, in [0, 1]; statistics are one vector of `COUNT` numbers.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from restorect.images.curves import LUMINANCE

Floats = NDArray[np.float32]
SIDE = 128
_FEW = 320  # pixels of the shorter side that are looked at; an average of these is as good as one of all
_LEVELS = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
_GRID = 8
_BLACKS = (0.01, 0.025, 0.05, 0.1)
_BLACK = 0.09  # the frame of a retina photograph stays below, see `restorect.retina`
_BAR, _EVEN, _NEARLY = 0.06, 0.02, 0.995  # how black a bar is, how even, on how much of its length
_UNLIKE, _LEAST_INSIDE = 0.04, 0.1  # by what the borders of two sides may differ; what they leave
_PLAIN = 0.1  # what differs less from its border is no picture


def thumbnail(picture: Floats) -> Floats:
    """Shrink what a photograph shows, without black bars or a frame, to a square of 128 pixels of any proportions.

    Args:
        picture: (H, W, 3), sRGB-encoded; values outside [0, 1] are clipped, what is no number becomes black.

    Returns:
        (128, 128, 3) in [0, 1].
    """
    step = max(1, round(min(picture.shape[:2]) / _FEW))
    few = np.ascontiguousarray(picture[::step, ::step], dtype=np.float32)
    few = np.nan_to_num(few, nan=0.0, posinf=1.0, neginf=0.0).clip(0, 1)
    return np.asarray(cv2.resize(_without_borders(few), (SIDE, SIDE), interpolation=cv2.INTER_AREA))


def _without_borders(picture: Floats) -> Floats:
    """The picture within black bars (above and below, left and right) or within a frame of one colour.

    Borders are of one colour, as wide on either side but for a few per cent, and something else lies between them:
    the black sky and ground of a night are neither.
    """
    for _ in range(2):  # bars within a frame
        top, bottom, left, right = _borders(picture)
        height, width = picture.shape[:2]
        black = picture[0, 0].max() < _BAR
        across = top and bottom and abs(top - bottom) <= _UNLIKE * height
        down = left and right and abs(left - right) <= _UNLIKE * width
        if not ((across and down) or (black and (across or down))):
            break
        rows = slice(top, height - bottom) if across else slice(None)
        columns = slice(left, width - right) if down else slice(None)
        inside = picture[rows, columns]
        if inside.size < _LEAST_INSIDE * picture.size or np.abs(inside - picture[0, 0]).max() < _PLAIN:
            break
        picture = np.ascontiguousarray(inside)
    return picture


def _borders(picture: Floats) -> tuple[int, int, int, int]:
    """Rows from above and below, columns from the left and right, that have the colour of the corner throughout."""
    corner = picture[0, 0]
    if not any(
        _has_colour(line, corner).mean() > _NEARLY for line in (*picture[[0, -1]], *picture[:, [0, -1]].swapaxes(0, 1))
    ):
        return 0, 0, 0, 0  # as most photos have it: a look at their edges is enough
    same = _has_colour(picture, corner)
    lines = (
        same.mean(axis=1) > _NEARLY,
        same.mean(axis=1)[::-1] > _NEARLY,
        same.mean(axis=0) > _NEARLY,
        same.mean(axis=0)[::-1] > _NEARLY,
    )
    return tuple(int(np.argmin(line)) if not line.all() else 0 for line in lines)  # type: ignore[return-value]


def _has_colour(pixels: Floats, colour: Floats) -> NDArray[np.bool_]:
    return np.asarray(np.abs(pixels - colour).max(axis=-1) < _EVEN)


def statistics(thumb: Floats) -> Floats:
    """Describe a thumbnail: how bright, how colourful, how contrasted it is, and where."""
    light, brightest = thumb @ LUMINANCE, thumb.max(axis=2)
    levels = _quantiles(light)
    parts = [
        levels,
        np.log(levels + 0.01),
        *(_quantiles(thumb[..., channel], (0.05, 0.5, 0.95)) for channel in range(3)),
        _colour(thumb, light),
        _places(light, brightest),
        _frame(thumb, brightest),
        _detail(light),
        _scales(light),
        _lit(thumb, brightest),
        _black_places(light, brightest),
    ]
    return np.concatenate([np.asarray(part, dtype=np.float32).ravel() for part in parts])


def _quantiles(values: NDArray[Any], shares: tuple[float, ...] = _LEVELS) -> Floats:
    ordered = np.sort(values, axis=None).astype(np.float32)
    return ordered[[round(share * (ordered.size - 1)) for share in shares]]


def _colour(thumb: Floats, light: Floats) -> list[float]:
    """Opponent colours, saturation, and each channel's share: water is blue or green and lacks red."""
    red, green, blue = (thumb[..., channel] for channel in range(3))
    yellow_blue, red_green = (red + green) / 2 - blue, red - green
    means = thumb.mean(axis=(0, 1))
    shares = means / (means.sum() + 1e-3)
    saturation = (thumb.max(axis=2) - thumb.min(axis=2)) / (thumb.max(axis=2) + 0.02)
    bright = thumb[light >= _quantiles(light, (0.9,))[0]].mean(axis=0)
    spread = [float(values.std()) for values in (red, green, blue, yellow_blue, red_green)]
    levels = [float(v) for values in (yellow_blue, red_green) for v in _quantiles(values, (0.05, 0.5, 0.95))]
    return [
        *map(float, shares),
        *map(float, bright / (bright.sum() + 1e-3)),
        *spread,
        *levels,
        *(float(v) for v in _quantiles(saturation, (0.1, 0.5, 0.9))),
        float((red < np.minimum(green, blue)).mean()),
        float(np.corrcoef(red.ravel(), blue.ravel() + 1e-6 * light.ravel())[0, 1])
        if spread[0] * spread[2] > 0
        else 1.0,
    ]


def _places(light: Floats, brightest: Floats) -> list[float]:
    """Light on a coarse grid: centre against border, top against bottom, and how far its cells lie apart."""
    cells = cv2.resize(light, (_GRID, _GRID), interpolation=cv2.INTER_AREA)
    local = cv2.resize(np.abs(light - cv2.blur(light, (9, 9))), (_GRID, _GRID), interpolation=cv2.INTER_AREA)
    inner = cells[2:-2, 2:-2]
    border = np.concatenate([cells[0], cells[-1], cells[:, 0], cells[:, -1]])
    half = _GRID**2 // 2
    middle = np.sort(cells, axis=None)[half - 1 : half + 1].mean()  # np.median would load numpy.ma
    dark, bright = cells < middle, cells >= middle
    return [
        float(inner.mean() - border.mean()),
        float(np.log((inner.mean() + 0.02) / (border.mean() + 0.02))),
        float(abs(cells[:3].mean() - cells[-3:].mean())),
        float(abs(cells[:, :3].mean() - cells[:, -3:].mean())),
        float(cells.std()),
        *(float(v) for v in _quantiles(cells, (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0))),
        *(float(v) for v in _quantiles(local, (0.1, 0.5, 0.9))),
        float(local[dark].mean()) if dark.any() else 0.0,
        float(local[bright].mean()),
        *(float((brightest < limit).mean()) for limit in (0.05, 0.1, 0.2, 0.35)),
        *(float((brightest > limit).mean()) for limit in (0.7, 0.85, 0.95)),
        _two_humps(light),
    ]


def _two_humps(light: Floats) -> float:
    """Share of the variance that one threshold explains (Otsu 1979): near 1 for a dark subject before a bright sky."""
    values: Floats = np.sort(light.ravel())[:: light.size // 1024]
    count = np.arange(1, len(values))
    total = np.cumsum(values, dtype=np.float64)
    lower, upper = total[:-1] / count, (total[-1] - total[:-1]) / (len(values) - count)
    share = count / len(values)
    return float((share * (1 - share) * (upper - lower) ** 2).max() / (values.var(dtype=np.float64) + 1e-6))


def _frame(thumb: Floats, brightest: Floats) -> list[float]:
    """The round field of view of a retina photograph: black corners, a lit middle, redder than anything else."""
    rows, columns = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32) * (2 / (SIDE - 1)) - 1
    away = np.hypot(rows, columns)
    black = brightest < _BLACK
    corners = np.concatenate([black[:8, :8], black[:8, -8:], black[-8:, :8], black[-8:, -8:]])
    middle = thumb[away < 0.6]
    means = middle.mean(axis=0)
    return [
        float(corners.mean()),
        float(black[away < 0.8].mean()),
        float(black[away > 1.1].mean()),
        float(_quantiles(brightest[away > 1.2], (0.95,))[0]),
        *(float(v) for v in means / (means.sum() + 1e-3)),
        float(middle.std(axis=0).mean()),
        float((middle[:, 0] > middle[:, 1]).mean()),
        float((middle[:, 1] > middle[:, 2]).mean()),
    ]


def _detail(light: Floats) -> list[float]:
    """Noise, as the median absolute second difference (Immerkaer 1996, with a robust mean), and gradients."""
    mask = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], dtype=np.float32)
    second = np.abs(cv2.filter2D(light, cv2.CV_32F, mask)[1:-1, 1:-1]) / 6
    across, down = np.diff(light, axis=1)[:-1], np.diff(light, axis=0)[:, :-1]
    slope = np.hypot(across, down)
    level = float(light.mean()) + 0.02
    figures = [
        float(_quantiles(second, (0.5,))[0]),
        float(second.mean()),
        *(float(v) for v in _quantiles(slope, (0.5, 0.9, 0.99))),
    ]
    return [*(np.log(f + 1e-4) for f in figures), *(np.log(f / level + 1e-4) for f in figures)]


def _scales(light: Floats) -> list[float]:
    """Contrast at five scales (a Laplacian pyramid, Burt and Adelson 1983), of the darker and of the brighter half."""
    half = float(_quantiles(light, (0.5,))[0])
    figures: list[float] = []
    for finer, band in _bands(light):
        dark = finer < half
        figures += [_log_mean(np.abs(band[part])) for part in (dark, ~dark)]
    return figures


def _lit(thumb: Floats, brightest: Floats) -> list[float]:
    """The lit part alone, as of a retina: contrast and skewness of red and green at five scales, evenness of light."""
    lit = cv2.erode((brightest >= _BLACK).astype(np.uint8), np.ones((9, 9), np.uint8))
    if lit.sum() < 100:
        lit = np.ones_like(lit)
    figures: list[float] = []
    for channel in (0, 1):
        values = np.ascontiguousarray(thumb[..., channel])
        inside = values[lit > 0]
        level = float(inside.mean()) + 0.02
        filled = np.where(lit > 0, values, np.float32(inside.mean()))
        for finer, band in _bands(filled):
            part = band[cv2.resize(lit, finer.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0]
            deviation = float(part.std()) if part.size else 0.0
            skew = float((part**3).mean()) / (deviation**3 + 1e-6) if part.size else 0.0
            figures += [float(np.log(deviation / level + 1e-3)), skew]
        coarse = cv2.resize(filled, (_GRID, _GRID), interpolation=cv2.INTER_AREA)
        figures += [level, float(coarse.std()) / level, *(float(v) for v in _quantiles(inside, (0.02, 0.5, 0.98)))]
    return figures


def _black_places(light: Floats, brightest: Floats) -> list[float]:
    """Whether the dark holds anything: black that is meant holds nothing, a dark subject does.

    Shares of black at four levels, in the middle and at the border; of the dark and of the bright side of Otsu's
    threshold their share, their levels, how far they lie apart, and the contrast within relative to its level.
    """
    ring = np.ones_like(light, dtype=bool)
    ring[SIDE // 8 : -SIDE // 8, SIDE // 8 : -SIDE // 8] = False
    figures = [float((brightest[part] < limit).mean()) for limit in _BLACKS for part in (ring, ~ring)]
    fine = np.abs(light - cv2.GaussianBlur(light, (0, 0), 2))
    dark = light < _otsu(light)
    for side in (dark, ~dark):
        inside = cv2.erode(side.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        inside = inside if inside.sum() > 50 else side
        levels = _quantiles(light[inside], (0.1, 0.5, 0.9)) if inside.any() else np.zeros(3, np.float32)
        relative = np.log(fine[inside] / (light[inside] + 0.01) + 1e-3) if inside.any() else np.zeros(1, np.float32)
        figures += [float(side.mean()), float(side[ring].mean()), *(float(np.log(v + 0.01)) for v in levels)]
        figures += [float(v) for v in _quantiles(relative, (0.25, 0.5, 0.75, 0.95))]
    shade = (brightest > 0.03) & (brightest < 0.25)
    figures += [
        float(shade.mean()),
        float(np.log(fine[shade] / (light[shade] + 0.01) + 1e-3).mean()) if shade.any() else -7.0,
    ]
    return figures


def _otsu(light: Floats) -> float:
    """The threshold that explains most of the variance (Otsu 1979)."""
    values: Floats = np.sort(light.ravel())[:: light.size // 1024]
    count = np.arange(1, len(values))
    total = np.cumsum(values, dtype=np.float64)
    lower, upper = total[:-1] / count, (total[-1] - total[:-1]) / (len(values) - count)
    share = count / len(values)
    return float(values[1:][np.argmax(share * (1 - share) * (upper - lower) ** 2)])


def _bands(image: Floats) -> list[tuple[Floats, Floats]]:
    """Five levels of a pyramid, finest first: the level, and what it has beyond the next coarser one."""
    bands = []
    for _ in range(5):
        coarser = np.asarray(cv2.pyrDown(image), dtype=np.float32)
        bands.append((image, image - cv2.pyrUp(coarser, dstsize=image.shape[::-1])))
        image = coarser
    return bands


def _log_mean(values: Floats) -> float:
    return float(np.log(float(values.mean()) + 1e-4)) if values.size else float(np.log(1e-4))


COUNT = 162
