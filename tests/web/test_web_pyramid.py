"""Tiles: all pixels once, in halving sizes; of a reduced picture the larger sizes too; blended in linear light."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from restorect.web.pyramid import TILE, blended, pyramid, read_tile, reduced, top_level


def smooth(height: int, width: int) -> np.ndarray:
    across, down = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    return np.stack([across, down, (across + down) / 2], axis=2).astype(np.float32)


def tile(path: Path, level: int, column: int, row: int) -> np.ndarray:
    content = np.frombuffer(read_tile(path, level, column, row), np.uint8)
    return cv2.imdecode(content, cv2.IMREAD_COLOR)[..., ::-1].astype(int)


def written(path: Path, picture: np.ndarray) -> Path:
    path.write_bytes(pyramid(picture))
    return path


def test_the_top_level_has_all_pixels(tmp_path: Path) -> None:
    picture = smooth(700, 1100)
    path = written(tmp_path / "whole", picture)
    top = top_level(1100, 700)
    rows = [np.hstack([tile(path, top, column, row) for column in range(3)]) for row in range(2)]
    assert np.abs(np.vstack(rows) - 255 * picture).max() < 8  # JPEG
    assert tile(path, 0, 0, 0).shape == (175, 275, 3)


@pytest.mark.parametrize("sides", [(1, 1), (512, 512), (513, 2), (2, 1025), (700, 1100)])
def test_levels_are_counted_as_they_are_made(tmp_path: Path, sides: tuple[int, int]) -> None:
    path, top = written(tmp_path / "whole", smooth(*sides)), top_level(sides[1], sides[0])
    assert max(tile(path, 0, 0, 0).shape) <= TILE
    assert tile(path, top, 0, 0).shape == (min(TILE, sides[0]), min(TILE, sides[1]), 3)


@pytest.mark.parametrize("sides", [(1400, 2000), (3001, 4003), (500, 9001)])
def test_a_reduced_picture_gives_tiles_of_all_levels(tmp_path: Path, sides: tuple[int, int]) -> None:
    picture = smooth(*sides)
    small = reduced(picture)
    assert small is not None
    assert small.shape[0] * small.shape[1] <= 1_500_000
    whole, part = written(tmp_path / "whole", picture), written(tmp_path / "part", small)
    top = top_level(sides[1], sides[0])
    for level in range(top + 1):
        scale = 2 ** (top - level) * TILE
        for column, row in {(0, 0), ((sides[1] - 1) // scale, (sides[0] - 1) // scale)}:
            expected, found = tile(whole, level, column, row), tile(part, level, column, row)
            height, width = expected.shape[:2]
            assert 0 <= found.shape[0] - height < 16
            assert 0 <= found.shape[1] - width < 16
            assert np.abs(found[:height, :width] - expected).mean() < 2
    with pytest.raises(KeyError):
        read_tile(part, top, sides[1] // TILE + 1, 0)


def test_small_pictures_are_not_reduced() -> None:
    assert reduced(smooth(1000, 1500)) is None


def test_tiles_are_blended_in_linear_light() -> None:
    black, white = (cv2.imencode(".jpg", np.full((8, 8, 3), value, np.uint8))[1].tobytes() for value in (0, 255))
    grey = cv2.imdecode(np.frombuffer(blended(black, white, 0.5), np.uint8), cv2.IMREAD_COLOR)
    assert np.abs(grey.astype(int) - 188).max() <= 1  # sRGB's code of half the light
