"""The ends of the transformer: what each of the two does, by hand, and which sizes have which."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from restorect.nets.detail import BANDS, detail_bands
from restorect.nets.lattice import unfold_without_lattice
from restorect.nets.presets import PRESETS, student_preset, teacher_preset
from restorect.nets.stem import FoldedStem, FullStem, make_stem
from restorect.nets.transformer import Transformer, TransformerConfig

DIM = 8


def _draw(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _image(*size: int) -> Tensor:
    return torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(7))


def _codes() -> tuple[Tensor, Tensor]:
    return _draw(1, 1, 256), _draw(2, 1, 256)


def _folded(side: int) -> FoldedStem:
    """A folded stem of which every part shows."""
    torch.manual_seed(0)
    stem = FoldedStem(DIM, side).requires_grad_(False)
    torch.nn.init.normal_(stem.tone.second.weight, std=0.1)
    torch.nn.init.normal_(stem.detail.factors.weight, std=0.1)
    return stem


def test_side_1_is_full_and_the_others_fold() -> None:
    assert isinstance(make_stem(DIM, 1), FullStem)
    for side in (2, 4):
        stem = make_stem(DIM, side)
        assert isinstance(stem, FoldedStem)
        assert stem.side == side


def test_the_full_stem_is_two_convolutions_and_has_no_tone_curve() -> None:
    stem, x, features = FullStem(DIM).requires_grad_(False), _image(16, 24), _draw(0, 1, 2 * DIM, 16, 24)
    assert {name.partition(".")[0] for name, _ in stem.named_parameters()} == {"embed", "output"}
    assert stem.tone is None
    entered, first = stem.enter(x, *_codes())
    assert entered is x
    torch.testing.assert_close(first, F.conv2d(x, stem.embed.weight, padding=1))
    torch.testing.assert_close(stem.leave(x, features), x + F.conv2d(features, stem.output.weight, padding=1))


@pytest.mark.parametrize("side", [2, 4])
def test_a_folded_stem_shows_the_tone_curve_and_folds_squares_into_channels(side: int) -> None:
    stem, x = _folded(side), _image(16, 24)
    entered, first = stem.enter(x, *_codes())
    assert torch.equal(entered, stem.tone(x, *_codes()))
    assert not torch.allclose(entered, x, atol=0.05)
    B, C, H, W = x.shape
    squares = entered.view(B, C, H // side, side, W // side, side).permute(0, 1, 3, 5, 2, 4)
    channels = squares.reshape(B, C * side**2, H // side, W // side)
    torch.testing.assert_close(first, F.conv2d(channels, stem.embed.weight, padding=1))


@pytest.mark.parametrize("side", [2, 4])
def test_a_folded_stem_leaves_by_a_factor_an_addend_and_detail(side: int) -> None:
    stem, x, features = _folded(side), _image(16, 24), _draw(0, 1, 2 * DIM, 16 // side, 24 // side)
    half = 3 * side**2
    assert stem.output.weight.shape[0] == 2 * half
    factor, addend = (
        unfold_without_lattice(F.conv2d(features, weight, padding=1), side)
        for weight in (stem.output.weight[:half], stem.output.weight[half:])
    )
    kept = F.pixel_shuffle(F.conv2d(features, stem.detail.factors.weight), side).chunk(BANDS, dim=1)
    detail = sum(share * band for share, band in zip(kept, detail_bands(x), strict=True))
    for part in (factor, addend, detail):
        assert part.abs().mean() > 1e-3
    torch.testing.assert_close(stem.leave(x, features), x * (1 + factor) + addend + detail, atol=1e-5, rtol=1e-5)


def test_a_folded_transformer_leaves_no_lattice() -> None:
    torch.manual_seed(0)
    net = Transformer(TransformerConfig(dim=DIM, blocks=(1, 1, 1, 1), refine=1, heads=(1, 1, 1, 1), stem=4))
    grey, seen = torch.full((1, 3, 96, 96), 0.5), []
    net.stem.output.register_forward_hook(lambda module, inputs, output: seen.append(output))
    with torch.no_grad():
        even = net(grey, *_codes()).image
    factor, addend = F.pixel_shuffle(seen[0], 4).chunk(2, dim=1)
    plain = grey * (1 + factor) + addend
    inner = [image[..., 32:-32, 32:-32] for image in (plain, even)]
    lattice = [F.pixel_unshuffle(image, 4).mean(dim=(2, 3)).view(3, 16).std(dim=1) for image in inner]
    assert (lattice[1] < 0.2 * lattice[0]).all()


@pytest.mark.parametrize("name", PRESETS)
def test_the_small_sizes_are_folded(name: str) -> None:
    """They are without a lattice, and lights keep their colour; the base size works at full resolution."""
    for config in (student_preset(name).transformer, teacher_preset(name).transformer):
        assert config.stem == (1 if name == "base" else 4)
