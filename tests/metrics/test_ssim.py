import importlib

import pytest
import torch

from restorect.metrics.ssim import BandProducts, _window_mean, ssim, ssim_map


@pytest.mark.parametrize("size", [(11, 11), (11, 40), (37, 52)])
@pytest.mark.parametrize("noise", [0.01, 0.2])
def test_equals_scikit_image(size: tuple[int, int], noise: float) -> None:
    metrics = importlib.import_module("skimage.metrics")
    generator = torch.Generator().manual_seed(1)
    target = torch.rand(2, 3, *size, generator=generator, dtype=torch.float64)
    output = (target + noise * torch.randn(2, 3, *size, generator=generator, dtype=torch.float64)).clamp(0, 1)
    expected = [
        metrics.structural_similarity(
            x.numpy(),
            y.numpy(),
            channel_axis=0,
            data_range=1.0,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
        for x, y in zip(output, target, strict=True)
    ]
    assert torch.allclose(ssim(output, target), torch.tensor(expected, dtype=torch.float64), atol=1e-10)
    assert torch.allclose(ssim(output.float(), target.float()).double(), ssim(output, target), atol=2e-5)


def test_identical_images_are_one() -> None:
    image = torch.rand(2, 3, 20, 20)
    assert torch.allclose(ssim(image, image), torch.ones(2), atol=1e-6)


def test_constant_images_leave_only_the_luminance_term() -> None:
    output, target = torch.full((1, 3, 16, 16), 0.2).double(), torch.full((1, 3, 16, 16), 0.8).double()
    expected = (2 * 0.2 * 0.8 + 1e-4) / (0.2**2 + 0.8**2 + 1e-4)
    assert ssim(output, target).item() == pytest.approx(expected, abs=1e-9)


def test_is_symmetric_and_free_of_range() -> None:
    output, target = torch.rand(1, 3, 24, 24).double(), torch.rand(1, 3, 24, 24).double()
    assert torch.allclose(ssim(output, target), ssim(target, output))
    assert torch.allclose(ssim(output * 255, target * 255, data_range=255.0), ssim(output, target))


def test_inverted_structure_is_negative() -> None:
    image = torch.rand(1, 1, 32, 32)
    assert ssim(image, 1 - image).item() < -0.5


def test_samples_do_not_mix_and_the_border_is_valid() -> None:
    output, target = torch.rand(3, 3, 30, 21), torch.rand(3, 3, 30, 21)
    assert ssim_map(output, target).shape == (3, 3, 20, 11)
    alone = torch.cat([ssim(output[i : i + 1], target[i : i + 1]) for i in range(3)])
    assert torch.allclose(ssim(output, target), alone, atol=1e-6)


@pytest.mark.parametrize("size", [(10, 30), (30, 10), (1, 1)])
def test_small_images_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="11x11"):
        ssim(torch.rand(1, 3, *size), torch.rand(1, 3, *size))


def test_gradient_is_right() -> None:
    output = torch.rand(1, 1, 12, 12, dtype=torch.float64, requires_grad=True)
    target = torch.rand(1, 1, 12, 12, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: ssim(x, target), output)


def test_a_window_made_at_inference_serves_training_too() -> None:
    ssim_module = importlib.import_module("restorect.metrics.ssim")
    ssim_module._window.cache_clear()
    output, target = torch.rand(1, 3, 16, 16), torch.rand(1, 3, 16, 16)
    with torch.inference_mode():
        expected = ssim(output, target)
    learned = output.clone().requires_grad_()
    similarity = ssim(learned, target)
    similarity.sum().backward()
    assert torch.equal(similarity.detach(), expected)
    assert learned.grad is not None
    assert ssim_module._window.cache_info().misses == 1


def test_products_with_bands_are_the_same_window() -> None:
    """What a GPU does in place of convolutions, with its gradient."""
    x = torch.rand(2, 3, 17, 26, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    expected = _window_mean(x)
    found = BandProducts.apply(x)
    assert found.shape == (2, 3, 7, 16)
    torch.testing.assert_close(found, expected)
    weight = torch.rand(found.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    gradients = [torch.autograd.grad((mean * weight).sum(), x)[0] for mean in (found, expected)]
    torch.testing.assert_close(*gradients)
