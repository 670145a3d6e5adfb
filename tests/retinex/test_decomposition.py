import pytest
import torch
from torch import nn

from restorect.retinex.decomposition import DecompositionNet, DecompositionPair, RetinexParts


def _image(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def test_it_counts_20548_parameters() -> None:
    assert sum(p.numel() for p in DecompositionNet().parameters()) == 20_548


def test_it_is_four_convolutions_with_leaky_relus_and_a_sigmoid() -> None:
    torch.manual_seed(0)
    net = DecompositionNet()
    convolutions = [m for m in net.modules() if isinstance(m, nn.Conv2d)]
    assert [(c.in_channels, c.out_channels) for c in convolutions] == [(3, 32), (32, 32), (32, 32), (32, 4)]
    x = image = _image(2, 3, 7, 5)
    for number, c in enumerate(convolutions):
        x = torch.conv2d(x, c.weight, c.bias, padding=1)
        x = torch.where(x > 0, x, 0.2 * x) if number < 3 else 1 / (1 + torch.exp(-x))
    parts = net(image)
    assert torch.allclose(parts.R, x[:, :3], atol=1e-6)
    assert torch.allclose(parts.L, x[:, 3:], atol=1e-6)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (33, 20)])
def test_parts_keep_the_size_and_lie_in_the_unit_range(size: tuple[int, int]) -> None:
    R, L = DecompositionNet()(100 * _image(2, 3, *size) - 50)
    assert R.shape == (2, 3, *size)
    assert L.shape == (2, 1, *size)
    assert 0 <= min(R.min(), L.min())
    assert max(R.max(), L.max()) <= 1


def test_parts_multiply_to_an_image_and_stack() -> None:
    R, L = _image(2, 3, 4, 5), _image(2, 1, 4, 5, seed=1)
    parts = RetinexParts(R, L)
    for channel in range(3):
        assert torch.equal(parts.image()[:, channel], R[:, channel] * L[:, 0])
    assert torch.equal(parts.stacked()[:, :3], R)
    assert torch.equal(parts.stacked()[:, 3:], L)


def test_the_pair_has_two_nets_of_its_own() -> None:
    pair = DecompositionPair()
    shared = {id(p) for p in pair.low.parameters()} & {id(p) for p in pair.high.parameters()}
    assert not shared
    assert sum(p.numel() for p in pair.parameters()) == 2 * 20_548 + 1


def test_many_images_are_decomposed_as_one_by_one() -> None:
    net, images = DecompositionNet(), torch.rand(5, 3, 8, 8)
    with torch.no_grad():
        together, portions = net(images), net.of_many(images, portion=2)
    assert torch.allclose(together.stacked(), portions.stacked(), atol=1e-6)
