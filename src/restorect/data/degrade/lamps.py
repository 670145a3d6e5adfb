"""Where lamps, lit windows and signs stand in a night scene, how bright they are, and their look on the picture.

Lengths are shares of the picture's longer side; positions run from 0 to 1 down and across. Light is linear, 1 is the
white of the night photo.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from restorect.configs import require
from restorect.data.degrade.draws import Range, chance, check_range, integer, log_uniform, uniform
from restorect.data.degrade.emitters import PAINTERS
from restorect.data.degrade.light_colours import Colour, check_kelvin, draw_neon, glowing

_FLATTER = 3.0  # of a white that just clips, half the light comes out at two thirds
_DISPLAYED = (0.75, 0.97)  # linear: the brightest part of a lamp in a reference, near white but below it


@dataclass(frozen=True, kw_only=True)
class LampConfig:
    """Ranges of what shines by itself.

    Attributes:
        scattered: single lamps anywhere.
        rows: share of the lit nights with a row of street lamps; likewise the next three.
        facades: windows of a house.
        signs: one to three signs.
        cars: headlights and tail lights.
        radius: of a lamp.
        lamp: light of lamps, log-uniform.
        window: light of windows, log-uniform.
        sign: light of signs, log-uniform.
        sodium: colour temperature of warm lamps, in kelvin.
        led: colour temperature of the others.
        pool: light that a lamp throws on a white wall right behind it, log-uniform.
        reach: distance of that wall, log-uniform.
    """

    scattered: tuple[int, int] = (0, 6)
    rows: float = 0.35
    facades: float = 0.35
    signs: float = 0.3
    cars: float = 0.2
    radius: Range = (0.002, 0.024)  # 1 to 12 pixels of 512
    lamp: Range = (
        1.0,
        60.0,
    )  # with ambient light at 1/50 up to 2000 times a white wall's; bare lamps clip in any photo
    window: Range = (0.1, 4.0)  # a room is lit 10 to 100 times as much as the street before it
    sign: Range = (0.2, 8.0)
    sodium: Range = (1900.0, 2900.0)  # high-pressure sodium 2000 K, incandescent and warm LED to 2900 K
    led: Range = (3000.0, 8000.0)  # warm white to the blue of cheap LEDs; mercury 4000 to 6000 K
    pool: Range = (0.03, 1.0)
    reach: Range = (0.02, 0.25)

    def __post_init__(self) -> None:
        check_range("scattered", self.scattered, 0, 100)
        for name in ("rows", "facades", "signs", "cars"):
            share = getattr(self, name)
            require(0 <= share <= 1, f"{name}: must be from 0 to 1, got {share:g}")
        for name in ("radius", "reach"):
            check_range(name, getattr(self, name), 1e-4, 1.0)
        for name in ("lamp", "window", "sign", "pool"):
            check_range(name, getattr(self, name), 1e-3, 1e4)
        check_kelvin("sodium", self.sodium)
        check_kelvin("led", self.led)


@dataclass(frozen=True, kw_only=True)
class Emitter:
    """One thing that shines.

    Attributes:
        kind: a key of `PAINTERS`.
        place: (y, x) of its centre.
        size: (height, width).
        colour: linear sRGB, its brightest channel 1.
        level: its brightest light.
        pool: light on a white wall right behind it; 0 where it lights nothing.
        reach: distance of that wall.
    """

    kind: str
    place: tuple[float, float]
    size: tuple[float, float]
    colour: Colour
    level: float
    pool: float = 0.0
    reach: float = 0.1


class LampLayers(NamedTuple):
    """Emitters on the picture, without what lies behind.

    Attributes:
        light: (3, H, W) linear light; far above 1.
        shown: (3, H, W) the same as a good reference shows it, linear, at most 0.97.
        cover: (1, H, W) in [0, 1], the share of each pixel that emitters fill.
    """

    light: Tensor
    shown: Tensor
    cover: Tensor


def draw_emitters(generator: torch.Generator, config: LampConfig) -> list[Emitter]:
    """The emitters of one night, those in front last."""
    emitters: list[Emitter] = []
    if chance(generator, config.facades):
        emitters += _facade(generator, config)
    if chance(generator, config.rows):
        emitters += _row(generator, config)
    for _ in range(integer(generator, config.scattered)):
        emitters.append(_lamp(generator, config, (uniform(generator, (0.02, 0.75)), uniform(generator, (0, 1)))))
    if chance(generator, config.signs):
        emitters += [_sign(generator, config) for _ in range(integer(generator, (1, 3)))]
    if chance(generator, config.cars):
        emitters += _car(generator, config)
    return emitters


def paint_emitters(emitters: list[Emitter], generator: torch.Generator, like: Tensor) -> LampLayers:
    """Paint them one over the other, for a picture of the size of `like`, on its device; the CPU does the painting."""
    height, width = like.shape[-2:]
    light, shown, cover = (torch.zeros(channels, height, width) for channels in (3, 3, 1))
    for emitter in emitters:
        display = uniform(generator, _DISPLAYED)
        part = _paint(emitter, generator, (height, width))
        if part is None:
            continue
        (rows, columns), shining, shape = part
        seen = (slice(None), rows, columns)
        for layer, new in ((light, shining), (shown, display * _flatter(shining, emitter.level)), (cover, shape)):
            layer[seen] = layer[seen] * (1 - shape) + new
    return LampLayers(*(layer.to(like) for layer in (light, shown, cover)))


def _paint(
    emitter: Emitter, generator: torch.Generator, size: tuple[int, int]
) -> tuple[tuple[slice, slice], Tensor, Tensor] | None:
    """Where it lies, its light, its shape; None outside the picture.

    It is painted finer and brought down by area, so that borders are smooth and lamps of less than a pixel are dim.
    """
    side = max(size)
    halves = [max(0.5 * extent * side, 0.35) for extent in emitter.size]
    centres = [place * length for place, length in zip(emitter.place, size, strict=True)]
    fine = 4 if max(halves) < 16 else 2
    slices, coordinates = [], []
    for centre, half, length in zip(centres, halves, size, strict=True):
        begin, end = max(0, math.floor(centre - half)), min(length, math.ceil(centre + half))
        if begin >= end:
            return None
        slices.append(slice(begin, end))
        coordinates.append((begin + (torch.arange((end - begin) * fine) + 0.5) / fine - centre) / half)
    colour = torch.tensor(emitter.colour).view(3, 1, 1)
    texture, shape = PAINTERS[emitter.kind](generator, coordinates[0][:, None], coordinates[1][None], colour)
    parts = torch.cat([emitter.level * texture.clamp(0, 1) * shape, shape])
    small = F.avg_pool2d(parts[None], fine)[0]
    return (slices[0], slices[1]), small[:3], small[3:]


def _flatter(light: Tensor, level: float) -> Tensor:
    """A lamp at its own exposure, its range compressed by the logarithm: (3, h, w) in [0, 1], 1 where light is `level`.

    Half of it keeps the hue exactly, half is compressed channel by channel, which makes strong light paler, as film.
    """
    brightest = light.amax(dim=0, keepdim=True)
    both = (_FLATTER * torch.cat([light, brightest])).log1p() / math.log1p(_FLATTER * level)
    return 0.5 * (both[:3] + light * (both[3:] / brightest.clamp(min=1e-6)))


def pools(emitters: list[Emitter], size: tuple[int, int], like: Tensor) -> Tensor:
    """The light that the emitters throw on white walls behind them, (3, *size), linear.

    A wall at distance d behind a lamp gets at r from its foot point (1 + (r/d)^2)^(-3/2) of the light there: the
    inverse square and the cosine.
    """
    height, width = size
    lit = [emitter for emitter in emitters if emitter.pool > 0]
    if not lit:
        return like.new_zeros(3, height, width)
    y, x, pool, reach = torch.tensor([(*e.place, e.pool, e.reach) for e in lit]).to(like).T[..., None, None]
    colours = torch.tensor([e.colour for e in lit]).to(like)
    longer = max(height, width)
    down = (torch.arange(height).to(like)[:, None] + 0.5) / longer - y * (height / longer)
    across = (torch.arange(width).to(like) + 0.5) / longer - x * (width / longer)
    falls = pool * (1 + (down**2 + across**2) / reach**2) ** -1.5
    return torch.einsum("nhw,nc->chw", falls, colours)


def _draw_colour(generator: torch.Generator, config: LampConfig) -> Colour:
    return glowing(uniform(generator, config.sodium if chance(generator, 0.55) else config.led))


def _thrown(generator: torch.Generator, config: LampConfig) -> tuple[float, float]:
    return log_uniform(generator, config.pool), log_uniform(generator, config.reach)


def _lamp(generator: torch.Generator, config: LampConfig, place: tuple[float, float]) -> Emitter:
    kind = ("bulb", "bulb", "bulb", "shade", "tube")[integer(generator, (0, 4))]
    size = 2 * log_uniform(generator, config.radius)
    stretched = {"tube": uniform(generator, (0.08, 0.25)), "shade": uniform(generator, (0.6, 1.5))}.get(kind, 1.0)
    long = size * (2 if kind == "tube" else 1)
    pool, reach = _thrown(generator, config)
    return Emitter(
        kind=kind, place=place, size=(stretched * long, long), colour=_draw_colour(generator, config),
        level=log_uniform(generator, config.lamp), pool=pool, reach=reach,
    )  # fmt: skip


def _row(generator: torch.Generator, config: LampConfig) -> Iterator[Emitter]:
    """Equal lamps at equal distances along a street, seen in perspective; perhaps on both sides of it."""
    vanishing = uniform(generator, (0.3, 0.6)), uniform(generator, (0.1, 0.9))
    nearest = uniform(generator, (-0.1, 0.25)), uniform(generator, (-0.1, 1.1))
    lamp = _lamp(generator, config, nearest)
    step, sides = uniform(generator, (0.2, 0.8)), (1, -1) if chance(generator, 0.4) else (1,)
    for index in reversed(range(integer(generator, (4, 12)))):
        away = 1 + step * index
        for side in sides:
            place = (
                vanishing[0] + (nearest[0] - vanishing[0]) / away,
                vanishing[1] + side * (nearest[1] - vanishing[1]) / away,
            )
            yield Emitter(
                kind=lamp.kind, place=place, size=(lamp.size[0] / away, lamp.size[1] / away), colour=lamp.colour,
                level=lamp.level, pool=lamp.pool, reach=max(lamp.reach / away, 0.005),
            )  # fmt: skip


def _facade(generator: torch.Generator, config: LampConfig) -> Iterator[Emitter]:
    """Windows of a house in floors and columns, some of them lit, each room in its own light."""
    top, left = uniform(generator, (0.0, 0.6)), uniform(generator, (-0.1, 0.8))
    height = log_uniform(generator, (0.015, 0.12))
    width, level = height * uniform(generator, (0.5, 1.4)), log_uniform(generator, config.window)
    apart = uniform(generator, (1.3, 2.2)), uniform(generator, (1.3, 2.4))
    floors, columns = (min(8, max(1, round(uniform(generator, (0.15, 0.6)) / (side * gap))))
                       for side, gap in zip((height, width), apart, strict=True))  # fmt: skip
    lit = uniform(generator, (0.15, 0.7))
    for floor in range(floors):
        for column in range(columns):
            if not chance(generator, lit):
                continue
            place = top + floor * height * apart[0], left + column * width * apart[1]
            yield Emitter(
                kind="window", place=place, size=(height, width), colour=_draw_colour(generator, config),
                level=level * log_uniform(generator, (0.3, 1.0)), pool=0.1 * level * height, reach=height,
            )  # fmt: skip


def _sign(generator: torch.Generator, config: LampConfig) -> Emitter:
    height = log_uniform(generator, (0.02, 0.1))
    width = height * log_uniform(generator, (1.0, 6.0))
    pool, reach = _thrown(generator, config)
    return Emitter(
        kind="sign", place=(uniform(generator, (0.1, 0.75)), uniform(generator, (0, 1))), size=(height, width),
        colour=draw_neon(generator), level=log_uniform(generator, config.sign), pool=0.5 * pool, reach=reach,
    )  # fmt: skip


def _car(generator: torch.Generator, config: LampConfig) -> Iterator[Emitter]:
    """The two headlights or the two tail lights of some cars on the lower half."""
    for _ in range(integer(generator, (1, 4))):
        size = log_uniform(generator, (0.004, 0.02))
        y, x = uniform(generator, (0.5, 0.85)), uniform(generator, (0, 1))
        back = chance(generator, 0.5)
        colour = (1.0, 0.06, 0.03) if back else glowing(uniform(generator, config.led))
        level = log_uniform(generator, config.lamp) * (0.2 if back else 1.0)
        for side in (-1, 1):
            yield Emitter(
                kind="bulb", place=(y, x + 3 * side * size), size=(size, size), colour=colour, level=level,
                pool=0.0 if back else log_uniform(generator, config.pool), reach=4 * size,
            )  # fmt: skip
