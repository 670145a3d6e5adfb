"""Plots as inline SVG.

Colours are the eight of Okabe and Ito (2008), told apart with any colour vision.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from restorect.evaluate.report.text import text

WIDTH, HEIGHT = 720, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 150, 14, 44
_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#999999", "#f0e442")


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One axis: its label, its range, and whether it is logarithmic."""

    label: str
    low: float
    high: float
    log: bool = False

    def place(self, value: float) -> float:
        """Where a value lies, 0 at the low end and 1 at the high one."""
        low, high = self.low, self.high
        if self.log:
            low, high, value = math.log10(low), math.log10(high), math.log10(value)
        return (value - low) / (high - low)

    def ticks(self) -> list[float]:
        """Round values within the range: powers of ten, or about five steps of 1, 2 or 5 times one."""
        if self.log:
            first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
            return [10.0**power for power in range(first, last + 1)]
        rough = (self.high - self.low) / 5
        base = 10 ** math.floor(math.log10(rough))
        step = next(base * m for m in (1, 2, 5, 10) if base * m >= rough * 0.999)
        count = math.floor(self.high / step + 1e-9) - math.ceil(self.low / step - 1e-9) + 1
        return [(math.ceil(self.low / step - 1e-9) + number) * step for number in range(count)]


@dataclass(frozen=True, kw_only=True)
class Point:
    """A point of a plot: where it lies, what its tooltip says, and the ends of its error bar."""

    x: float
    y: float
    title: str = ""
    low: float | None = None
    high: float | None = None


def spanning(label: str, values: Sequence[float], *, log: bool = False) -> Axis:
    """An axis that shows all values with a little room."""
    low, high = min(values), max(values)
    if log:
        return Axis(
            label=label, low=10 ** math.floor(math.log10(low)), high=10 ** math.ceil(math.log10(high * 1.01)), log=True
        )
    room = (high - low) * 0.05 or 1.0
    return Axis(label=label, low=low - room, high=high + room)


def plot(
    series: Mapping[str, Sequence[Point]], x: Axis, y: Axis, *, lines: bool = False, joined: Collection[str] = ()
) -> str:
    """Several named series of points, the first one on top; `lines` joins those of each, `joined` of those named.

    A series without points is not shown but keeps its colour from the others: a method has one in all plots of a page.
    """
    parts = [_axes(x, y)]
    named = [(name, points, _COLOURS[i % len(_COLOURS)]) for i, (name, points) in enumerate(series.items())]
    coloured = [(name, points, colour) for name, points, colour in named if points]
    for name, points, colour in reversed(coloured):
        parts.append(_series(points, x, y, colour, lines or name in joined))
    for row, (name, _, colour) in enumerate(coloured):
        top = _TOP + 8 + 18 * row
        parts.append(f'<circle cx="{WIDTH - _RIGHT + 14}" cy="{top}" r="4" fill="{colour}"/>')
        parts.append(f'<text x="{WIDTH - _RIGHT + 24}" y="{top + 4}">{text(name)}</text>')
    label = text(f"{y.label} against {x.label}")
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">{"".join(parts)}</svg>'


def standalone(svg: str) -> str:
    """The plot as a file of its own, with a background that suits black text."""
    style = (
        "text{font:11px sans-serif;fill:#222}.axis{stroke:#222}.grid{stroke:#ccc;stroke-width:.5}svg{background:#fff}"
    )
    opening, _, rest = svg.partition(">")
    return f'{opening} xmlns="http://www.w3.org/2000/svg"><style>{style}</style>{rest}\n'


def stacked(plots: Sequence[str]) -> str:
    """Several plots as one file, the first one on top."""
    contents = [svg.partition(">")[2].removesuffix("</svg>") for svg in plots]
    moved = [f'<g transform="translate(0 {HEIGHT * row})">{content}</g>' for row, content in enumerate(contents)]
    return standalone(f'<svg viewBox="0 0 {WIDTH} {HEIGHT * len(plots)}">{"".join(moved)}</svg>')


def _series(points: Sequence[Point], x: Axis, y: Axis, colour: str, lines: bool) -> str:
    parts = []
    if lines:
        path = " ".join(f"{_x(x, p.x):.1f},{_y(y, p.y):.1f}" for p in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
    for p in points:
        left, top = _x(x, p.x), _y(y, p.y)
        if p.low is not None and p.high is not None:
            ends = f'y1="{_y(y, p.low):.1f}" y2="{_y(y, p.high):.1f}"'
            parts.append(f'<line x1="{left:.1f}" x2="{left:.1f}" {ends} stroke="{colour}" stroke-width="1.5"/>')
        title = f"<title>{text(p.title)}</title>" if p.title else ""
        radius = 1.5 if lines else 3
        parts.append(f'<circle cx="{left:.1f}" cy="{top:.1f}" r="{radius}" fill="{colour}">{title}</circle>')
    return "".join(parts)


def _axes(x: Axis, y: Axis) -> str:
    bottom, right = HEIGHT - _BOTTOM, WIDTH - _RIGHT
    parts = [f'<path class="axis" d="M{_LEFT} {_TOP}V{bottom}H{right}" fill="none"/>']
    for tick in x.ticks():
        left = _x(x, tick)
        parts.append(f'<line class="grid" x1="{left:.1f}" x2="{left:.1f}" y1="{_TOP}" y2="{bottom}"/>')
        parts.append(f'<text x="{left:.1f}" y="{bottom + 16}" text-anchor="middle">{tick:g}</text>')
    for tick in y.ticks():
        top = _y(y, tick)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{top:.1f}" y2="{top:.1f}"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{top + 4:.1f}" text-anchor="end">{tick:.6g}</text>')
    middle = (_LEFT + right) / 2
    parts.append(f'<text x="{middle:.0f}" y="{HEIGHT - 8}" text-anchor="middle">{text(x.label)}</text>')
    turned = f'transform="translate(14 {(_TOP + bottom) / 2:.0f}) rotate(-90)" text-anchor="middle"'
    parts.append(f"<text {turned}>{text(y.label)}</text>")
    return "".join(parts)


def _x(axis: Axis, value: float) -> float:
    return _LEFT + axis.place(value) * (WIDTH - _RIGHT - _LEFT)


def _y(axis: Axis, value: float) -> float:
    return HEIGHT - _BOTTOM - axis.place(value) * (HEIGHT - _BOTTOM - _TOP)
