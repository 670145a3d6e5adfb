import math

import pytest
import torch
from torch.nn import functional as F

from restorect.errors import ConfigError
from restorect.flow.velocity import ResidualMLP, TimeFeatures, VelocityConfig, VelocityNet


def _draw(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def net() -> VelocityNet:
    torch.manual_seed(0)
    return VelocityNet(8, VelocityConfig(width=16, blocks=2, frequencies=4))


def test_the_base_net_counts_609792_parameters() -> None:
    assert sum(p.numel() for p in VelocityNet(256, VelocityConfig()).parameters()) == 609_792


def test_time_features_in_closed_form() -> None:
    features, t = TimeFeatures(32), torch.tensor([0.0, 0.3, 1.0])
    frequencies = [0.25 * 64 ** (n / 31) for n in range(32)]  # geometric from 1/4 to 16
    expected = [
        [math.sin(2 * math.pi * f * time) for f in frequencies]
        + [math.cos(2 * math.pi * f * time) for f in frequencies]
        for time in t.tolist()
    ]
    assert torch.allclose(features(t), torch.tensor(expected), atol=1e-4)
    assert not features.state_dict()


def test_times_a_fortieth_apart_look_different() -> None:
    features = TimeFeatures(32)(torch.linspace(0, 1, 41))
    assert torch.pdist(features).min() > 0.5


def test_a_residual_block_is_its_formula() -> None:
    torch.manual_seed(0)
    block, x = ResidualMLP(8), _draw(1, 3, 8)
    normal = (x - x.mean(1, keepdim=True)) / (x.var(1, unbiased=False, keepdim=True) + 1e-5).sqrt()
    hidden = normal @ block.first.weight.T + block.first.bias
    expected = x + (hidden * torch.sigmoid(hidden)) @ block.second.weight.T + block.second.bias
    assert torch.allclose(block(x), expected, atol=1e-6)


def test_the_net_is_its_formula(net: VelocityNet) -> None:
    x, c, t = _draw(1, 3, 8), _draw(2, 3, 8), torch.tensor([0.0, 0.4, 1.0])
    h = F.linear(torch.cat([x, c, net.time(t)], dim=1), net.input.weight, net.input.bias)
    for block in net.blocks:
        h = block(h)
    assert torch.allclose(net(x, t, c), F.linear(h, net.output.weight, net.output.bias), atol=1e-6)


def test_the_output_is_unbounded_and_linear_in_the_last_layer(net: VelocityNet) -> None:
    x, c, t = _draw(1, 3, 8), _draw(2, 3, 8), torch.rand(3, generator=torch.Generator().manual_seed(0))
    before = net(x, t, c)
    with torch.no_grad():
        net.output.weight *= -1000
        net.output.bias *= -1000
    assert torch.allclose(net(x, t, c), -1000 * before, rtol=1e-4)


def test_every_argument_matters_and_samples_do_not_mix(net: VelocityNet) -> None:
    x, c, t = _draw(1, 3, 8), _draw(2, 3, 8), torch.tensor([0.1, 0.5, 0.9])
    v = net(x, t, c)
    assert v.shape == (3, 8)
    alone = torch.cat([net(x[i : i + 1], t[i : i + 1], c[i : i + 1]) for i in range(3)])
    assert torch.allclose(v, alone, atol=1e-6)
    for other in (net(x + 0.1, t, c), net(x, t + 0.01, c), net(x, t, c + 0.1)):
        assert ((other - v).abs().amax(dim=1) > 1e-4).all()


def test_every_parameter_learns(net: VelocityNet) -> None:
    net(_draw(1, 3, 8), torch.tensor([0.1, 0.5, 0.9]), _draw(2, 3, 8)).square().sum().backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize("options", [{"width": 0}, {"blocks": 0}, {"frequencies": 1}])
def test_bad_shapes_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="a velocity net needs"):
        VelocityConfig(**options)


def test_with_a_skip_the_noisy_code_goes_past_the_blocks(net: VelocityNet) -> None:
    torch.manual_seed(0)
    skipping = VelocityNet(8, VelocityConfig(width=16, blocks=2, frequencies=4, skip=True))
    x, c, t = _draw(1, 3, 8), _draw(2, 3, 8), torch.tensor([0.0, 0.4, 1.0])
    assert torch.equal(skipping(x, t, c), net(x, t, c))  # begun at 0, it changes nothing
    assert skipping.skip is not None
    with torch.no_grad():
        skipping.skip.weight.copy_(_draw(3, 1, 8))
        skipping.skip.bias.fill_(0.5)
    a = net.time(t) @ skipping.skip.weight[0] + 0.5
    assert torch.allclose(skipping(x, t, c), net(x, t, c) + a[:, None] * x, atol=1e-6)


@pytest.mark.parametrize("skip", [False, True])
def test_only_with_a_skip_a_narrow_net_sees_noise_in_all_its_dimensions(skip: bool) -> None:
    torch.manual_seed(0)
    net = VelocityNet(24, VelocityConfig(width=8, blocks=2, frequencies=4, skip=skip)).double()
    if net.skip is not None:
        torch.nn.init.ones_(net.skip.bias)
    x, c, t = (_draw(n, 1, 24).double() for n in (1, 2, 3))
    jacobian = torch.autograd.functional.jacobian(lambda x_t: net(x_t, t[0, :1], c), x)[0, :, 0]
    assert torch.linalg.matrix_rank(jacobian).item() == (24 if skip else 8)
