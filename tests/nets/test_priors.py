import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from restorect.errors import ConfigError
from restorect.nets.priors import ImagePrior, PriorConfig, PriorTrunk, RetinexPrior, Standardise
from restorect.nets.thumbnail import view_of
from restorect.retinex.decomposition import RetinexParts

SMALL = PriorConfig(width=4, blocks=2)


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def _image(seed: int, *size: int, channels: int = 3, batch: int = 2) -> Tensor:
    return torch.rand(batch, channels, *size, generator=torch.Generator().manual_seed(seed))


def _parts(seed: int, *size: int) -> RetinexParts:
    return RetinexParts(_image(seed, *size), _image(seed + 50, *size, channels=1))


def _count(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


def test_parameter_counts_of_the_base_preset() -> None:
    with torch.device("meta"):
        E_img, E_rex = ImagePrior(2, PriorConfig()), RetinexPrior(2, PriorConfig())
        C_img, C_rex = ImagePrior(1, PriorConfig()), RetinexPrior(1, PriorConfig())
    assert [_count(net) for net in (E_img, E_rex, C_img, C_rex)] == [1_072_832, 1_632_896, 1_045_184, 1_596_032]


@pytest.mark.parametrize("size", [(1, 1), (8, 12), (13, 6)])
def test_the_trunk_is_its_description(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    trunk, x = PriorTrunk(3, 10, SMALL).eval(), _image(0, *size)
    margins = ((0, 0), (0, 0), (0, -size[0] % 4), (0, -size[1] % 4))
    h = F.pixel_unshuffle(torch.from_numpy(np.pad(x.numpy(), margins, mode="reflect")), 4)
    convolutions = iter([m for m in trunk.modules() if isinstance(m, nn.Conv2d)])

    def conv(x: Tensor) -> Tensor:
        c = next(convolutions)
        assert c.bias is not None
        return F.conv2d(x, c.weight, c.bias, padding=1)

    h = F.leaky_relu(conv(h), 0.1)
    for _ in range(2):
        h = h + conv(F.leaky_relu(conv(h), 0.1))
    for _ in range(3):
        h = F.leaky_relu(conv(h), 0.1)
    assert next(convolutions, None) is None
    first, _, last = trunk.mlp
    h = F.leaky_relu(h.mean(dim=(2, 3)) @ first.weight.T + first.bias, 0.1) @ last.weight.T + last.bias
    assert torch.allclose(trunk(x), h, atol=1e-5)


@pytest.mark.parametrize("size", [(1, 1), (5, 30), (32, 32)])
@pytest.mark.parametrize("images", [1, 2])
def test_codes_have_mean_0_and_variance_1(images: int, size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    inputs, parts = [_image(n, *size) for n in range(images)], [_parts(n, *size) for n in range(images)]
    priors = ImagePrior(images, SMALL).eval(), RetinexPrior(images, SMALL).eval()
    with torch.no_grad():  # an untrained trunk's numbers are so small that the norm's epsilon would show
        for module in [*priors[0].modules(), *priors[1].modules()]:
            if isinstance(module, PriorTrunk):
                module.mlp[-1].weight *= 30
    for code in (priors[0](*inputs), priors[1](*parts)):
        assert code.shape == (2, 256)
        assert torch.allclose(code.mean(dim=1), torch.zeros(2), atol=1e-5)
        assert torch.allclose(code.var(dim=1, unbiased=False), torch.ones(2), atol=1e-3)
        assert not torch.allclose(code[0], code[1], atol=1e-4)


def test_codes_are_the_layer_norm_of_the_trunks() -> None:
    torch.manual_seed(0)
    prior, first, second = RetinexPrior(2, SMALL).eval(), _parts(0, 8, 8), _parts(1, 8, 8)
    R = prior.trunk_R(torch.cat([first.R, second.R], dim=1))
    L = prior.trunk_L(torch.cat([first.L, second.L], dim=1))
    assert (R.shape, L.shape) == ((2, 192), (2, 64))
    assert torch.allclose(prior(first, second), F.layer_norm(torch.cat([R, L], dim=1), (256,)), atol=1e-6)


def test_calibration_sets_apart_what_photographs_share() -> None:
    """Over the photos it saw, each number gets mean 0 and variance 1, and codes become unlike each other."""
    torch.manual_seed(0)
    base, tint = 0.5 * _image(0, 16, 16, batch=1), torch.linspace(0, 0.05, 48).view(48, 1, 1, 1)
    photos = base + tint * _image(1, 16, 16, batch=48)  # nearly the same photo 48 times
    prior = ImagePrior(1, SMALL).eval()
    with torch.no_grad():
        alike = torch.pdist(prior(photos)).mean()
        prior.calibrate(photos)
        numbers, codes = prior.trunk(photos), prior(photos)
    assert torch.allclose(numbers.mean(dim=0), torch.zeros(256), atol=1e-3)
    assert torch.allclose(numbers.std(dim=0), torch.ones(256), atol=0.02)
    assert torch.pdist(codes).mean() > 5 * alike


def test_calibration_of_the_retinex_code_takes_the_same_parts() -> None:
    torch.manual_seed(0)
    prior = RetinexPrior(2, SMALL).eval()
    parts = [RetinexParts(_image(n, 8, 8, batch=32), _image(n + 9, 8, 8, channels=1, batch=32)) for n in (0, 1)]
    with torch.no_grad():
        prior.calibrate(*parts)
        R, L = (torch.cat([getattr(p, name) for p in parts], dim=1) for name in "RL")
        numbers = torch.cat([prior.trunk_R(R), prior.trunk_L(L)], dim=1)
    assert torch.allclose(numbers.mean(dim=0), torch.zeros(256), atol=1e-3)
    assert torch.allclose(numbers.std(dim=0), torch.ones(256), atol=0.03)


def test_the_trunks_share_nothing() -> None:
    prior = RetinexPrior(1, SMALL)
    shared = {id(p) for p in prior.trunk_R.parameters()} & {id(p) for p in prior.trunk_L.parameters()}
    assert not shared


def test_the_first_image_is_not_the_second() -> None:
    torch.manual_seed(0)
    prior, a, b = ImagePrior(2, SMALL).eval(), _image(0, 8, 8), _image(1, 8, 8)
    assert not torch.allclose(prior(a, b), prior(b, a), atol=1e-3)


def test_view_is_the_area_resized_square() -> None:
    image = _image(0, 12, 24)
    expected = image.view(2, 3, 4, 3, 4, 6).mean(dim=(3, 5))
    assert torch.allclose(view_of(image, 4), expected, atol=1e-6)
    assert view_of(image, 0) is image
    square = _image(0, 16, 16)
    assert view_of(square, 16) is square
    assert view_of(_image(0, 1, 3), 8).shape == (2, 3, 8, 8)
    assert view_of(torch.full((1, 3, 7, 11), 0.3), 4).sub(0.3).abs().max() < 1e-6


@pytest.mark.parametrize("options", [{"width": 0}, {"blocks": -1}, {"view": -1}])
def test_bad_shapes_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match=r"prior encoder needs|view is -1"):
        PriorConfig(**options)


def test_running_figures_follow_the_batches_in_training_only() -> None:
    standardise, batch = Standardise(4, momentum=0.1), 3 + 2 * torch.randn(500, 4, generator=_generator())
    standardise.eval()
    assert torch.allclose(standardise(batch), batch)  # it starts as the identity
    assert not standardise.mean.any()
    standardise.train()
    out = standardise(batch)
    mean = 0.1 * batch.mean(dim=0)
    variance = 0.9 + 0.1 * (batch - mean).square().mean(dim=0)
    assert torch.allclose(standardise.mean, mean, atol=1e-5)
    assert torch.allclose(standardise.variance, variance, atol=1e-4)
    assert torch.allclose(out, (batch - mean) / variance.sqrt(), atol=1e-4)
    for _ in range(200):
        standardise(batch)
    standardise.eval()
    out = standardise(batch)
    assert torch.allclose(out.mean(dim=0), torch.zeros(4), atol=1e-3)
    assert torch.allclose(out.std(dim=0), torch.ones(4), atol=1e-2)


def test_running_figures_pass_no_gradient_and_later_batches_do_no_harm() -> None:
    standardise, numbers = Standardise(3), torch.randn(5, 3, generator=_generator(), requires_grad=True)
    out = standardise(numbers)
    scale = standardise.variance.rsqrt()
    standardise(7 * numbers.detach())  # moves the figures before the gradient is taken
    out.sum().backward()
    assert numbers.grad is not None
    assert torch.allclose(numbers.grad, scale.expand(5, 3))


def test_running_figures_belong_to_the_weights() -> None:
    names = set(ImagePrior(1, SMALL).state_dict())
    assert {"trunk.standardise.mean", "trunk.standardise.variance"} <= names
    assert "mean" not in dict(Standardise(3).named_parameters())
