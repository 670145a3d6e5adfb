import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from restorect.errors import ConfigError
from restorect.nets.blocks import Modulation, PlainAttention, RetinexAttention
from restorect.nets.stem import FoldedStem
from restorect.nets.transformer import Down, RetinexHead, Transformer, TransformerConfig, Up

SMALL = {"dim": 8, "blocks": (1, 1, 1, 1), "refine": 1}


def _draw(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _image(*size: int, batch: int = 1) -> Tensor:
    return torch.rand(batch, 3, *size, generator=torch.Generator().manual_seed(7))


def _net(**options: object) -> Transformer:
    """A small random net whose ends and modulations are not as shy as at the start of training."""
    torch.manual_seed(0)
    net = Transformer(TransformerConfig(**{**SMALL, **options}))  # type: ignore[arg-type]
    with torch.no_grad():
        net.stem.output.weight *= 10
        for module in net.modules():
            if isinstance(module, Modulation):
                module.weight.weight *= 10
        if isinstance(net.stem, FoldedStem):
            nn.init.normal_(net.stem.tone.second.weight, std=0.05)
            nn.init.normal_(net.stem.detail.factors.weight, std=0.05)
    return net.eval().requires_grad_(False)


def _codes(batch: int = 1) -> tuple[Tensor, Tensor]:
    return _draw(1, batch, 256), _draw(2, batch, 256)


def _count(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


def test_the_base_net_counts_23552315_parameters() -> None:
    with torch.device("meta"):
        net = Transformer(TransformerConfig())
    assert _count(net) == 23_552_315
    assert _count(net.head) == 113_092


@pytest.mark.parametrize("stem", [1, 2, 4])
def test_an_untrained_network_starts_near_the_identity(stem: int) -> None:
    """The last layer begins with a tenth of PyTorch's usual weights, which are uniform up to 1 / sqrt(inputs)."""
    torch.manual_seed(0)
    net = Transformer(TransformerConfig(**SMALL, stem=stem)).eval()  # type: ignore[arg-type]
    usual = net.stem.output.weight[0].numel() ** -0.5
    assert 0.09 * usual < net.stem.output.weight.abs().max() <= 0.1 * usual
    image = _image(32, 32)
    near = (net(image, *_codes()).image - image).abs().mean().item()
    with torch.no_grad():
        net.stem.output.weight *= 10
        far = (net(image, *_codes()).image - image).abs().mean().item()
    assert near < 0.05
    assert far == pytest.approx(10 * near, rel=1e-3)


def test_the_base_net_has_the_blocks_of_the_table() -> None:
    with torch.device("meta"):
        net = Transformer(TransformerConfig())
    levels = [
        net.encoder1,
        net.encoder2,
        net.encoder3,
        net.latent,
        net.decoder3,
        net.decoder2,
        net.decoder1,
        net.refine,
    ]
    heads = [[block.attention.attend.heads for block in level] for level in levels]
    assert heads == [[h] * 3 for h in (1, 2, 4, 8, 4, 2, 1, 1)]
    widths = [level[0].norm_feed.gain.numel() for level in levels]
    assert widths == [64, 128, 256, 512, 256, 128, 128, 128]
    kinds = [{type(block.attention) for block in level} for level in levels]
    assert kinds == [{RetinexAttention}] * 7 + [{PlainAttention}]


def test_convolutions_have_no_bias_but_those_of_the_head() -> None:
    net = _net()
    biased = {name.split(".")[0] for name, m in net.named_modules() if isinstance(m, nn.Conv2d) and m.bias is not None}
    assert biased == {"head"}


@pytest.mark.parametrize("stem", [1, 2, 4])
@pytest.mark.parametrize("size", [(1, 1), (1, 33), (2, 3), (7, 1), (8, 8), (9, 17), (37, 21)])
def test_any_size_is_the_reflected_one_cropped(size: tuple[int, int], stem: int) -> None:
    net, x, codes = _net(stem=stem), _image(*size), _codes()
    out = net(x, *codes).image
    assert out.shape == x.shape
    assert torch.isfinite(out).all()
    m = 8 * stem
    assert net.config.multiple == m
    margins = ((0, 0), (0, 0), (0, -size[0] % m), (0, -size[1] % m))
    padded = torch.from_numpy(np.pad(x.numpy(), margins, mode="reflect"))
    assert torch.allclose(out, net(padded, *codes).image[..., : size[0], : size[1]], atol=1e-5)
    assert (out - x).abs().max() > 1e-3


@pytest.mark.parametrize("stem", [1, 2, 4])
def test_features_have_their_shapes(stem: int) -> None:
    out = _net(stem=stem)(_image(33, 20, batch=2), *_codes(2))
    m = 8 * stem
    h, w = -(-33 // m) * 8, -(-20 // m) * 8
    assert out.encoder1.shape == out.decoder_input.shape == (2, 8, h, w)
    assert out.decoder1.shape == (2, 16, h, w)
    assert out.decoder2.shape == (2, 16, h // 2, w // 2)
    assert out.decoder3.shape == (2, 32, h // 4, w // 4)


@pytest.mark.parametrize("stem", [1, 4])
def test_it_is_wired_as_described(stem: int) -> None:
    net, x, (rex, img) = _net(stem=stem), _image(32, 32), _codes()

    def unshuffle(x: Tensor, r: int) -> Tensor:
        B, C, H, W = x.shape
        return x.view(B, C, H // r, r, W // r, r).permute(0, 1, 3, 5, 2, 4).reshape(B, C * r * r, H // r, W // r)

    def down(layer: Down, x: Tensor) -> Tensor:
        return unshuffle(F.conv2d(x, layer[0].weight, padding=1), 2)

    def up(layer: Up, x: Tensor) -> Tensor:
        return F.pixel_shuffle(F.conv2d(x, layer[0].weight, padding=1), 2)

    entered, features = net.stem.enter(x, rex, img)
    e1 = net.encoder1(features, rex)
    e2 = net.encoder2(down(net.down1, e1), rex)
    e3 = net.encoder3(down(net.down2, e2), rex)
    u3 = up(net.up3, net.latent(down(net.down3, e3), rex))
    d3 = net.decoder3(F.conv2d(torch.cat([u3, e3], 1), net.join3.weight), rex)
    d2 = net.decoder2(F.conv2d(torch.cat([up(net.up2, d3), e2], 1), net.join2.weight), rex)
    u1 = up(net.up1, d2)
    d1 = net.decoder1(torch.cat([u1, e1], 1), rex)
    expected = net.stem.leave(entered, net.refine(d1, img))
    out = net(x, rex, img)
    for mine, theirs in zip(out, (expected, e1, u1, d3, d2, d1), strict=True):
        assert torch.allclose(mine, theirs, atol=1e-5)


@pytest.mark.parametrize("stem", [1, 2])
def test_a_silent_output_gives_the_image_back(stem: int) -> None:
    net, x = Transformer(TransformerConfig(**SMALL, stem=stem)).requires_grad_(False), _image(11, 13)  # type: ignore[arg-type]
    net.stem.output.weight.zero_()
    torch.testing.assert_close(net(x, *_codes()).image, x, atol=1e-6 if stem > 1 else 0, rtol=0)


@pytest.mark.parametrize("stem", [1, 4])
def test_an_untrained_net_starts_near_the_image(stem: int) -> None:
    torch.manual_seed(0)
    net, x = Transformer(TransformerConfig(**SMALL, stem=stem)), _image(32, 32)  # type: ignore[arg-type]
    with torch.no_grad():
        assert (net(x, *_codes()).image - x).abs().max() < 0.5


def test_the_retinex_code_reaches_all_levels_and_the_image_code_the_refinement_only() -> None:
    net, x, (rex, img) = _net(), _image(16, 16), _codes()
    first, other_rex, other_img = net(x, rex, img), net(x, -rex, img), net(x, rex, -img)
    assert all(not torch.allclose(a, b, atol=1e-4) for a, b in zip(first, other_rex, strict=True))
    assert not torch.allclose(first.image, other_img.image, atol=1e-4)
    assert all(torch.equal(a, b) for a, b in zip(first[1:], other_img[1:], strict=True))


def test_a_batch_equals_its_images() -> None:
    net, x, (rex, img) = _net(), _image(13, 9, batch=3), _codes(3)
    alone = torch.cat([net(x[i : i + 1], rex[i : i + 1], img[i : i + 1]).image for i in range(3)])
    assert torch.allclose(net(x, rex, img).image, alone, atol=1e-5)


@pytest.mark.parametrize("stem", [1, 2])
def test_every_parameter_learns(stem: int) -> None:
    net = _net(stem=stem).requires_grad_()
    out = net(_image(16, 16), *_codes())
    parts = [net.head(features) for features in (out.encoder1, out.decoder_input)]
    (out.image.square().mean() + sum(p.image().mean() for p in parts)).backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.any(), name


def test_the_head_reads_parts_off_features() -> None:
    torch.manual_seed(0)
    head, features = RetinexHead(8), 50 * _draw(0, 2, 8, 6, 5)
    x = features
    convolutions = [m for m in head.modules() if isinstance(m, nn.Conv2d)]
    for number, c in enumerate(convolutions):
        x = F.conv2d(x, c.weight, c.bias, padding=1)
        x = F.leaky_relu(x, 0.2) if number < 3 else torch.sigmoid(x)
    R, L = head(features)
    assert torch.allclose(torch.cat([R, L], 1), x, atol=1e-6)
    assert (R.shape, L.shape) == ((2, 3, 6, 5), (2, 1, 6, 5))


def test_ablations_change_the_net() -> None:
    x, codes = _image(16, 16), _codes()
    base = _net()
    pixel, plain = _net(norm="pixel"), _net(qk_norm=False)
    assert _count(base) == _count(pixel)
    pixel.load_state_dict(base.state_dict())
    assert not torch.allclose(pixel(x, *codes).image, base(x, *codes).image, atol=1e-3)
    assert not [name for name in plain.state_dict() if "q_norm" in name or "k_norm" in name]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dim": 12}, "dim is 12; it must be a multiple of 8"),
        ({"dim": 0}, "dim is 0"),
        ({"stem": 3}, "stem is 3; it must be 1, 2 or 4"),
        ({"blocks": (1, 0, 1, 1)}, "at least 1 a level"),
        ({"refine": -1}, "refine at least 0"),
        ({"expansion": 0.0}, "expansion is 0"),
        ({"heads": (1, 3, 4, 8)}, "3 heads do not divide 16 channels"),
        ({"heads": (0, 2, 4, 8)}, "0 heads"),
    ],
)
def test_bad_shapes_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        TransformerConfig(**{**SMALL, **options})  # type: ignore[arg-type]


def test_no_refinement_is_allowed() -> None:
    assert _net(refine=0)(_image(9, 9), *_codes()).image.shape == (1, 3, 9, 9)
