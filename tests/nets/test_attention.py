import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from restorect.nets.attention import ChannelAttention, HeadNorm, by_pixel


def _draw(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _attention(channels: int, heads: int, qk_norm: bool) -> ChannelAttention:
    net = ChannelAttention(channels, heads, qk_norm)
    with torch.no_grad():
        for number, parameter in enumerate(net.parameters()):
            parameter.add_(0.5 * _draw(number, *parameter.shape))
    return net


@torch.no_grad()
def _reference(net: ChannelAttention, q: Tensor, k: Tensor, v: Tensor, qk_norm: bool) -> Tensor:
    """METHOD 5 in loops: layer norm over a head's channels, L2 over pixels, softmax of channel by channel."""
    B, C, H, W = q.shape
    c = C // net.heads
    out = torch.zeros(B, C, H * W, dtype=torch.float64)

    def unit(x: Tensor, norm: torch.nn.Module) -> Tensor:
        if qk_norm:
            assert isinstance(norm, HeadNorm)
            x = F.layer_norm(x.T, (c,), norm.gain.double(), norm.bias.double(), 1e-5).T
        return x / x.pow(2).sum(dim=1, keepdim=True).sqrt()

    for b in range(B):
        for h in range(net.heads):
            part = slice(h * c, (h + 1) * c)
            qn, kn = (unit(x[b, part].flatten(1).double(), norm) for x, norm in ((q, net.q_norm), (k, net.k_norm)))
            for i in range(c):
                scores = [float((qn[i] * kn[j]).sum() * net.temperature[h, 0, 0]) for j in range(c)]
                total = sum(math.exp(s) for s in scores)
                out[b, h * c + i] = sum(
                    math.exp(scores[j]) / total * v[b, h * c + j].flatten().double() for j in range(c)
                )
    return out.view(B, C, H, W)


@pytest.mark.parametrize("qk_norm", [True, False])
@pytest.mark.parametrize(("channels", "heads"), [(6, 1), (8, 2), (8, 4)])
def test_agrees_with_plain_loops(channels: int, heads: int, qk_norm: bool) -> None:
    net = _attention(channels, heads, qk_norm)
    q, k, v = (_draw(seed, 2, channels, 5, 3) for seed in (10, 11, 12))
    expected = _reference(net, q, k, v, qk_norm)
    assert torch.allclose(net(q, k, v).double(), expected, atol=1e-5)


def test_a_head_sees_its_own_channels_only() -> None:
    net = _attention(8, 2, True)
    q, k, v = (_draw(seed, 1, 8, 4, 4) for seed in range(3))
    before = net(q, k, v)
    for x in (q, k, v):
        x[:, 4:] += 1 + torch.arange(4.0).view(1, 4, 1, 1)
    after = net(q, k, v)
    assert torch.equal(after[:, :4], before[:, :4])
    assert not torch.allclose(after[:, 4:], before[:, 4:])


def test_weights_are_shares() -> None:
    """Where v is constant over the channels, attention gives it back."""
    net, v = _attention(6, 2, True), _draw(2, 1, 1, 4, 4).expand(1, 6, 4, 4)
    assert torch.allclose(net(_draw(0, 1, 6, 4, 4), _draw(1, 1, 6, 4, 4), v), v, atol=1e-6)


def test_queries_and_keys_count_by_direction() -> None:
    """L2 normalisation without layer norm: their length does not matter."""
    net = _attention(6, 2, False)
    q, k, v = (_draw(seed, 1, 6, 4, 4) for seed in range(3))
    assert torch.allclose(net(9 * q, 0.1 * k, v), net(q, k, v), atol=1e-6)


def test_temperatures_start_at_one_a_head_and_norms_are_shared_by_heads() -> None:
    net = ChannelAttention(12, 3)
    assert net.temperature.flatten().tolist() == [1, 1, 1]
    shapes = {name: tuple(p.shape) for name, p in net.named_parameters() if "norm" in name}
    assert shapes == {"q_norm.gain": (4,), "q_norm.bias": (4,), "k_norm.gain": (4,), "k_norm.bias": (4,)}


@pytest.mark.parametrize("qk_norm", [True, False])
def test_zeros_give_finite_gradients(qk_norm: bool) -> None:
    net = ChannelAttention(8, 2, qk_norm)
    q, k, v = (torch.zeros(1, 8, 1, 1, requires_grad=True) for _ in range(3))
    net(q, k, v).sum().backward()
    for x in (q, k, v):
        assert x.grad is not None
        assert torch.isfinite(x.grad).all()


@pytest.mark.parametrize("qk_norm", [True, False])
@pytest.mark.parametrize("heads", [1, 4])
def test_maps_that_lie_pixel_by_pixel_give_the_same(heads: int, qk_norm: bool) -> None:
    torch.manual_seed(0)
    attend = ChannelAttention(16, heads, qk_norm)
    for parameter in attend.parameters():
        nn.init.uniform_(parameter, 0.5, 1.5)
    results = []
    for layout in (torch.contiguous_format, torch.channels_last):
        q, k, v = (
            torch.randn(2, 16, 5, 7, generator=torch.Generator().manual_seed(seed))
            .contiguous(memory_format=layout)
            .requires_grad_()
            for seed in range(3)
        )
        assert by_pixel(q) == (layout == torch.channels_last)
        out = attend(q, k, v)
        gradients = torch.autograd.grad(out.square().sum(), (q, k, v, *attend.parameters()))
        results.append((out, *gradients))
    for plain, pixelwise in zip(*results, strict=True):
        assert torch.allclose(plain, pixelwise, atol=1e-5, rtol=1e-4)
