import importlib
from pathlib import Path

import pytest
import torch

from restorect.errors import DataError
from restorect.metrics.fid import FID, frechet_distance
from restorect.metrics.inception import _POOLS, InceptionV3
from restorect.metrics.pretrained import WeightsNeeded


def with_moments(mean: torch.Tensor, covariance: torch.Tensor) -> torch.Tensor:
    """Vectors whose sample mean and unbiased covariance are exactly these."""
    features = len(mean)
    x = torch.randn(50, features, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    x = x - x.mean(dim=0)
    whitener = torch.linalg.inv(torch.linalg.cholesky(torch.cov(x.T)))
    return x @ whitener.T @ torch.linalg.cholesky(covariance).T + mean


def test_closed_form_of_two_gaussians_that_commute() -> None:
    """Diagonal covariances: |m_1 - m_2|^2 + sum (s_1 - s_2)^2."""
    s_1, s_2 = torch.tensor([1.0, 2.0, 3.0]).double(), torch.tensor([2.0, 2.0, 0.5]).double()
    m_1, m_2 = torch.tensor([0.0, 1.0, -1.0]).double(), torch.tensor([3.0, 1.0, 3.0]).double()
    distance = frechet_distance(with_moments(m_1, torch.diag(s_1**2)), with_moments(m_2, torch.diag(s_2**2)))
    assert distance == pytest.approx(25 + 1 + 0 + 6.25, abs=1e-9)


def test_general_covariances_equal_the_matrix_square_root() -> None:
    linalg = importlib.import_module("scipy.linalg")
    a, b = torch.randn(6, 6, dtype=torch.float64), torch.randn(6, 6, dtype=torch.float64)
    S_1, S_2 = a @ a.T + torch.eye(6), b @ b.T + torch.eye(6)
    first, second = with_moments(torch.zeros(6).double(), S_1), with_moments(torch.ones(6).double(), S_2)
    root = linalg.sqrtm((S_1 @ S_2).numpy()).real
    expected = 6 + S_1.trace().item() + S_2.trace().item() - 2 * root.trace()
    assert frechet_distance(first, second) == pytest.approx(expected, rel=1e-9)
    assert frechet_distance(second, first) == pytest.approx(expected, rel=1e-9)


FEW = 10  # images, as of a small test set, with all 2048 features


def few(seed: int) -> torch.Tensor:
    """Features of few images in the size of Inception's: rank 9 of 2048."""
    return torch.rand(FEW, 2048, generator=torch.Generator().manual_seed(seed)).double()


def test_few_vectors_of_all_features_are_exact() -> None:
    """Closed forms with singular covariances: one set, itself shifted, and itself stretched (S_2 = a^2 S_1)."""
    x = few(0)
    spread = torch.cov(x.T).trace().item()
    assert frechet_distance(x, x[torch.randperm(FEW)]) == pytest.approx(0, abs=1e-9 * spread)
    assert frechet_distance(x, x + 2) == pytest.approx(4 * 2048, rel=1e-12)
    stretched = (0.3 - 1) ** 2 * (spread + x.mean(dim=0).square().sum().item())
    assert frechet_distance(x, 0.3 * x) == pytest.approx(stretched, rel=1e-10)


def test_sets_in_directions_of_their_own_do_not_overlap() -> None:
    """S_1 S_2 = 0: the distance is |m_1 - m_2|^2 + tr S_1 + tr S_2."""
    x, y = few(1), few(2)
    x[:, 1024:], y[:, :1024] = 0.5, 0.5
    apart = (x.mean(dim=0) - y.mean(dim=0)).square().sum() + torch.cov(x.T).trace() + torch.cov(y.T).trace()
    assert frechet_distance(x, y) == pytest.approx(apart.item(), rel=1e-12)


def test_singular_covariances_equal_the_eigenvalues_of_their_product() -> None:
    """The definition itself, with fewer vectors than features in one set and more in the other."""
    x, y = torch.randn(5, 40, dtype=torch.float64), torch.randn(90, 40, dtype=torch.float64) * 2 + 1
    S_1, S_2 = torch.cov(x.T), torch.cov(y.T)
    overlap = torch.linalg.eigvals(S_1 @ S_2).real.topk(4).values.sqrt().sum()  # rank 4
    expected = (x.mean(dim=0) - y.mean(dim=0)).square().sum() + S_1.trace() + S_2.trace() - 2 * overlap
    assert frechet_distance(x, y) == pytest.approx(expected.item(), rel=1e-10)


def test_one_image_has_no_covariance() -> None:
    with pytest.raises(DataError, match="at least 2 images"):
        frechet_distance(torch.rand(1, 3), torch.rand(5, 3))


def test_layout_and_counts_are_the_published_ones() -> None:
    """Of pytorch-fid's file: 94 convolutions, each with a norm, and a classifier of 1008 classes."""
    with torch.device("meta"):
        net = InceptionV3()
    state = net.state_dict()
    assert sum(p.numel() for p in net.parameters()) == 21_785_568 + 2048 * 1008 + 1008
    assert sum(key.endswith("conv.weight") for key in state) == 94
    assert sum(key.endswith("bn.running_var") for key in state) == 94
    assert tuple(state["fc.weight"].shape) == (1008, 2048)
    shapes = {
        "Conv2d_1a_3x3.conv.weight": (32, 3, 3, 3),
        "Mixed_5b.branch5x5_2.conv.weight": (64, 48, 5, 5),
        "Mixed_6a.branch3x3.conv.weight": (384, 288, 3, 3),
        "Mixed_6c.branch7x7dbl_4.conv.weight": (160, 160, 7, 1),
        "Mixed_6e.branch7x7_2.conv.weight": (192, 192, 1, 7),
        "Mixed_7a.branch7x7x3_4.conv.weight": (192, 192, 3, 3),
        "Mixed_7b.branch3x3dbl_3b.conv.weight": (384, 384, 3, 1),
        "Mixed_7c.branch_pool.conv.weight": (192, 2048, 1, 1),
    }
    assert {key: tuple(state[key].shape) for key in shapes} == shapes


def test_features_of_images_of_any_size() -> None:
    torch.manual_seed(0)
    features = FID(InceptionV3()).features(torch.rand(1, 3, 40, 60))
    assert features.shape == (1, 2048)
    assert features.isfinite().all()


class Corner(torch.nn.Module):
    """A stand-in that shows what reaches the network: its input's first pixels."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        assert x.shape[1:] == (3, 299, 299)
        return x[:, 0, 0, :4]


def test_images_of_any_size_reach_the_network_alike() -> None:
    fid = FID(Corner())
    assert torch.allclose(fid.features(torch.zeros(2, 3, 9, 9)), -torch.ones(2, 4))
    assert torch.allclose(fid.features(torch.ones(1, 3, 299, 299)), torch.ones(1, 4))


def test_the_average_leaves_padding_out() -> None:
    """A constant map stays constant to its border."""
    ones = torch.ones(1, 2, 5, 5)
    assert torch.equal(_POOLS["average"](ones), ones)
    assert _POOLS["halve"](torch.rand(1, 1, 35, 35)).shape[-1] == 17


def test_without_the_file_there_is_no_figure(tmp_path: Path) -> None:
    with pytest.raises(WeightsNeeded, match=r"needs weights inception-fid, see docs/metrics.md"):
        FID.load(tmp_path)
