"""Good photographs that look damaged: bars, frames, studio shots, silhouettes and night skies, made of clean ones.

Their black is meant, so `auto` shall leave them alone; what tells them from damage is that the black holds nothing.
Shapes: pictures (H, W, 3) float32, sRGB-encoded, in [0, 1]; masks (H, W) float32, 1 where the subject is.
"""

from collections.abc import Callable

import cv2
import numpy as np

from restorect.auto.statistics import Floats

Random = np.random.Generator
_MOST_BLACK = 0.02  # of what is meant to be black


def bars(picture: Floats, random: Random) -> Floats:
    """Black bars above and below, or left and right, beside the whole picture."""
    height, width = picture.shape[:2]
    share = random.uniform(0.06, 0.4)
    tall, wide = (round(height * share), 0) if random.random() < 0.5 else (0, round(width * share))
    return _bordered(picture, (tall, tall, wide, wide), _black(random))


def frame(picture: Floats, random: Random) -> Floats:
    """A slide's frame on all sides, black or now and then white, with rounded corners."""
    height, width = picture.shape[:2]
    side = min(height, width)
    corners = _rounded(height, width, round(side * random.uniform(0, 0.08)))[..., None]
    colour = _black(random) if random.random() < 0.8 else np.full(3, random.uniform(0.85, 1), np.float32)
    tall, wide = (round(side * random.uniform(0.03, 0.15)) for _ in range(2))
    return _bordered(corners * picture + (1 - corners) * colour, (tall, tall, wide, wide), colour)


def studio(picture: Floats, random: Random) -> Floats:
    """Something well lit before a black background."""
    shape = _blob(picture.shape[:2], random, share=random.uniform(0.1, 0.45))
    level = float((picture.mean(axis=2) * shape).sum() / shape.sum()) + 0.02
    lit = (picture * (random.uniform(0.35, 0.6) / level)).clip(0, 1)
    fall = cv2.GaussianBlur(shape, (0, 0), 0.08 * max(shape.shape))[..., None] * random.uniform(0, 0.06)
    return np.asarray(shape[..., None] * lit + (1 - shape[..., None]) * (_black(random) + fall), np.float32).clip(0, 1)


def silhouette(picture: Floats, random: Random) -> Floats:
    """A black outline, meant to be one, before a bright sky."""
    height, width = picture.shape[:2]
    sky = _sky(picture, random)
    outline = random.uniform(0.1, 0.5) + random.uniform(0.02, 0.15) * _walk(width, random)
    ground = (np.arange(height)[:, None] / height > 1 - outline[None]).astype(np.float32)
    if random.random() < 0.6:  # a figure, a tree
        ground = np.maximum(ground, _blob((height, width), random, share=random.uniform(0.02, 0.15)))
    ground = cv2.GaussianBlur(ground, (0, 0), random.uniform(0.4, 1.2))[..., None]
    return np.asarray(ground * random.uniform(0, 0.05) + (1 - ground) * sky, np.float32).clip(0, 1)


def night_sky(picture: Floats, random: Random) -> Floats:
    """Stars over a glow at the horizon and black ground, exposed as one would wish; now and then a moon."""
    height, width = picture.shape[:2]
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    top, glow = (random.uniform(*levels, 3).astype(np.float32) for levels in ((0.0, 0.06), (0.02, 0.35)))
    image = top * np.array([0.6, 0.8, 1.3], np.float32) + (glow - top) * down ** random.uniform(1.5, 5)
    image = np.repeat(image, width, axis=1) * (1 + 0.4 * _clouds(height, width, random)[..., None])
    stars = (random.random((height, width)) < random.uniform(0.0005, 0.006)) * random.random((height, width)) ** 2
    image = image + cv2.GaussianBlur(stars.astype(np.float32), (0, 0), 0.6)[..., None] * random.uniform(1, 4)
    if random.random() < 0.4:
        moon = np.zeros((height, width), np.float32)
        centre = (int(random.integers(width)), int(random.integers(height // 2 + 1)))
        cv2.circle(moon, centre, round(min(height, width) * random.uniform(0.01, 0.12)), 1.0, -1, cv2.LINE_AA)
        image = np.maximum(image, moon[..., None] * random.uniform(0.6, 1.0))
    outline = random.uniform(0, 0.25) + 0.08 * _walk(width, random)
    ground = (np.arange(height)[:, None] / height > 1 - outline[None])[..., None]
    noise = random.normal(0, random.uniform(0, 0.012), image.shape)
    return np.asarray(np.where(ground, _black(random), image) + noise, np.float32).clip(0, 1)


KINDS: dict[str, Callable[[Floats, Random], Floats]] = {
    "bars": bars,
    "frame": frame,
    "studio": studio,
    "silhouette": silhouette,
    "night sky": night_sky,
}
"""Ways to make a good photograph of another one, by name."""


def _black(random: Random) -> Floats:
    """(3,), nearly or wholly black."""
    return np.full(3, random.uniform(0, _MOST_BLACK) * (random.random() < 0.5), np.float32)


def _bordered(picture: Floats, widths: tuple[int, int, int, int], colour: Floats) -> Floats:
    """Borders above, below, left and right."""
    colours = tuple(float(value) for value in colour)
    return np.asarray(cv2.copyMakeBorder(picture, *widths, cv2.BORDER_CONSTANT, value=colours), np.float32)


def _rounded(height: int, width: int, radius: int) -> Floats:
    """1 inside a rectangle with rounded corners."""
    down, across = (np.abs(np.arange(n) - (n - 1) / 2) - ((n - 1) / 2 - radius) for n in (height, width))
    away = np.hypot(down.clip(0)[:, None], across.clip(0)[None])
    return np.asarray((radius + 1 - away).clip(0, 1), np.float32)


def _blob(size: tuple[int, int], random: Random, *, share: float) -> Floats:
    """A soft-edged shape somewhere near the middle, of this share of the picture."""
    height, width = size
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    centre = random.uniform(0.35, 0.65, 2)
    ratio = random.uniform(0.5, 2)
    away = np.hypot((rows / height - centre[0]) * ratio**0.5, (columns / width - centre[1]) / ratio**0.5)
    score = away + random.uniform(0.02, 0.15) * _clouds(height, width, random)
    limit = np.quantile(score, share)
    return np.asarray(((limit - score) / random.uniform(0.004, 0.03) + 0.5).clip(0, 1), np.float32)


def _sky(picture: Floats, random: Random) -> Floats:
    """A bright background: a gradient of two colours with clouds, or the picture, blurred and bright."""
    height, width = picture.shape[:2]
    if random.random() < 0.4:
        soft = cv2.GaussianBlur(picture, (0, 0), random.uniform(1, 12))
        return np.asarray(soft * (random.uniform(0.55, 0.85) / (float(soft.mean()) + 0.02)), np.float32).clip(0, 1)
    high, low = (random.uniform(0.35, 1.0, 3).astype(np.float32) for _ in range(2))
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    clouds = 1 + random.uniform(0, 0.3) * _clouds(height, width, random)[..., None]
    return np.asarray(((1 - down) * high + down * low) * clouds, np.float32).clip(0, 1)


def _clouds(height: int, width: int, random: Random) -> Floats:
    """Smooth noise of three scales, about -1 to 1."""
    field = np.zeros((height, width), np.float32)
    for cells in (3, 7, 17):
        coarse = random.uniform(-1, 1, (cells, cells)).astype(np.float32)
        field += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC) * (3 / cells)
    return np.asarray(field / max(1e-6, float(np.abs(field).max())), np.float32)


def _walk(width: int, random: Random) -> Floats:
    """An outline from left to right, about -1 to 1: hills, or with jumps roofs."""
    steps = random.normal(0, 1, width) * (random.random(width) < random.choice([0.03, 0.2, 1.0]))
    path = np.cumsum(steps) - np.linspace(0, steps.sum(), width)
    return np.asarray(path / max(1e-6, np.abs(path).max()), np.float32)
