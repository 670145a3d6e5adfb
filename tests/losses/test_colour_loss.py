import math

import pytest
import torch

from restorect.losses.colour import hvi_loss
from restorect.retinex.hvi import rgb_to_hvi


def _flat(*rgb: float) -> torch.Tensor:
    return torch.tensor(rgb).view(1, 3, 1, 1).expand(2, 3, 4, 5)


@pytest.mark.parametrize(
    ("output", "target", "loss"),
    [
        ((0.3, 0.6, 0.1), (0.3, 0.6, 0.1), 0.0),
        ((1, 1, 1), (0, 0, 0), 1.0),  # intensity alone
        ((1, 0, 0), (1, 1, 1), 1.0),  # H alone
        ((1, 0, 0), (0, 1, 0), 1.5 + math.sqrt(3) / 2),
        ((1, 0, 0), (0, 1, 1), 2.0),
        ((1, 0, 0), (0, 0, 0), 2.0),
    ],
)
def test_closed_forms(output: tuple[float, ...], target: tuple[float, ...], loss: float) -> None:
    assert hvi_loss(_flat(*output), _flat(*target)).item() == pytest.approx(loss, abs=1e-6)


def test_it_is_the_sum_of_three_means() -> None:
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.rand(2, 3, 6, 7, generator=generator) for _ in range(2))
    H, V, I = (rgb_to_hvi(a) - rgb_to_hvi(b)).abs().mean(dim=(0, 2, 3)).tolist()  # noqa: E741
    assert hvi_loss(a, b).item() == pytest.approx(H + V + I, rel=1e-5)


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_gradients_are_finite_on_grey_outputs(level: float) -> None:
    output = torch.full((1, 3, 4, 4), level, requires_grad=True)
    hvi_loss(output, _flat(0.9, 0.2, 0.4)[:1, ..., :4]).backward()
    assert output.grad is not None
    assert torch.isfinite(output.grad).all()


def test_unbounded_outputs_count_as_clamped() -> None:
    assert hvi_loss(_flat(1.5, -3, -0.1), _flat(1, 0, 0)).item() == 0
