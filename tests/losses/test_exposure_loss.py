import pytest
import torch

from restorect.losses.exposure import at_mean_of


def _images(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("factor", [0.3, 1.0, 3.9])
def test_a_picture_that_is_too_dark_or_bright_becomes_the_truth(factor: float) -> None:
    truth = _images(2, 3, 8, 8)
    assert torch.allclose(at_mean_of(truth / factor, truth), truth, rtol=1e-5)


def test_each_sample_has_its_own_ratio_and_none_beyond_4() -> None:
    truth = _images(3, 3, 8, 8)
    factors = torch.tensor([2.0, 0.5, 100.0]).view(3, 1, 1, 1)
    aligned = at_mean_of(truth / factors, truth)
    assert torch.allclose(aligned[:2], truth[:2], rtol=1e-5)
    assert torch.allclose(aligned[2], truth[2] / 25, rtol=1e-5)


def test_black_and_negative_outputs_give_finite_gradients_and_the_ratio_has_none() -> None:
    truth = _images(2, 3, 8, 8)
    output = torch.zeros(2, 3, 8, 8)
    output[1] = -0.5
    output.requires_grad_()
    at_mean_of(output, truth).sum().backward()
    assert output.grad is not None
    assert torch.equal(output.grad, torch.full_like(output.grad, 4.0))
