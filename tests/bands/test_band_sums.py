"""Sums over bands against those over everything."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from lively import noise

from restorect.bands.sums import Sums


@given(st.lists(st.integers(1, 400), min_size=1, max_size=12), st.floats(-3, 3), st.floats(0.1, 20))
def test_bands_of_any_size_add_up(sizes: list[int], mean: float, deviation: float) -> None:
    x = mean + deviation * noise(sum(sizes), 2)
    sums = Sums()
    for band in x.split(sizes):
        sums.add(band)
    whole = x.double().numpy()
    assert sums.count == x.numel()
    assert sums.mean == pytest.approx(whole.mean(), abs=3e-6)
    assert sums.scale(1e-5) == pytest.approx(1 / np.sqrt(whole.var() + 1e-5), rel=1e-5)


def test_a_map_of_one_value_has_no_variance() -> None:
    sums = Sums()
    sums.add(torch.full((3, 5), 0.3))
    assert sums.scale(1e-5) == pytest.approx(1e-5**-0.5, rel=1e-5)
