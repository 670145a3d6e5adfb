import math

import pytest
import torch

from restorect.data.degrade.noise import add_hot_pixels, add_noise


def _seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("correlation", [0.0, 0.5])
def test_noise_variance_is_linear_in_the_signal(correlation: float) -> None:
    shot, read = 0.004, 2e-5
    generator = _seeded(1)
    for level in (0.0, 0.01, 0.05, 0.3):
        flat = torch.full((3, 256, 256), level)
        noisy = add_noise(flat, generator, shot=shot, read=read, row=0.0, correlation=correlation)
        assert (noisy - flat).var().item() == pytest.approx(shot * level + read, rel=0.05)
        assert noisy.mean().item() == pytest.approx(level, abs=5 * math.sqrt((shot * level + read) / flat.numel()) * 3)


def test_correlation_is_that_of_the_kernel() -> None:
    noisy = add_noise(torch.zeros(3, 256, 256), _seeded(2), shot=0.0, read=1.0, row=0.0, correlation=0.5)
    neighbour = (noisy[:, :, 1:] * noisy[:, :, :-1]).mean().item()
    assert neighbour == pytest.approx(2 * 0.5 / (1 + 2 * 0.25), abs=0.02)
    assert (noisy[:, :, 3:] * noisy[:, :, :-3]).mean().item() == pytest.approx(0.0, abs=0.02)


def test_row_noise_is_common_to_a_row() -> None:
    noisy = add_noise(torch.zeros(3, 400, 5), _seeded(3), shot=0.0, read=0.0, row=0.3, correlation=0.0)
    assert torch.equal(noisy, noisy[:1, :, :1].expand(3, 400, 5))
    assert noisy[0, :, 0].std().item() == pytest.approx(0.3, rel=0.15)


def test_hot_pixels_are_as_many_as_said_and_look_demosaiced() -> None:
    counts, image = [], torch.zeros(3, 100, 100)
    for seed in range(30):
        hot = add_hot_pixels(image, torch.Generator().manual_seed(seed), 4e-4)
        assert hot.max() <= 1
        counts.append(((hot > 0).sum(dim=(0, 1, 2)) / 8).item())
    assert 2.5 < sum(counts) / 30 < 5.5  # 4 expected; red and blue ones cover 9 pixels, green ones 5
    assert image.max() == 0


def test_no_hot_pixels_change_nothing() -> None:
    image = torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(1))
    assert torch.equal(add_hot_pixels(image, torch.Generator().manual_seed(0), 1e-9), image)
