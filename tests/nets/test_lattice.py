"""The lattice of the stem: taken away where it repeats, nothing else touched."""

import pytest
import torch
from torch.nn import functional as F

from restorect.nets import lattice
from restorect.nets.lattice import unfold_without_lattice


def _folded(image: torch.Tensor) -> torch.Tensor:
    return F.pixel_unshuffle(image, 4)


def test_a_lattice_on_a_flat_photo_goes() -> None:
    square = torch.rand(1, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    image = 0.5 + 0.1 * square.repeat(1, 3, 16, 16)
    out = unfold_without_lattice(_folded(image), 4)
    assert out[..., 8:-8, 8:-8].std() < 1e-3 * image.std()
    assert torch.allclose(out.mean(), image.mean(), atol=1e-3)


@pytest.mark.parametrize("turned", [False, True])
def test_a_ramp_stays(turned: bool) -> None:
    image = torch.linspace(0, 1, 96).expand(1, 2, 96, 96)
    image = image.mT.contiguous() if turned else image
    inner = (..., slice(28, -28), slice(28, -28))
    assert torch.allclose(unfold_without_lattice(_folded(image), 4)[inner], image[inner], atol=2e-3)


def test_detail_that_does_not_repeat_stays_mostly() -> None:
    image = torch.rand(1, 1, 192, 192, generator=torch.Generator().manual_seed(1))
    change = unfold_without_lattice(_folded(image), 4) - image
    assert change.std() < 0.25 * image.std()


@pytest.mark.parametrize("size", [(4, 4), (4, 40), (8, 12)])
def test_any_size(size: tuple[int, int]) -> None:
    image = torch.rand(1, 3, *size)
    assert unfold_without_lattice(_folded(image), 4).shape == image.shape
    assert torch.equal(unfold_without_lattice(image, 1), image)


@pytest.mark.parametrize("size", [(1, 1), (7, 12), (64, 33)])
def test_enlarging_by_matrices_is_bilinear(size: tuple[int, int]) -> None:
    x = torch.randn(2, 3, 2, 5, generator=torch.Generator().manual_seed(0))
    down, across = (lattice._bilinear(n, N, x.device) for n, N in zip(x.shape[-2:], size, strict=True))
    expected = F.interpolate(x, size, mode="bilinear", align_corners=False)
    torch.testing.assert_close(down @ x @ across.T, expected)
    torch.testing.assert_close(lattice.enlarged(x, size), expected)
