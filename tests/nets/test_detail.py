"""Fine detail: the bands in closed form, noise removed by a factor of -1, and nothing changed by an untrained net."""

import math
import subprocess
import sys

import pytest
import torch

from restorect.nets.detail import BANDS, DetailGain, detail_bands
from restorect.nets.stem import FoldedStem
from restorect.nets.transformer import Transformer, TransformerConfig


def test_a_flat_image_has_no_detail() -> None:
    bands = detail_bands(torch.full((1, 3, 5, 7), 0.5))
    assert len(bands) == BANDS
    assert all(torch.equal(band, torch.zeros(1, 3, 5, 7)) for band in bands)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 3), (8, 8)])
def test_any_size(size: tuple[int, int]) -> None:
    assert all(band.shape == (1, 3, *size) for band in detail_bands(torch.rand(1, 3, *size)))


def test_a_wave_is_split_as_its_frequency_says() -> None:
    # [1, 2, 1] / 4 with spacing s passes cos(pi f s / 2)^2 of a wave of f half periods a pixel
    x = torch.arange(64, dtype=torch.float64)
    for f in (1.0, 0.5, 0.25, 0.1):
        wave = torch.cos(math.pi * f * x).expand(1, 1, 8, 64)
        fine, coarse = (band[0, 0, 4, 8:-8] for band in detail_bands(wave))
        first, second = (math.cos(math.pi * f * s / 2) ** 2 for s in (1, 2))
        inner = wave[0, 0, 4, 8:-8]
        assert torch.allclose(fine, (1 - first) * inner, atol=1e-12)
        assert torch.allclose(coarse, first * (1 - second) * inner, atol=1e-12)


def test_a_factor_of_minus_one_takes_noise_away() -> None:
    gain = DetailGain(4, stem=2)
    with torch.no_grad():
        gain.factors.weight[:, 0] = -1
    features = torch.zeros(1, 4, 32, 32)
    features[:, 0, :, :16] = 1  # the left half is to be smoothed
    x = 0.5 + 0.1 * torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    out = x + gain(x, features)
    assert torch.equal(out[..., 32:], x[..., 32:])
    assert out[..., :32].std() < 0.3 * x[..., :32].std()


def test_an_untrained_net_changes_nothing_by_it_and_learns_it() -> None:
    config = TransformerConfig(dim=8, blocks=(1, 1, 1, 1), refine=1, heads=(1, 1, 1, 1), stem=4)
    net, x = Transformer(config), torch.rand(1, 3, 32, 32)
    codes = torch.randn(1, 256), torch.randn(1, 256)
    with torch.no_grad():
        net.stem.output.weight.zero_()
    image = net(x, *codes).image
    torch.testing.assert_close(image, x, atol=1e-6, rtol=0)
    assert isinstance(net.stem, FoldedStem)
    image.square().mean().backward()
    assert net.stem.detail.factors.weight.grad is not None
    assert net.stem.detail.factors.weight.grad.abs().sum() > 0


def test_making_one_draws_no_random_numbers() -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    DetailGain(8, 4)
    assert torch.equal(torch.rand(4), expected)


def test_loading_a_network_imports_no_algebra() -> None:
    """It took half a second of every start (`torch.nn.utils.skip_init` imports sympy)."""
    code = "import sys, restorect; restorect.Restorer.load('low-light', 'nano'); sys.exit('sympy' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=900)
