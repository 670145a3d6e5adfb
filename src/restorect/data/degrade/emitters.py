"""What shines by itself at night, seen close: bulbs, shaded lamps, tubes, windows, signs.

Each kind is painted on the emitter's own coordinates: v (h, 1) from -1 at its top to 1 at its bottom, u (1, w) from
left to right. What comes back is the light (3, h, w), 1 at the brightest, and the shape (1, h, w), 1 inside.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from restorect.data.degrade.draws import chance, integer, uniform

Painting = tuple[Tensor, Tensor]


def paint_bulb(generator: torch.Generator, v: Tensor, u: Tensor, colour: Tensor) -> Painting:
    """A globe: brightest at its centre, on a ring, or along a filament."""
    square = u * u + v * v
    rim = uniform(generator, (0.25, 0.6))
    kind = integer(generator, (0, 2))
    if kind == 0:
        bright = torch.exp(-square / uniform(generator, (0.1, 0.5)))
    elif kind == 1:
        bright = torch.exp(-((square.sqrt() - uniform(generator, (0.4, 0.7))) ** 2) / 0.03)
    else:
        tilt = uniform(generator, (-1.0, 1.0))
        bright = torch.exp(-((v - tilt * u) ** 2) / 0.02 - u * u / 0.3)
    light = rim + (1 - rim) * bright
    return light * _whiter(colour, bright), (square <= 1).float()[None]


def paint_shade(generator: torch.Generator, v: Tensor, u: Tensor, colour: Tensor) -> Painting:
    """A lamp shade or a lantern, wider below, with its opening as the brightest part."""
    slope = uniform(generator, (0.1, 0.6))
    inside = u.abs() <= 1 - slope * (1 - v) / 2
    opening = torch.sigmoid((v - 0.75) / 0.08)
    glow = (0.25 + 0.5 * (v + 1) / 2) * (1 - 0.5 * u * u)
    return torch.lerp(glow, torch.ones_like(glow), opening) * _whiter(colour, opening), inside.float()[None]


def paint_tube(generator: torch.Generator, v: Tensor, u: Tensor, colour: Tensor) -> Painting:
    """A fluorescent tube or a strip of LEDs, along its longer side."""
    points = 0.5 + 0.5 * torch.cos(uniform(generator, (2.0, 20.0)) * u) if chance(generator, 0.4) else 1 + 0 * u
    light = (1 - 0.7 * v * v) * (0.4 + 0.6 * points)
    return light * _whiter(colour, light), _box(v, u)


def paint_window(generator: torch.Generator, v: Tensor, u: Tensor, colour: Tensor) -> Painting:
    """Panes between bars, a curtain or blind over a part, the room brighter on one side."""
    across, down = integer(generator, (1, 3)), integer(generator, (1, 3))
    bar, frame = uniform(generator, (0.04, 0.12)), uniform(generator, (0.02, 0.15))
    rows, columns = (v + 1) * down / 2, (u + 1) * across / 2
    pane = ((rows - rows.round()).abs() > bar * down / 2) & ((columns - columns.round()).abs() > bar * across / 2)
    aside, height = uniform(generator, (-1.0, 1.0)), uniform(generator, (-1.0, 1.0))
    room = torch.exp(-((u - aside) ** 2 + (v - height) ** 2) / uniform(generator, (0.5, 3.0)))
    edge, cloth = uniform(generator, (-1.2, 1.0)), uniform(generator, (0.3, 0.8))
    drawn = v < edge if chance(generator, 0.5) else u.abs() > abs(edge)
    room = torch.where(drawn, cloth * room, room) * _things(generator, v, u)
    light = torch.where(pane, room, frame * room)
    return light * _whiter(colour, 0.5 * light), _box(v, u)


def paint_sign(generator: torch.Generator, v: Tensor, u: Tensor, colour: Tensor) -> Painting:
    """A lit board with strokes as of letters: white on colour, colour on dark, or dark on white."""
    strokes = _strokes(generator, v, u)
    kind = integer(generator, (0, 2))
    white, dark = torch.ones_like(colour), 0.02 * colour
    ground, letters = ((0.5 * colour, white), (dark, colour), (0.9 * white, 0.15 * colour))[kind]
    light = torch.where(strokes, letters, ground)
    return light * (1 - 0.3 * v * v), _box(v, u)


Painter = Callable[[torch.Generator, Tensor, Tensor, Tensor], Painting]
PAINTERS: dict[str, Painter] = {
    "bulb": paint_bulb,
    "shade": paint_shade,
    "tube": paint_tube,
    "window": paint_window,
    "sign": paint_sign,
}


def _box(v: Tensor, u: Tensor) -> Tensor:
    return ((v.abs() <= 1) & (u.abs() <= 1)).float()[None]


def _whiter(colour: Tensor, bright: Tensor) -> Tensor:
    """The colour (3, 1, 1), paler where it is bright (h, w): the source itself against what it lights."""
    return torch.lerp(colour, torch.ones_like(colour), (0.5 * bright).expand(1, *bright.shape))


def _things(generator: torch.Generator, v: Tensor, u: Tensor) -> Tensor:
    """Dark furniture and people before a lit room: a factor (h, w)."""
    factor = torch.ones_like(v * u)
    for _ in range(integer(generator, (0, 2))):
        left, width = uniform(generator, (-1.0, 0.8)), uniform(generator, (0.1, 0.6))
        top = uniform(generator, (-0.2, 0.8))
        factor = torch.where((v > top) & (u > left) & (u < left + width), uniform(generator, (0.1, 0.6)), factor)
    return factor


def _strokes(generator: torch.Generator, v: Tensor, u: Tensor) -> Tensor:
    """Bars upright, level and bent in cells like letters: true on them, (h, w)."""
    letters = integer(generator, (2, 8))
    place = (u + 1) * letters / 2
    x = 2 * (place - place.floor()) - 1
    cell = place.floor().long().clamp(0, letters - 1)
    # Of each letter: left and right stem, top, middle and bottom bar, a round.
    parts = (
        torch.rand(6, letters, generator=generator)[:, cell]
        < torch.tensor([0.7, 0.4, 0.5, 0.4, 0.5, 0.2])[:, None, None]
    )
    thick = uniform(generator, (0.12, 0.25))
    y = v / 0.75
    bars = [(x + 0.55).abs() < thick, (x - 0.55).abs() < thick, *((y - at).abs() < thick for at in (-0.8, 0.0, 0.8))]
    inside = (y.abs() < 1) & (x.abs() < 0.75)
    drawn = torch.zeros_like(inside)
    for part, bar in zip(parts, [*bars, ((x * x + y * y).sqrt() - 0.6).abs() < thick], strict=True):
        drawn = drawn | (part & bar)
    return drawn & inside
