import importlib

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from restorect.metrics.ms_ssim import SMALLEST, WEIGHTS, ms_ssim
from restorect.metrics.ssim import ssim


def test_the_weights_are_those_published() -> None:
    assert sum(WEIGHTS) == pytest.approx(1.0, abs=2e-4)
    assert SMALLEST == 176


def test_identical_images_are_one_and_order_is_free() -> None:
    x, y = torch.rand(2, 3, 176, 190).double(), torch.rand(2, 3, 176, 190).double()
    assert torch.allclose(ms_ssim(x, x), torch.ones(2).double())
    assert torch.allclose(ms_ssim(x, y), ms_ssim(y, x))
    assert torch.allclose(ms_ssim(x * 255, y * 255, data_range=255.0), ms_ssim(x, y))


def test_constant_images_leave_only_the_luminance_of_the_coarsest_scale() -> None:
    x, y = torch.full((1, 1, 176, 176), 0.2).double(), torch.full((1, 1, 176, 176), 0.8).double()
    luminance = (2 * 0.2 * 0.8 + 1e-4) / (0.2**2 + 0.8**2 + 1e-4)
    assert ms_ssim(x, y).item() == pytest.approx(luminance**0.1333, abs=1e-9)


def test_agrees_with_torchmetrics_but_for_its_border(photo: Tensor) -> None:
    """torchmetrics mirrors the border of the coarsest scale and averages channels before the product."""
    functional = importlib.import_module("torchmetrics.functional.image")
    target = F.interpolate(photo, size=(240, 320), mode="area")
    noise = torch.randn(target.shape, generator=torch.Generator().manual_seed(0))
    for output in ((target + 0.05 * noise).clamp(0, 1), target**0.6, F.avg_pool2d(target, 5, 1, 2)):
        expected = functional.multiscale_structural_similarity_index_measure(output, target, data_range=1.0)
        assert ms_ssim(output, target).item() == pytest.approx(expected.item(), abs=0.02)


def test_the_coarse_scales_forgive_fine_noise_more_than_ssim_does(forest: Tensor) -> None:
    noisy = forest + 0.05 * torch.randn(forest.shape, generator=torch.Generator().manual_seed(0))
    assert ssim(noisy, forest).item() < ms_ssim(noisy, forest).item() < 1


def test_negative_similarity_is_zero_not_nan() -> None:
    x = torch.rand(1, 1, 176, 176)
    assert ms_ssim(x, 1 - x).item() == 0.0


def test_samples_do_not_mix() -> None:
    x, y = torch.rand(3, 3, 176, 179), torch.rand(3, 3, 176, 179)
    alone = torch.cat([ms_ssim(x[i : i + 1], y[i : i + 1]) for i in range(3)])
    assert torch.allclose(ms_ssim(x, y), alone, atol=1e-6)


@pytest.mark.parametrize("size", [(175, 300), (300, 175)])
def test_small_images_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="176x176"):
        ms_ssim(torch.rand(1, 3, *size), torch.rand(1, 3, *size))
