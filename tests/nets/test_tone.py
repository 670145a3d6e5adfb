"""The tone curve: the identity at first, monotone, white stays white, and it reaches what it should."""

import pytest
import torch
from torch import Tensor

from restorect.nets.stem import FoldedStem
from restorect.nets.tone import ToneCurve
from restorect.nets.transformer import Transformer, TransformerConfig

RAMP = torch.linspace(0, 1, 65).view(1, 1, 1, -1).expand(1, 3, 4, -1)
CODES = (torch.randn(1, 256), torch.randn(1, 256))


def _curve(numbers: list[float]) -> ToneCurve:
    curve = ToneCurve()
    with torch.no_grad():
        curve.second.bias.copy_(torch.tensor(numbers))
    return curve


def _line(curve: ToneCurve) -> Tensor:
    return curve(RAMP, *CODES)[0, :, 0].detach()


def test_an_untrained_curve_is_the_identity() -> None:
    assert torch.allclose(ToneCurve()(RAMP, *CODES), RAMP, atol=1e-6)


def test_the_slope_leaves_black_and_white_and_lifts_between() -> None:
    line = _line(_curve([3.0, 3.0, 3.0, 0, 0, 0, 0, 0, 0]))[0]
    k = torch.exp(5 * torch.tanh(torch.tensor(3.0 / 5)))
    assert line[0] == 0
    assert line[-1] == pytest.approx(1, abs=1e-6)
    assert torch.allclose(line, k * RAMP[0, 0, 0] / (1 + (k - 1) * RAMP[0, 0, 0]))
    assert line[3] > 0.4  # 3/64 of white


@pytest.mark.parametrize("slope", [-60.0, -1.0, 0.5, 60.0])
def test_it_rises_and_stays_finite(slope: float) -> None:
    line = _line(_curve([slope] * 3 + [0.3] * 3 + [-0.1] * 3))
    assert torch.isfinite(line).all()
    assert (line.diff(dim=-1) >= 0).all()


def test_channels_are_apart() -> None:
    red, green, blue = _line(_curve([0, 0, 0, -0.5, 0, 0, 0, 0, -0.1]))
    assert torch.allclose(red, RAMP[0, 0, 0] * torch.exp(2 * torch.tanh(torch.tensor(-0.25))))
    assert torch.allclose(green, RAMP[0, 0, 0], atol=1e-6)
    assert torch.allclose(blue, RAMP[0, 0, 0] + torch.tanh(torch.tensor(-0.1)), atol=1e-6)


def test_codes_reach_it() -> None:
    torch.manual_seed(0)
    config = TransformerConfig(dim=8, blocks=(1, 1, 1, 1), refine=1, heads=(1, 1, 1, 1), stem=4)
    net = Transformer(config)
    codes = [torch.randn(2, 256, requires_grad=True) for _ in range(2)]
    net(torch.rand(2, 3, 32, 32), *codes).image.mean().backward()
    assert isinstance(net.stem, FoldedStem)
    assert net.stem.tone.second.weight.grad is not None
    assert net.stem.tone.second.weight.grad.abs().sum() > 0


def _unbent(slope: float, gain: float, offset: float) -> Tensor:
    """The curve without its shoulder."""
    k, gain, offset = (
        limit * torch.tanh(torch.tensor(number / limit))
        for limit, number in zip((5, 2, 1), (slope, gain, offset), strict=True)
    )
    x = RAMP[0, 0, 0]
    return gain.exp() * k.exp() * x / (1 + (k.exp() - 1) * x) + offset


def test_a_shoulder_ends_at_white_and_leaves_what_is_below_the_knee() -> None:
    plain, bent = _unbent(2.0, 0.4, 0.05), _line(_curve([2.0] * 3 + [0.4] * 3 + [0.05] * 3))[0]
    assert plain[-1] > 1.3
    assert bent[-1] == pytest.approx(1, abs=1e-5)
    assert (bent.diff() > 0).all()
    assert (plain <= 0.4).sum() >= 3
    torch.testing.assert_close(bent[plain <= 0.4], plain[plain <= 0.4], atol=1e-6, rtol=1e-6)
    assert (bent[plain > 0.5] < plain[plain > 0.5]).all()


def test_where_white_is_not_passed_nothing_bends() -> None:
    gentle = _line(_curve([2.0] * 3 + [-0.2] * 3 + [0.0] * 3))[0]
    torch.testing.assert_close(gentle, _unbent(2.0, -0.2, 0.0), atol=1e-6, rtol=1e-6)
