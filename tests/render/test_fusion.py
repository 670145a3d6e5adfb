import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from restorect.errors import ConfigError
from restorect.render import fusion
from restorect.render.fusion import FusionConfig, fuse


def noise(seed: int, *shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def grey(plane: Tensor) -> Tensor:
    return plane.expand(1, 3, *plane.shape).clone()


def stripes(height: int, width: int, period: int = 6) -> Tensor:
    return torch.sin(torch.arange(width) * (2 * torch.pi / period)).expand(height, width).clone()


def slope(output: Tensor, photo: Tensor) -> float:
    a, b = photo - photo.mean(), output - output.mean()
    return float((a * b).sum() / (a * a).sum())


def night() -> tuple[Tensor, Tensor, tuple[slice, slice], tuple[slice, slice]]:
    """A lit wall in a dark street, both striped; the restoration, burnt and opened; where wall and street lie."""
    photo = 0.12 + 0.02 * stripes(180, 240)
    restored = 0.42 + 0.05 * stripes(180, 240)
    photo[60:120, 140:200] = 0.75 + 0.1 * stripes(60, 60)
    restored[60:120, 140:200] = 0.95 + 0.02 * stripes(60, 60)
    return grey(photo), grey(restored), (slice(70, 110), slice(150, 190)), (slice(20, 160), slice(10, 100))


@settings(deadline=None, max_examples=30)
@given(height=st.integers(1, 40), width=st.integers(1, 40), seed=st.integers(0, 99))
def test_a_photo_that_was_not_changed_comes_back_to_the_bit(height: int, width: int, seed: int) -> None:
    photo = noise(seed, 2, 3, height, width)
    assert torch.equal(fuse(photo, photo), photo)


@settings(deadline=None, max_examples=30)
@given(height=st.integers(1, 40), width=st.integers(1, 40), seed=st.integers(0, 99))
def test_any_size_gives_finite_values_from_black_to_white(height: int, width: int, seed: int) -> None:
    result = fuse(noise(seed, 1, 3, height, width) ** 4, noise(seed + 1, 1, 3, height, width))
    assert result.shape == (1, 3, height, width)
    assert bool(((result >= 0) & (result <= 1)).all())


@pytest.mark.parametrize("size", [(1, 1), (1, 100_000), (200, 260)])
def test_a_photo_of_one_colour_becomes_its_restoration_unless_black_or_white(size: tuple[int, int]) -> None:
    colour, restored = torch.tensor([0.2, 0.1, 0.3]), torch.tensor([0.5, 0.4, 0.6])
    photo, other = (each.view(1, 3, 1, 1).repeat(1, 1, *size) for each in (colour, restored))
    torch.testing.assert_close(fuse(photo, other), other, atol=1e-3, rtol=0)
    black, white = torch.zeros(1, 3, *size), torch.ones(1, 3, *size)
    assert torch.equal(fuse(black, black + 0.2), black)
    assert torch.equal(fuse(white, white - 0.2), white)


def test_lights_keep_their_structure() -> None:
    photo, restored, wall, _ = night()
    assert slope(restored[0, 0][wall], photo[0, 0][wall]) < 0.25
    assert slope(fuse(photo, restored)[0, 0][wall], photo[0, 0][wall]) > 0.7


def test_shadows_get_the_restoration_and_its_structure() -> None:
    photo, restored, _, street = night()
    result = fuse(photo, restored)[0, 0][street]
    assert float(result.mean()) == pytest.approx(float(restored[0, 0][street].mean()), abs=0.02)
    as_restored = slope(restored[0, 0][street], photo[0, 0][street])
    assert slope(result, photo[0, 0][street]) > 1.1 * as_restored
    plain = fuse(photo, restored, FusionConfig(opened=0))[0, 0][street]
    assert slope(plain, photo[0, 0][street]) == pytest.approx(as_restored, rel=0.02)


def test_black_stays_black_and_quiet() -> None:
    photo, restored, _, _ = night()
    sky = (slice(None), slice(None), slice(0, 50))
    photo[sky] = 0.004 * noise(1, 3, 50, 240)
    restored[sky] = 0.1 + 0.05 * noise(2, 3, 50, 240)
    result = fuse(photo, restored)[:, :, :40]
    assert float(result.mean()) < 0.008
    assert float(result.std()) < 0.005


def test_blackness_is_a_matter_of_the_photos_own_white() -> None:
    photo, restored = 0.01 * noise(3, 1, 3, 100, 100), 0.5 * torch.ones(1, 3, 100, 100)
    underexposed = fuse(photo, restored)
    photo[:, :, 80:, 80:] = 0.95
    assert float(underexposed.mean()) > 0.3 > 0.1 > float(fuse(photo, restored)[:, :, :60, :60].mean())


@pytest.mark.parametrize("dark", [0.03, 0.12, 0.3])
def test_no_halo_and_no_turned_order_along_a_strong_edge(dark: float) -> None:
    photo, restored = torch.full((200, 300), dark), torch.full((200, 300), 0.35 + dark)
    photo[:, 150:], restored[:, 150:] = 0.7, 0.9
    row = fuse(grey(photo), grey(restored))[0, 0, 100]
    left, right = row[:150], row[150:]
    assert float(left.max()) < float(right.min())
    assert float(left.max() - left.min()) < 0.1
    assert float(right.max() - right.min()) < 0.1


def test_a_smooth_ramp_keeps_its_order_and_more_than_eight_bits() -> None:
    ramp = torch.linspace(0.02, 0.6, 4000).expand(1, 3, 60, 4000)
    row = fuse(ramp, ramp**0.5)[0, 1, 30]
    assert bool((row.diff() > 0).all())
    assert float(row.diff().max()) < 0.004


def test_small_changes_stay_small() -> None:
    photo, restored, _, _ = night()
    result = fuse(photo, restored)
    other = fuse((photo + 1e-5 * noise(1, *photo.shape)), (restored - 1e-5 * noise(2, *photo.shape)))
    assert float((result - other).abs().max()) < 2e-4
    exact = fuse(photo.double(), restored.double())
    torch.testing.assert_close(result.double(), exact, atol=1e-5, rtol=0)


@pytest.mark.parametrize("pixels", [300, 700, 10**9])
def test_bands_of_any_size_give_the_same(monkeypatch: pytest.MonkeyPatch, pixels: int) -> None:
    photo, restored = noise(1, 1, 3, 331, 257) ** 3, noise(2, 1, 3, 331, 257)
    expected = fuse(photo, restored)
    monkeypatch.setattr(fusion, "_BAND_PIXELS", pixels)
    torch.testing.assert_close(fuse(photo, restored), expected, atol=1e-6, rtol=0)


def test_photos_of_a_batch_do_not_see_each_other() -> None:
    photo, restored = noise(1, 3, 3, 90, 70) ** 3, noise(2, 3, 3, 90, 70)
    alone = [fuse(a[None], b[None]) for a, b in zip(photo, restored, strict=True)]
    torch.testing.assert_close(fuse(photo, restored), torch.cat(alone), atol=1e-6, rtol=0)


@pytest.mark.parametrize("values", [{"cells": 8}, {"floor": -0.1}, {"opened": 3.0}, {"spread": 0.0}, {"scales": 0}])
def test_settings_out_of_range_are_named(values: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(values))):
        FusionConfig(**values)  # type: ignore[arg-type]


def test_a_moon_stands_in_no_dark_ring() -> None:
    photo, restored = torch.full((160, 200), 0.15), torch.full((160, 200), 0.6)
    away = (torch.arange(160)[:, None] - 80).square() + (torch.arange(200) - 100).square()
    photo[away < 64], restored[away < 64] = 0.9, 0.95
    result = fuse(grey(photo), grey(restored))[0, 0]
    around, far = result[(away > 100) & (away < 225)], result[away > 2500]
    assert float(around.mean()) > float(far.mean()) - 0.06
    assert float(result[away < 36].min()) > 0.9
