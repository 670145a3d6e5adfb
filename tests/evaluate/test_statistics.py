"""The bootstrap: closed forms, seeds, and coverage."""

import math

import numpy as np
import pytest

from restorect.errors import ConfigError
from restorect.evaluate.bootstrap import estimate


def test_mean_and_spread() -> None:
    found = estimate([1.0, 2.0, 3.0, 6.0])
    assert (found.mean, found.count) == (3.0, 4)
    assert found.std == pytest.approx(math.sqrt(3.5))
    assert found.low < 3 < found.high


def test_one_image_and_equal_images_have_no_width() -> None:
    for values in ([20.5], [20.5] * 9):
        found = estimate(values)
        assert (found.low, found.high, found.std) == (20.5, 20.5, 0.0)


def test_the_seed_decides() -> None:
    values = list(np.random.default_rng(0).normal(20, 4, 30))
    assert estimate(values, seed=3) == estimate(values, seed=3)
    assert estimate(values, seed=3) != estimate(values, seed=4)


def test_the_interval_is_that_of_the_normal_law_for_many_images() -> None:
    values = np.random.default_rng(1).normal(20, 4, 400)
    found = estimate(list(values), resamples=8000)
    width = 2 * 1.96 * values.std() / math.sqrt(values.size)
    assert found.high - found.low == pytest.approx(width, rel=0.06)


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(2)
    trials = [estimate(list(rng.normal(0, 1, 40)), resamples=400) for _ in range(300)]
    assert 0.90 <= np.mean([t.low <= 0 <= t.high for t in trials]) <= 0.98


def test_a_lower_level_is_narrower() -> None:
    values = list(np.random.default_rng(3).normal(20, 4, 30))
    half, nearly_all = estimate(values, level=0.5), estimate(values, level=0.99)
    assert nearly_all.low < half.low < half.high < nearly_all.high


@pytest.mark.parametrize(
    ("values", "level"), [([], 0.95), ([1.0, math.nan], 0.95), ([math.inf], 0.95), ([1.0], 1.0), ([1.0], 0.0)]
)
def test_bad_values(values: list[float], level: float) -> None:
    with pytest.raises(ConfigError):
        estimate(values, level=level)
