"""Student and steps in bands against the whole: every shipped network, every step."""

import itertools
from dataclasses import replace

import pytest
import torch
from lively import cut, photo
from torch import Tensor

from doubles import in_doubles
from restorect.bands.restoration import BandedRestoration
from restorect.bands.tiling import Tiling
from restorect.nets.codes import Codes
from restorect.render.checkpoint import load_restoration
from restorect.render.restoration import Restoration
from restorect.render.rows import Rows
from restorect.render.step import Scene, Step
from restorect.weights.catalogue import shipped

SHIPPED = sorted(shipped())


def network(task: str, size: str) -> Restoration:
    return load_restoration(shipped()[task, size])[0].requires_grad_(False)


def retina(height: int, width: int) -> Tensor:
    """A disc of tissue, with a light disc in it, in a black frame."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    disc = (x - width / 2) ** 2 + (y - height / 2) ** 2 < (0.45 * height) ** 2
    light = torch.exp(-((x - 0.6 * width) ** 2 + (y - height / 2) ** 2) / 40)
    tissue = torch.tensor([0.7, 0.4, 0.2]).view(3, 1, 1) + 0.6 * light
    return (torch.where(disc, tissue, 0.01)[None] * (0.8 + 0.4 * photo(height, width))).clamp(0, 1)


def both(net: Restoration, image: Tensor, tiling: Tiling, *, noise: bool) -> tuple[Tensor, Tensor]:
    """Codes and restoration of the whole, and of bands."""
    student, banded = net.student, BandedRestoration(net, Rows.of(image), tiling)
    conditions = net.read(image)
    for found, expected in zip(banded.read(), conditions, strict=True):
        torch.testing.assert_close(found, expected, atol=3e-5, rtol=0)
    mean = student.mean(conditions) if noise else None
    generated = student.generate(conditions, student.start(1, "noise" if noise else "mean", seed=3))
    codes = Codes(*(code.to(image) for code in generated))
    expected = net.restore(net.scene(image, mean), codes)
    rows = banded.restore(banded.scene(mean), codes, torch.empty_like(image))
    heights = sorted({0, 1, image.shape[2] // 2, image.shape[2]})
    bands = [rows.read(a, b) for a, b in itertools.pairwise(heights)]
    return torch.cat(bands, dim=2), expected


@pytest.mark.parametrize("noise", [False, True], ids=["mean", "sample"])
@pytest.mark.parametrize(("task", "size"), SHIPPED)
def test_shipped_networks(task: str, size: str, noise: bool) -> None:
    image = retina(61, 83) if task == "fundus" else photo(61, 83)
    net, tiling = network(task, size), cut(7, 12, bytes=20_000)
    found, expected = both(net.in_style("reference"), image, tiling, noise=noise)
    assert (expected - image).abs().max() > 0.05
    torch.testing.assert_close(found.clamp(0, 1), expected.clamp(0, 1), atol=3e-6, rtol=0)
    with in_doubles():  # fusion raises structure, and with it what was rounded before
        found, expected = both(net.double(), image.double(), replace(tiling, dtype=torch.float64), noise=noise)
    torch.testing.assert_close(found.clamp(0, 1), expected.clamp(0, 1), atol=3e-6, rtol=0)


@pytest.mark.parametrize("sides", [(1, 1), (1, 90), (70, 1), (16, 16), (17, 31), (130, 45)])
@pytest.mark.parametrize("task", ["low-light", "underwater", "fundus"])
def test_odd_sizes(task: str, sides: tuple[int, int]) -> None:
    found, expected = both(network(task, "nano").in_style("reference"), photo(*sides), Tiling(), noise=True)
    torch.testing.assert_close(found.clamp(0, 1), expected.clamp(0, 1), atol=3e-6, rtol=0)


def test_nothing_of_a_retina_s_frame_changes() -> None:
    image = retina(61, 83)
    found, _ = both(network("fundus", "nano"), image, cut(5), noise=False)
    assert torch.equal(found[..., :5], image[..., :5])
    assert not torch.equal(found, image)


class Mirrored(Step):
    """Needs the whole: what is on the left comes to the right, and the top to the bottom."""

    def forward(self, image: Tensor, scene: Scene) -> Tensor:
        return image.flip(2, 3) + scene.photo


def test_a_step_that_says_nothing_of_rows_is_given_the_whole() -> None:
    net = network("low-light", "nano").in_style("reference")
    steps = list(net.after.items())
    net.after = torch.nn.ModuleDict(dict([*steps[:1], ("mirrored", Mirrored()), *steps[1:]]))
    found, expected = both(net, photo(40, 56), cut(5), noise=False)
    torch.testing.assert_close(found, expected, atol=5e-6, rtol=0)
