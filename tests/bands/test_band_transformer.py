"""The transformer in bands against the whole, of any size from 1x1 up."""

import copy
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from lively import cut, lively, noise, photo
from torch import Tensor

from doubles import in_doubles
from restorect.bands.tiling import Tiling
from restorect.bands.transformer import restored_rows
from restorect.nets.codes import Codes
from restorect.nets.presets import PRESETS, student_preset
from restorect.nets.transformer import Transformer, TransformerConfig
from restorect.render.rows import Rows

CODES = Codes(noise(1, 256, seed=1), noise(1, 256, seed=2))


def by_bands(net: Transformer, image: Tensor, codes: Codes, tiling: Tiling) -> Tensor:
    done: list[Tensor] = []
    for first, rows in restored_rows(net, Rows.of(image), codes, tiling):
        assert first == sum(each.shape[2] for each in done)
        done.append(rows)
    return torch.cat(done, dim=2)


def small(stem: int, refine: int = 1) -> Transformer:
    torch.manual_seed(0)
    return lively(Transformer(TransformerConfig(dim=8, blocks=(1, 1, 1, 1), refine=refine, stem=stem)))


NETS = {stem: small(stem) for stem in (1, 2, 4)}


@pytest.mark.parametrize("stem", NETS)
@given(
    data=st.data(),
    tiling=st.builds(cut, st.integers(1, 9), st.integers(1, 20), bytes=st.sampled_from([1, 3000, 50000])),
)
@settings(max_examples=25)
def test_any_size_in_pieces_of_any_size(stem: int, data: st.DataObject, tiling: Tiling) -> None:
    """As near to the exact result as the whole is; in doubles only the maps, kept in float32, are rounded."""
    side = st.integers(1, 16 * stem + 6)  # more than two cells of the lattice, whatever the stem
    image, exact = photo(data.draw(side), data.draw(side)), copy.deepcopy(NETS[stem]).double()
    found = by_bands(NETS[stem], image, CODES, tiling)
    with in_doubles():
        codes = Codes(*(code.double() for code in CODES))
        expected = exact(image.double(), *codes).image
        in_bands = by_bands(exact, image.double(), codes, replace(tiling, dtype=torch.float64))
    assert (expected - image).abs().mean() > 0.02
    scale = max(1.0, float(expected.abs().max()))
    torch.testing.assert_close(in_bands, expected, atol=1e-6 * scale, rtol=0)
    torch.testing.assert_close(found.double(), expected, atol=3e-6 * scale, rtol=0)


@pytest.mark.parametrize("preset", PRESETS)
def test_presets(preset: str) -> None:
    torch.manual_seed(0)
    net = lively(Transformer(student_preset(preset).transformer))
    image = photo(35, 44)
    expected = net(image, *CODES).image
    scale = max(1.0, float(expected.abs().max()))
    torch.testing.assert_close(by_bands(net, image, CODES, cut(3, 9)), expected, atol=1e-5 * scale, rtol=0)


def test_a_net_without_refinement() -> None:
    net, image = small(4, refine=0), photo(50, 40)
    expected = net(image, *CODES).image
    torch.testing.assert_close(by_bands(net, image, CODES, Tiling()), expected, atol=3e-6, rtol=1e-6)


def test_a_net_whose_norms_have_a_limit() -> None:
    free = small(4)
    net = Transformer(replace(free.config, limit=1.0)).eval().requires_grad_(False)
    net.load_state_dict(free.state_dict())
    image = photo(50, 40)
    expected = net(image, *CODES).image
    assert (expected - free(image, *CODES).image).abs().max() > 0.01
    torch.testing.assert_close(by_bands(net, image, CODES, cut(3, 9)), expected, atol=3e-6, rtol=1e-6)
