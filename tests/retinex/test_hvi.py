import colorsys
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from restorect.retinex.hvi import DARKEST, EPSILON, K, hvi_to_rgb, rgb_to_hvi

GREYS = [0.0, 1 / 255, 0.2, 0.5, 254 / 255, 1.0]
channel = st.one_of(st.integers(0, 255).map(lambda v: v / 255), st.floats(0, 1, width=32))


def _colour(*rgb: float) -> torch.Tensor:
    return torch.tensor(rgb, dtype=torch.float32).view(1, 3, 1, 1)


def _hvi(*rgb: float) -> list[float]:
    return rgb_to_hvi(_colour(*rgb)).flatten().tolist()


@pytest.mark.parametrize(
    ("rgb", "degrees"),
    [
        ((1, 0, 0), 0),
        ((1, 1, 0), 60),
        ((0, 1, 0), 120),
        ((0, 1, 1), 180),
        ((0, 0, 1), 240),
        ((1, 0, 1), 300),
    ],
    ids=["red", "yellow", "green", "cyan", "blue", "magenta"],
)
def test_pure_colours_stand_on_the_unit_circle(rgb: tuple[float, float, float], degrees: float) -> None:
    angle = math.radians(degrees)
    assert _hvi(*rgb) == pytest.approx([math.cos(angle), math.sin(angle), 1], abs=1e-6)


@pytest.mark.parametrize("grey", GREYS)
def test_grey_has_no_colour(grey: float) -> None:
    H, V, I = _hvi(grey, grey, grey)  # noqa: E741
    assert (H, V) == (0, 0)
    assert I == pytest.approx(grey, abs=1e-7)


@given(channel, channel, channel)
def test_agrees_with_the_definition(r: float, g: float, b: float) -> None:
    r, g, b = np.float32([r, g, b]).tolist()
    high, low = max(r, g, b), min(r, g, b)
    S = (high - low) / max(high, 1 / 255)
    radius = (math.sin(math.pi * high / 2) + 1e-8) ** (1 / 5)
    angle = 2 * math.pi * colorsys.rgb_to_hsv(r, g, b)[0]
    expected = [radius * S * math.cos(angle), radius * S * math.sin(angle), high]
    assert _hvi(r, g, b) == pytest.approx(expected, abs=2e-5)


def test_there_is_no_seam_at_red() -> None:
    for small in (1e-2, 1e-4, 1e-6):
        above, below = np.array(_hvi(1, small, 0)), np.array(_hvi(1, 0, small))
        assert np.abs(above - below).max() <= 3 * small


@given(channel, channel, channel)
@settings(max_examples=400)
def test_round_trip(r: float, g: float, b: float) -> None:
    rgb = _colour(r, g, b)
    if rgb.max() > 1 / 255:
        assert torch.allclose(hvi_to_rgb(rgb_to_hvi(rgb)), rgb, rtol=0, atol=1e-5)


def test_round_trip_of_all_coarse_colours() -> None:
    steps = torch.linspace(0, 1, 18)
    rgb = torch.cartesian_prod(steps, steps, steps).T.reshape(1, 3, -1, 1)
    assert torch.allclose(hvi_to_rgb(rgb_to_hvi(rgb)), rgb, rtol=0, atol=1e-5)


def test_darker_than_a_code_stays_dark() -> None:
    rgb = torch.rand(1, 3, 40, 40, generator=torch.Generator().manual_seed(0)) / 255
    back = hvi_to_rgb(rgb_to_hvi(rgb))
    assert torch.allclose(back, rgb, rtol=0, atol=1e-5)


def test_values_outside_are_clamped_and_half_becomes_float32() -> None:
    assert _hvi(1.7, -0.4, -2) == _hvi(1, 0, 0)
    assert rgb_to_hvi(_colour(1, 0.5, 0).half()).dtype == torch.float32
    assert hvi_to_rgb(_colour(1, 0.5, 0.5).half()).dtype == torch.float32


def test_the_inverse_stays_within_range() -> None:
    hvi = 6 * torch.rand(1, 3, 50, 50, generator=torch.Generator().manual_seed(0)) - 3
    rgb = hvi_to_rgb(hvi)
    assert torch.isfinite(rgb).all()
    assert 0 <= rgb.min()
    assert rgb.max() <= 1


@pytest.mark.parametrize(
    "rgb",
    [(g, g, g) for g in GREYS] + [(1.0, 0.0, 0.0), (0.5, 0.5, 0.2), (1e-7, 0.0, 0.0), (1 / 255, 0.0, 0.0)],
)
def test_gradients_are_finite_both_ways(rgb: tuple[float, float, float]) -> None:
    colour = _colour(*rgb).requires_grad_()
    hvi = rgb_to_hvi(colour)
    hvi.sum().backward()
    assert colour.grad is not None
    assert torch.isfinite(colour.grad).all()
    there = hvi.detach().requires_grad_()
    hvi_to_rgb(there).sum().backward()
    assert there.grad is not None
    assert torch.isfinite(there.grad).all()


def test_the_jacobian_is_bounded_near_black() -> None:
    """METHOD 4: the floor of the saturation keeps every entry within 140."""
    levels = torch.tensor([0.0, 1e-8, 1e-6, 1e-4, 1e-3, 2e-3, 1 / 255, 5e-3, 0.01, 0.1, 0.5, 1.0])
    rgb = torch.cartesian_prod(levels, levels, levels).T.reshape(1, 3, -1, 1).requires_grad_()
    hvi = rgb_to_hvi(rgb)
    for output in range(3):
        (g,) = torch.autograd.grad(hvi[:, output].sum(), rgb, retain_graph=True)
        assert g.abs().max() <= 140


def test_gradcheck_away_from_ties() -> None:
    """In float32, as the colour space works in; central differences against autograd."""
    rgb = _colour(0.7, 0.4, 0.15).requires_grad_()
    jacobian = torch.autograd.functional.jacobian(lambda x: rgb_to_hvi(x).flatten(), rgb).view(3, 3)
    step = 1e-2
    columns = []
    for i in range(3):
        d = torch.zeros(3)
        d[i] = step
        ahead, behind = (rgb_to_hvi(rgb.detach() + sign * d.view(1, 3, 1, 1)).flatten() for sign in (1, -1))
        columns.append((ahead - behind) / (2 * step))
    assert torch.allclose(jacobian, torch.stack(columns, dim=1), atol=2e-3)


def test_constants_are_the_published_ones() -> None:
    assert (K, EPSILON, DARKEST) == (5.0, 1e-8, 1 / 255)
