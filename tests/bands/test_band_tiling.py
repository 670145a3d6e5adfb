"""Bands and strips cover a map once, and pieces are as large as they may be."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from restorect.bands.tiling import Tiling, bands, empty_map, strips

sides = st.integers(1, 7000)


@given(sides, st.integers(1, 900))
def test_bands_and_strips_cover_each_row_and_column_once(side: int, step: int) -> None:
    assert [row for first, last in bands(side, step) for row in range(first, last)] == list(range(side))
    cut = strips(side, step)
    assert [column for strip in cut for column in range(strip.first, strip.last)] == list(range(side))
    for strip in cut:
        columns = list(range(strip.begin, strip.end))
        assert columns[strip.own] == list(range(strip.first, strip.last))
        assert strip.begin == max(0, strip.first - 1)
        assert strip.end == min(side, strip.last + 1)


@given(sides, sides, st.integers(1, 600))
def test_a_piece_is_within_its_bytes_or_the_least(height: int, width: int, channels: int) -> None:
    tiling = Tiling()
    rows, columns = tiling.tile(height, width, channels)
    assert 1 <= rows <= height
    widest = max(strip.end - strip.begin for strip in strips(width, columns))
    if columns > tiling.columns and rows > tiling.rows:
        assert (rows + 2) * min(widest, columns + 2) * channels * 4 <= tiling.bytes
    assert tiling.step(width, channels) >= 1
    assert tiling.step(width, channels) == 1 or tiling.step(width, channels) * width * channels * 4 <= tiling.bytes


def test_numbers_of_half_the_size_make_pieces_of_twice() -> None:
    assert Tiling(dtype=torch.bfloat16).step(1000, 48) == 2 * Tiling().step(1000, 48)


def test_a_map_is_float32() -> None:
    made = empty_map(3, 5, 7, torch.device("cpu"))
    assert (made.shape, made.dtype) == ((3, 5, 7), torch.float32)
