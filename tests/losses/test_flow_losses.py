import pytest
import torch

from restorect.losses.flow import code_loss, squared_loss
from restorect.nets.codes import Codes


def _codes(rex: float, img: float) -> Codes:
    return Codes(torch.full((3, 256), float(rex)), torch.full((3, 256), float(img)))


def test_squared_loss_adds_two_mean_squares() -> None:
    assert squared_loss(_codes(1, 5), _codes(3, 2)).item() == pytest.approx(4 + 9)


def test_code_loss_adds_two_mean_absolutes() -> None:
    assert code_loss(_codes(1, 5), _codes(3, 2)).item() == pytest.approx(2 + 3)


def test_both_codes_learn() -> None:
    for loss in (squared_loss, code_loss):
        generator = torch.Generator().manual_seed(0)
        a = Codes(*(torch.randn(2, 256, generator=generator).requires_grad_() for _ in range(2)))
        b = Codes(*(torch.randn(2, 256, generator=generator) for _ in range(2)))
        loss(a, b).backward()
        assert all(code.grad is not None and code.grad.all() for code in a)
