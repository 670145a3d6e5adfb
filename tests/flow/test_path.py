import pytest
import torch

from restorect.flow.path import draw_noise, draw_times, estimate_end, straight_path


def _draw(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_the_path_is_straight_from_noise_to_data() -> None:
    x_0, x_1 = _draw(0, 4, 6), _draw(1, 4, 6)
    t = torch.tensor([0.0, 1.0, 0.25, 0.5], dtype=torch.float64)
    point = straight_path(x_0, x_1, t)
    assert torch.equal(point.x_t[0], x_0[0])
    assert torch.equal(point.x_t[1], x_1[1])
    assert torch.allclose(point.x_t[2], 0.75 * x_0[2] + 0.25 * x_1[2])
    assert torch.allclose(point.x_t[3], (x_0[3] + x_1[3]) / 2)
    assert torch.equal(point.velocity, x_1 - x_0)
    assert torch.equal(point.t, t)


def test_the_velocity_is_the_derivative_of_the_path() -> None:
    x_0, x_1, t = _draw(0, 3, 5), _draw(1, 3, 5), torch.full((3,), 0.3, dtype=torch.float64)
    ahead, here = straight_path(x_0, x_1, t + 0.25), straight_path(x_0, x_1, t)
    assert torch.allclose((ahead.x_t - here.x_t) / 0.25, here.velocity)


def test_one_step_estimates_the_end_exactly_with_the_exact_velocity() -> None:
    x_0, x_1 = _draw(0, 5, 7), _draw(1, 5, 7)
    t = torch.linspace(0, 1, 5, dtype=torch.float64)
    point = straight_path(x_0, x_1, t)
    assert torch.allclose(estimate_end(point.x_t, t, point.velocity), x_1, atol=1e-14)
    noise_left = estimate_end(point.x_t, t, torch.zeros_like(x_0)) - t[:, None] * x_1
    assert torch.allclose(noise_left, (1 - t)[:, None] * x_0)


def test_noise_is_standard_normal_and_seeded() -> None:
    noise = draw_noise(400, 256, torch.Generator().manual_seed(3))
    assert noise.shape == (400, 256)
    assert noise.mean().item() == pytest.approx(0, abs=0.02)
    assert noise.std().item() == pytest.approx(1, abs=0.02)
    assert torch.equal(noise, draw_noise(400, 256, torch.Generator().manual_seed(3)))
    assert not torch.equal(noise, draw_noise(400, 256, torch.Generator().manual_seed(4)))


def test_times_are_uniform_continuous_and_seeded() -> None:
    times = draw_times(20_000, torch.Generator().manual_seed(3))
    assert times.shape == (20_000,)
    assert 0 <= times.min()
    assert times.max() < 1
    shares = torch.histc(times, bins=10, min=0, max=1) / len(times)
    assert torch.allclose(shares, torch.full((10,), 0.1), atol=0.01)
    assert len(times.unique()) > 19_900
    assert torch.equal(times, draw_times(20_000, torch.Generator().manual_seed(3)))
