import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from restorect.nets.blocks import Block, BlockStack, FeedForward, Modulation, PlainAttention, RetinexAttention


def _draw(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _stir(net: nn.Module) -> None:
    """Give the code's small weights a say."""
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, Modulation):
                module.weight.weight *= 20


def _block(retinex: bool, channels: int = 8) -> Block:
    torch.manual_seed(0)
    block = Block(channels, 2, retinex=retinex, expansion=2.66, norm="scln", qk_norm=True)
    _stir(block)
    return block


@pytest.mark.parametrize(("channels", "hidden"), [(64, 170), (128, 340), (256, 680), (512, 1361)])
def test_hidden_widths(channels: int, hidden: int) -> None:
    with torch.device("meta"):
        feed = FeedForward(channels, 2.66)
    assert feed.narrow.weight.shape == (channels, hidden, 1, 1)
    assert feed.widen.weight.shape == (2 * hidden, channels, 1, 1)
    assert feed.mix.weight.shape == (2 * hidden, 1, 3, 3)


def test_modulation_in_closed_form_and_small_at_first() -> None:
    torch.manual_seed(0)
    modulation, x, z = Modulation(4, 256), _draw(0, 2, 4, 3, 3), _draw(1, 2, 256)
    factor = 1 + z @ modulation.weight.weight.T
    assert torch.allclose(modulation(x, z), x * factor[:, :, None, None], atol=1e-6)
    assert (factor - 1).abs().max() < 0.5
    assert modulation.weight.bias is None


def test_feed_forward_is_its_formula() -> None:
    torch.manual_seed(0)
    feed, x, z = FeedForward(8, 2.66), _draw(0, 2, 8, 5, 4), _draw(1, 2, 256)
    _stir(feed)
    y = x * (1 + z @ feed.modulation.weight.weight.T)[:, :, None, None]
    y = F.conv2d(F.conv2d(y, feed.widen.weight), feed.mix.weight, padding=1, groups=42)
    gate, value = y[:, :21], y[:, 21:]
    expected = F.conv2d(0.5 * gate * (1 + torch.erf(gate / 2**0.5)) * value, feed.narrow.weight)
    assert torch.allclose(feed(x, z), expected, atol=1e-6)


def test_retinex_attention_is_its_formula() -> None:
    torch.manual_seed(0)
    net, x, z = RetinexAttention(8, 2, True), _draw(0, 2, 8, 5, 4), _draw(1, 2, 256)
    _stir(net)
    R = x[:, :6] * (1 + z[:, :192] @ net.modulate_R.weight.weight.T)[:, :, None, None]
    L = x[:, 6:] * (1 + z[:, 192:] @ net.modulate_L.weight.weight.T)[:, :, None, None]
    q = F.conv2d(F.conv2d(R, net.query[0].weight), net.query[1].weight, padding=1, groups=8)
    kv = F.conv2d(F.conv2d(L, net.key_value[0].weight), net.key_value[1].weight, padding=1, groups=16)
    expected = F.conv2d(net.attend(q, kv[:, :8], kv[:, 8:]), net.project.weight)
    assert torch.allclose(net(x, z), expected, atol=1e-5)


def test_plain_attention_is_its_formula() -> None:
    torch.manual_seed(0)
    net, x, z = PlainAttention(8, 2, True), _draw(0, 2, 8, 5, 4), _draw(1, 2, 256)
    _stir(net)
    y = x * (1 + z @ net.modulation.weight.weight.T)[:, :, None, None]
    qkv = F.conv2d(F.conv2d(y, net.query_key_value[0].weight), net.query_key_value[1].weight, padding=1, groups=24)
    expected = F.conv2d(net.attend(qkv[:, :8], qkv[:, 8:16], qkv[:, 16:]), net.project.weight)
    assert torch.allclose(net(x, z), expected, atol=1e-5)


@pytest.mark.parametrize("retinex", [True, False])
def test_a_block_adds_attention_then_feed_forward(retinex: bool) -> None:
    block, x, z = _block(retinex), _draw(0, 2, 8, 5, 4), _draw(1, 2, 256)
    middle = x + block.attention(block.norm_attention(x), z)
    expected = middle + block.feed(block.norm_feed(middle), z)
    assert torch.allclose(block(x, z), expected, atol=1e-6)
    assert isinstance(block.attention, RetinexAttention if retinex else PlainAttention)


@pytest.mark.parametrize("retinex", [True, False])
def test_blocks_have_no_bias_but_that_of_the_query_and_key_norms(retinex: bool) -> None:
    names = {name.split(".", 1)[1] for name, _ in _block(retinex).named_parameters() if name.endswith("bias")}
    assert names == {"attend.q_norm.bias", "attend.k_norm.bias"}


def test_reflectance_numbers_reach_queries_only_and_illumination_numbers_the_rest() -> None:
    torch.manual_seed(0)
    net, x, z = RetinexAttention(8, 2, True), _draw(0, 1, 8, 5, 4), _draw(1, 1, 256)
    _stir(net)
    seen: list[Tensor] = []
    net.attend.register_forward_hook(lambda module, inputs, output: seen.extend(inputs))
    net(x, z)
    net(x, torch.cat([z[:, :192] + 1, z[:, 192:]], dim=1))
    net(x, torch.cat([z[:, :192], z[:, 192:] + 1], dim=1))
    q, k, v, q_R, k_R, v_R, q_L, k_L, v_L = seen
    assert not torch.allclose(q, q_R)
    assert torch.equal(k, k_R)
    assert torch.equal(v, v_R)
    assert torch.equal(q, q_L)
    assert not torch.allclose(k, k_L)
    assert not torch.allclose(v, v_L)


def test_a_stack_runs_its_blocks_in_order() -> None:
    torch.manual_seed(0)
    blocks = [_block(True), _block(True)]
    with torch.no_grad():
        for parameter in blocks[1].parameters():
            parameter.mul_(1.5)
    x, z = _draw(0, 1, 8, 4, 4), _draw(1, 1, 256)
    assert torch.equal(BlockStack(blocks)(x, z), blocks[1](blocks[0](x, z), z))
    assert not torch.equal(BlockStack(blocks)(x, z), blocks[0](blocks[1](x, z), z))
    assert torch.equal(BlockStack()(x, z), x)


def test_samples_do_not_mix() -> None:
    block, x, z = _block(True), _draw(0, 3, 8, 5, 4), _draw(1, 3, 256)
    alone = torch.cat([block(x[i : i + 1], z[i : i + 1]) for i in range(3)])
    assert torch.allclose(block(x, z), alone, atol=1e-5)


def test_a_feed_forward_net_gives_the_same_in_both_layouts_of_memory() -> None:
    torch.manual_seed(0)
    net, x, z = FeedForward(8, 2.66), torch.randn(2, 8, 6, 5), torch.randn(2, 256)
    expected = net(x, z)
    assert torch.allclose(net(x.contiguous(memory_format=torch.channels_last), z), expected, atol=1e-6)
