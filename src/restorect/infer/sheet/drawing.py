"""Draw rows of pictures with captions onto one sheet.

Shapes: pictures and sheet (H, W, 3) uint8.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from restorect.configs import require
from restorect.infer.sheet.cells import Cell

COLUMNS, GAP = 4, 16
WIDTHS = (800, 8000)
_PAPER, _INK = (72, 72, 72), (255, 255, 255)  # a grey that makes neither dark nor bright pictures look better


def side_of(width: int) -> int:
    """The longest side of a picture on a sheet of that width, in pixels.

    Raises:
        ConfigError: the sheet is too narrow for its captions, or too wide.
    """
    least, most = WIDTHS
    require(least <= width <= most, f"width is {width}; it must be from {least} to {most}")
    return (width - (COLUMNS + 1) * GAP) // COLUMNS


def font_of(side: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own font, of a size at which a caption fits below a picture."""
    return ImageFont.load_default(size=max(11, side // 24))


def places(rows: Sequence[Sequence[Cell]], side: int) -> tuple[list[list[tuple[int, int]]], int]:
    """Left and top of each picture, and the height of the sheet; its title stands above, captions below pictures."""
    line = _line(side)
    top, found = line + GAP, []
    for row in rows:
        found.append([(GAP + column * (side + GAP), top) for column in range(len(row))])
        top += max(cell.pixels.shape[0] for cell in row) + line + GAP
    return found, top


def drawn(title: str, rows: Sequence[Sequence[Cell]], width: int) -> NDArray[np.uint8]:
    """The sheet.

    Args:
        title: one line.
        rows: of at most `COLUMNS` pictures, none longer than `side_of(width)`.
        width: of the sheet.
    """
    side = side_of(width)
    where, height = places(rows, side)
    sheet = Image.new("RGB", (width, height), _PAPER)
    draw, font, line = ImageDraw.Draw(sheet), font_of(side), _line(side)
    draw.text((GAP, GAP), title, fill=_INK, font=font)
    for row, corners in zip(rows, where, strict=True):
        for cell, (left, top) in zip(row, corners, strict=True):
            sheet.paste(Image.fromarray(cell.pixels), (left, top))
            draw.text((left, top + cell.pixels.shape[0] + line // 5), cell.caption, fill=_INK, font=font)
    return np.asarray(sheet)


def _line(side: int) -> int:
    """Height of a line of text."""
    return 3 * max(11, side // 24) // 2
