import pytest
import torch

from restorect.light import luma, smoothstep


def test_luma_of_white_and_of_the_primaries() -> None:
    primaries = torch.eye(3).view(3, 3, 1, 1)
    torch.testing.assert_close(luma(primaries).flatten(), torch.tensor([0.299, 0.587, 0.114]))
    assert float(luma(torch.ones(1, 3, 1, 1))) == pytest.approx(1)


def test_smoothstep_is_flat_outside_and_half_in_the_middle() -> None:
    x = torch.tensor([-1.0, 0.2, 0.3, 0.4, 0.6, 2.0])
    torch.testing.assert_close(smoothstep(x, 0.2, 0.6), torch.tensor([0.0, 0.0, 0.15625, 0.5, 1.0, 1.0]))
