"""How large the photograph is that networks see in fast mode; knows no torch."""

CELL = 4
"""Pixels along a side of a cell of the lattice that gains are fitted on."""
_PIXELS = 2**20


def small_sides(height: int, width: int) -> tuple[int, int]:
    """Height and width, multiples of `CELL`, about a megapixel; of photographs up to a megapixel their own."""
    if height * width <= _PIXELS:
        return height, width
    scale, most = (_PIXELS / (height * width)) ** 0.5 / CELL, _PIXELS // CELL**2
    down, across = (min(most, max(1, round(side * scale))) for side in (height, width))
    return CELL * down, CELL * across
