"""Padding by rows against padding of the whole."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from lively import noise

from restorect.bands.padding import padded
from restorect.nets.padding import pad_to_multiple
from restorect.render.rows import Rows


@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([4, 8, 16, 32]), st.data())
def test_any_rows_are_those_of_the_padded_whole(height: int, width: int, multiple: int, data: st.DataObject) -> None:
    image = noise(1, 3, height, width)
    whole, by_rows = pad_to_multiple(image, multiple), padded(Rows.of(image), multiple)
    assert (by_rows.height, by_rows.width) == whole.shape[2:]
    first = data.draw(st.integers(0, by_rows.height - 1))
    last = data.draw(st.integers(first + 1, by_rows.height))
    assert torch.equal(by_rows.read(first, last), whole[:, :, first:last])
