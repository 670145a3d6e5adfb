import pytest
import torch
from torch.nn import functional as F

from restorect.losses.structure import structure_loss


def _photo(seed: int = 0) -> torch.Tensor:
    return torch.rand(2, 3, 24, 20, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("a", "b"), [(0.0, 0.0), (0.0, 1.0), (0.2, 0.3), (0.5, 1.0), (0.01, 0.02)])
def test_of_flat_images_only_the_luminance_term_is_left(a: float, b: float) -> None:
    c = 0.01**2
    expected = 1 - (2 * a * b + c) / (a * a + b * b + c)
    flat_a, flat_b = (torch.full((1, 3, 16, 16), level) for level in (a, b))
    assert structure_loss(flat_a, flat_b).item() == pytest.approx(expected, abs=1e-4)


def test_bounds() -> None:
    a, b = _photo(0), _photo(1)
    assert structure_loss(a, a).item() == pytest.approx(0, abs=1e-6)
    assert 0.9 < structure_loss(a, b).item() < 1.1  # unrelated
    assert structure_loss(1 - a, a).item() > 1.5  # opposite


def test_detail_has_a_gradient_while_the_exposure_is_off() -> None:
    """The reason for this loss: L1 then pushes all pixels alike."""
    target = 0.6 + 0.1 * (_photo() - 0.5)
    smooth = torch.full_like(target, 0.4)
    alike, apart = smooth.clone().requires_grad_(), smooth.clone().requires_grad_()
    F.l1_loss(alike, target).backward()
    structure_loss(apart, target).backward()
    assert alike.grad is not None
    assert apart.grad is not None
    assert alike.grad.unique().numel() == 1
    towards = -apart.grad[..., 8:-8, 8:-8]
    wanted = (target - target.mean())[..., 8:-8, 8:-8]
    assert torch.corrcoef(torch.stack([towards.flatten(), wanted.flatten()]))[0, 1] > 0.5


def test_half_precision_outputs_are_taken() -> None:
    a, b = _photo(0), _photo(1)
    assert structure_loss(a.bfloat16(), b).item() == pytest.approx(structure_loss(a, b).item(), abs=0.02)
