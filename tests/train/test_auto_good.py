"""Made-up good photographs: what stays of the picture, and that their black holds nothing."""

import numpy as np
import pytest

from restorect.train.auto_good import KINDS, bars, frame, night_sky, silhouette, studio


def picture(height: int = 90, width: int = 120) -> np.ndarray:
    return np.random.default_rng(0).uniform(0.3, 0.9, (height, width, 3)).astype(np.float32)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(90, 120), (120, 90), (8, 300), (3, 3)])
def test_they_are_pictures_and_repeat_themselves(kind: str, size: tuple[int, int]) -> None:
    before = picture(*size)
    for seed in range(20):
        made = KINDS[kind](before, np.random.default_rng(seed))
        assert (made.dtype, made.shape[2]) == (np.float32, 3)
        assert np.isfinite(made).all()
        assert 0 <= made.min() <= made.max() <= 1
        assert np.array_equal(made, KINDS[kind](before, np.random.default_rng(seed)))
    assert np.array_equal(before, picture(*size))


def test_bars_and_frames_leave_the_picture_whole() -> None:
    before = picture()
    for seed in range(10):
        made = bars(before, np.random.default_rng(seed))
        rows, columns = (np.flatnonzero(made.max(axis=(axis, 2)) > 0.1) for axis in (1, 0))
        assert np.array_equal(made[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], before)
        assert (made.shape[0] > 90) != (made.shape[1] > 120)
        framed = frame(before, np.random.default_rng(seed))
        top, left = (framed.shape[0] - 90) // 2, (framed.shape[1] - 120) // 2
        assert min(top, left) > 0
        assert np.array_equal(framed[top + 20 : top + 70, left + 20 : left + 100], before[20:70, 20:100])
        assert framed[:top].std(axis=(0, 1)).max() < 1e-3  # one colour


@pytest.mark.parametrize("make", [studio, silhouette, night_sky])
def test_black_that_is_meant_holds_nothing(make: object) -> None:
    for seed in range(10):
        made = make(picture(), np.random.default_rng(seed))  # type: ignore[operator]
        light = made.mean(axis=2)
        dark = np.sort(light, axis=None)[: light.size // 20]
        assert dark.max() < 0.1
        assert made.max() > 0.15
        if make is not night_sky:
            assert dark.std() < 0.02
            assert light.max() > 0.3


def test_what_is_lit_in_a_studio_is_well_lit() -> None:
    levels = [studio(0.3 * picture(), np.random.default_rng(seed)) for seed in range(10)]
    assert all(0.3 < image[image.min(axis=2) > 0.1].mean() < 0.7 for image in levels)
