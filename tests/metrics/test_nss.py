import importlib
import math

import numpy as np
import pytest
import torch
from torch import Tensor

from restorect.metrics.nss import aggd_mean, fit_aggd, fit_ggd, halved, luma8, mscn, neighbours


def generalised(shape: float, count: int = 400_000) -> Tensor:
    """|x|^a is Gamma(1/a) distributed when x is a generalised Gaussian of shape a and scale 1."""
    torch.manual_seed(0)
    size = torch.distributions.Gamma(torch.tensor(1 / shape).double(), torch.tensor(1.0).double()).sample((count,))
    return size ** (1 / shape) * torch.where(torch.rand(count) < 0.5, -1.0, 1.0)


@pytest.mark.parametrize("shape", [0.5, 1.0, 2.0, 4.0])
def test_the_fit_finds_the_shape_and_variance_of_its_own_family(shape: float) -> None:
    found, variance = fit_ggd(generalised(shape)[None])
    assert found.item() == pytest.approx(shape, rel=0.02)
    assert variance.item() == pytest.approx(math.gamma(3 / shape) / math.gamma(1 / shape), rel=0.03)


@pytest.mark.parametrize("shape", [0.8, 2.0])
def test_the_asymmetric_fit_finds_both_sides(shape: float) -> None:
    """Scales bl, br: sides are drawn in proportion to their scale, and the mean is (br - bl) G(2/a) / G(1/a)."""
    low, high = 1.0, 2.0
    size = generalised(shape).abs()
    left = torch.rand(len(size), generator=torch.Generator().manual_seed(2)) < low / (low + high)
    x = torch.where(left, -low * size, high * size)
    found, left_std, right_std = fit_aggd(x[None])
    mean, found_low, found_high = aggd_mean(found, left_std, right_std)
    assert found.item() == pytest.approx(shape, rel=0.03)
    assert (found_low.item(), found_high.item()) == pytest.approx((low, high), rel=0.03)
    assert mean.item() == pytest.approx(x.mean().item(), rel=0.03)


def test_scale_free_shapes_and_undefined_fits() -> None:
    x = torch.randn(2, 5000, dtype=torch.float64)
    assert torch.allclose(fit_ggd(7 * x)[0], fit_ggd(x)[0])
    assert fit_ggd(torch.zeros(1, 10).double())[0].isnan().all()
    assert fit_aggd(torch.rand(1, 10).double() + 1)[0].isnan().all()


def test_luma_is_that_of_eight_bit_files() -> None:
    rgb = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]]).view(4, 3, 1, 1)
    assert luma8(rgb).flatten().tolist() == [76, 150, 29, 255]


def test_mscn_equals_a_second_implementation(photo: Tensor) -> None:
    ndimage = importlib.import_module("scipy.ndimage")
    x = luma8(photo)[0].numpy()
    options = {"sigma": 7 / 6, "mode": "nearest", "radius": 3}
    mean = ndimage.gaussian_filter(x, **options)
    deviation = abs(ndimage.gaussian_filter(x * x, **options) - mean * mean) ** 0.5
    normal, sigma = mscn(luma8(photo))
    assert torch.allclose(sigma[0], torch.from_numpy(deviation), atol=1e-6)
    assert torch.allclose(normal[0], torch.from_numpy((x - mean) / (deviation + 1)), atol=1e-6)


def test_halving_equals_pillows_antialiased_bicubic(forest: Tensor) -> None:
    image_module = importlib.import_module("PIL.Image")
    x = luma8(forest)[0, :180, :300]
    picture = image_module.fromarray(x.float().numpy()).resize((150, 90), image_module.Resampling.BICUBIC)
    assert torch.allclose(
        halved(x[None])[0].flatten(), torch.from_numpy(np.array(picture)).double().flatten(), atol=1e-2
    )
    assert halved(torch.zeros(1, 31, 33).double()).shape == (1, 15, 16)


def test_neighbour_products_of_a_checkerboard() -> None:
    board = torch.ones(1, 4, 4)
    board[:, ::2, 1::2] = board[:, 1::2, ::2] = -1
    assert [p.unique().tolist() for p in neighbours(board)] == [[-1], [-1], [1], [1]]
