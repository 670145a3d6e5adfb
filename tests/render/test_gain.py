"""Gains that are carried from a small photograph to a large one."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from restorect.colour import linear_to_srgb, srgb_to_linear
from restorect.render import rows as rows_module
from restorect.render.gain import GainMap
from restorect.render.rows import Rows
from restorect.render.small import CELL, small_sides

SIDES = (97, 131)


def photo(height: int, width: int, most: float = 1.0) -> Tensor:
    """Soft patches with grain on them, black included."""
    generator = torch.Generator().manual_seed(0)
    patches = F.interpolate(torch.rand(1, 3, 5, 7, generator=generator), size=(height, width), mode="bilinear")
    grain = 0.05 * torch.randn(1, 3, height, width, generator=generator)
    return (patches * 1.2 - 0.2 + grain).clamp(0, 1) * most


def lit(image: Tensor, gains: tuple[float, ...]) -> Tensor:
    return linear_to_srgb((srgb_to_linear(image) * torch.tensor(gains).view(1, -1, 1, 1)).clamp(0, 1))


def carried(small: Tensor, restored: Tensor, large: Tensor) -> Tensor:
    return GainMap(small, restored).carried(Rows.of(large)).whole()


@pytest.mark.parametrize("gains", [(1, 1, 1), (4, 4, 4), (0.25, 0.25, 0.25), (6, 2, 0.5)])
def test_a_pure_gain_of_each_channel_is_exact(gains: tuple[float, ...]) -> None:
    small, large = photo(24, 32, 0.35), photo(*SIDES, 0.35)
    torch.testing.assert_close(carried(small, lit(small, gains), large), lit(large, gains), atol=3e-5, rtol=0)


def test_what_was_not_changed_stays_in_16_bit() -> None:
    small, large = photo(24, 32), (photo(*SIDES) * 65535).round() / 65535
    assert torch.equal((carried(small, small, large) * 65535).round(), (large * 65535).round())


@pytest.mark.parametrize(("before", "after"), [(0.0, 0.0), (0.0, 0.3), (0.1, 0.6), (0.5, 0.0), (1.0, 0.2), (1.0, 1.0)])
def test_photos_of_one_colour(before: float, after: float) -> None:
    small, large = torch.full((1, 3, 16, 20), before), torch.full((1, 3, *SIDES), before)
    found = carried(small, torch.full_like(small, after), large)
    torch.testing.assert_close(found, torch.full_like(large, after), atol=2e-4, rtol=0)


def test_an_edge_stays_where_it_is() -> None:
    """Dark is lifted fourfold, light stays; far finer than a cell of the small photograph."""

    def restored(image: Tensor) -> Tensor:
        return torch.where(image < 0.5, lit(image, (4, 4, 4)), image)

    large = torch.full((1, 3, 160, 320), 0.15)
    large[..., 163:] = 0.9
    small = F.adaptive_avg_pool2d(large, (40, 80))
    small[..., 40] = 0.9  # no mixture: the fit is of two tones
    found = carried(small, restored(small), large)
    torch.testing.assert_close(found, restored(large), atol=0.02, rtol=0)


@pytest.mark.parametrize("pixels", [1, 500, 3000])
def test_bands_of_any_height_are_the_same(pixels: int, monkeypatch: pytest.MonkeyPatch) -> None:
    small, large = photo(24, 32), photo(*SIDES)
    image = GainMap(small, small.sqrt()).carried(Rows.of(large))
    monkeypatch.setattr(rows_module, "_PIXELS", pixels)
    banded = torch.cat([image.read(a, b) for a, b in image.bands()], dim=2)
    torch.testing.assert_close(banded, image.whole(), atol=1e-6, rtol=0)


def test_gains_stay_in_the_range_of_those_that_were_seen() -> None:
    """A spark that the small photograph does not show has no gain of its own making."""
    small = photo(24, 32, 0.3)
    large = photo(*SIDES, 0.3)
    large[..., 40, 60] = 0.95
    assert carried(small, lit(small, (2, 2, 2)), large)[..., 40, 60].max() <= 1
    assert carried(small, lit(small, (0.5, 0.5, 0.5)), large)[..., 40, 60].min() > 0.6


def test_sides_of_the_small_photograph() -> None:
    assert small_sides(1024, 1024) == (1024, 1024)
    assert small_sides(3, 5) == (3, 5)
    for height, width in [(1025, 1024), (3000, 4000), (4001, 5999), (1, 2_000_000), (9_000_000, 2), (10_000, 10_000)]:
        down, across = small_sides(height, width)
        assert down % CELL == across % CELL == 0
        assert 0.9 * 2**20 < down * across <= 1.05 * 2**20
