"""Pictures stand on the sheet as they are, each in its place, each with its caption below."""

import numpy as np
import pytest

from restorect.errors import ConfigError
from restorect.infer.sheet.cells import Cell
from restorect.infer.sheet.drawing import GAP, WIDTHS, drawn, font_of, places, side_of


def _rows(side: int, *counts: int) -> list[list[Cell]]:
    chance = np.random.default_rng(0)

    def cell(number: int) -> Cell:
        shape = ((side, side // 2), (side // 3, side), (1, 1))[number % 3]
        return Cell(f"--strength {number}", chance.integers(0, 256, (*shape, 3), dtype=np.uint8))

    return [[cell(number) for number in range(count)] for count in counts]


@pytest.mark.parametrize("width", [800, 1203, 2000])
def test_pictures_are_there_bit_for_bit_and_apart(width: int) -> None:
    rows = _rows(side_of(width), 4, 2, 3)
    sheet, (corners, height) = drawn("a title", rows, width), places(rows, side_of(width))
    assert sheet.shape == (height, width, 3)
    covered = np.zeros(sheet.shape[:2], int)
    for row, row_corners in zip(rows, corners, strict=True):
        for cell, (left, top) in zip(row, row_corners, strict=True):
            below, right = top + cell.pixels.shape[0], left + cell.pixels.shape[1]
            assert np.array_equal(sheet[top:below, left:right], cell.pixels)
            covered[top:below, left:right] += 1
            caption = sheet[below : below + GAP, left : left + side_of(width)]
            assert (caption == 255).all(axis=2).any(), "something is written below"
            covered[below : below + GAP, left : left + side_of(width)] += 1
    assert covered.max() == 1, "nothing lies on anything"
    assert (sheet[:, -GAP // 2 :] == sheet[0, 0]).all()
    assert (sheet[corners[1][1][1] : corners[1][1][1] + 9, 3 * (side_of(width) + GAP) + GAP :] == sheet[0, 0]).all()


def test_captions_make_the_difference() -> None:
    rows = _rows(side_of(800), 1)
    other = [[Cell("--strength 7", rows[0][0].pixels)]]
    assert not np.array_equal(drawn("a", rows, 800), drawn("a", other, 800))
    assert not np.array_equal(drawn("a", rows, 800), drawn("b", rows, 800))


@pytest.mark.parametrize("width", [WIDTHS[0], 2000, WIDTHS[1]])
def test_the_longest_texts_fit(width: int) -> None:
    side = side_of(width)
    font = font_of(side)
    assert font.getlength("--samples 3: NAME-3") <= side
    title = f"restorect restore PHOTO -o OUT --task underwater --size nano --seed {2**62 - 1} (underwater, 100% sure)"
    assert font.getlength(title) <= width - 2 * GAP


@pytest.mark.parametrize("width", [0, -5, 799, 8001])
def test_other_widths_are_refused(width: int) -> None:
    with pytest.raises(ConfigError, match=f"width is {width}; it must be from 800 to 8000"):
        side_of(width)
