"""What is looked at where one asks for the uncertainty."""

import numpy as np
import pytest

from restorect.web.overlay import COLOUR, LEAST, OPAQUE, unsure


def test_grey_where_it_is_as_usual_and_colour_where_samples_lie_apart() -> None:
    picture = np.zeros((10, 20, 3), np.float32)
    picture[..., 1] = 0.5
    spread = np.full((10, 20), 0.1, np.float32)
    spread[:, :3], spread[:, 15:], spread[:, 18:] = 0.05, 0.2, 0.3
    seen, grey = unsure(picture, spread), 0.5 * 0.7152
    for column, share in ((0, 0), (5, 0), (16, OPAQUE / 2), (19, OPAQUE)):
        assert seen[4, column] == pytest.approx(grey * (1 - share) + share * np.array(COLOUR), abs=1e-6)


def test_what_is_hardly_seen_is_hardly_coloured() -> None:
    picture, spread = np.full((8, 8, 3), 0.5, np.float32), np.zeros((8, 8), np.float32)
    spread[0] = LEAST / 10
    assert np.abs(unsure(picture, spread) - 0.5).max() <= 0.051


def test_one_bad_pixel_does_not_hide_the_rest() -> None:
    spread = np.zeros((100, 100), np.float32)
    spread[:20], spread[0, 0] = 0.1, 1
    seen = unsure(np.zeros((100, 100, 3), np.float32), spread)
    assert seen[10, 50] == pytest.approx(OPAQUE * np.array(COLOUR))
    assert seen.max() <= 1
