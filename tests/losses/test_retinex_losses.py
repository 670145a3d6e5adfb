import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from restorect.losses.retinex import (
    decomposition_loss,
    gradient_smoothness,
    head_loss,
    illumination_target,
    parts_loss,
    structure_smoothness,
)
from restorect.retinex.decomposition import RetinexParts
from restorect.retinex.diffusion import AnisotropicDiffusion, diffuse, diffusion_update


def _draw(seed: int, *shape: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def _parts(seed: int, *size: int) -> RetinexParts:
    return RetinexParts(_draw(seed, 2, 3, *size).requires_grad_(), _draw(seed + 1, 2, 1, *size).requires_grad_())


def _step(column: int, height: float = 1.0) -> Tensor:
    image = torch.zeros(1, 1, 9, 12)
    image[..., column:] = height
    return image


def test_illumination_targets() -> None:
    image = torch.tensor([0.2, 0.5, 0.1]).view(1, 3, 1, 1)
    assert illumination_target(image, clean=False).item() == pytest.approx(0.5)
    assert illumination_target(image, clean=True).item() == pytest.approx(0.5 ** (1 / 2.2))


def test_black_has_a_finite_illumination_gradient() -> None:
    image = torch.zeros(1, 3, 2, 2, requires_grad=True)
    illumination_target(image, clean=True).sum().backward()
    assert image.grad is not None
    assert torch.isfinite(image.grad).all()


def test_flat_illumination_is_smooth() -> None:
    flat, image = torch.full((1, 1, 6, 6), 0.4), _draw(0, 1, 3, 6, 6)
    assert structure_smoothness(flat, image).item() == 0
    assert gradient_smoothness(flat).item() == 0


def test_structure_smoothness_in_closed_form() -> None:
    """A step of L in a flat image costs its full height, at an edge of height 1 exp(-10 / 3) of it (box of 3)."""
    L = _step(6, 0.8)
    share = 9 / (2 * 9 * 12)  # 9 differences among both directions of 9 x 12 pixels
    assert structure_smoothness(L, torch.zeros(1, 3, 9, 12)).item() == pytest.approx(0.8 * share)
    edge = _step(6).expand(1, 3, 9, 12)
    assert structure_smoothness(L, edge).item() == pytest.approx(0.8 * share * math.exp(-10 / 3), rel=1e-5)
    # In the box 1 pixel away the edge still counts, 2 away it does not.
    near, far = (_step(c).expand(1, 3, 9, 12) for c in (7, 8))
    assert structure_smoothness(L, near).item() == pytest.approx(0.8 * share * math.exp(-10 / 3), rel=1e-5)
    assert structure_smoothness(L, far).item() == pytest.approx(0.8 * share)


def test_structure_is_grey_and_looks_both_ways() -> None:
    L = _step(6)
    edge = torch.zeros(1, 3, 9, 12)
    edge[:, 1] = _step(6)[:, 0]  # one channel of three: a grey edge of 1/3
    share = 9 / (2 * 9 * 12)
    assert structure_smoothness(L, edge).item() == pytest.approx(share * math.exp(-10 / 9), rel=1e-5)
    turned = structure_smoothness(L.transpose(2, 3), edge.transpose(2, 3)).item()
    assert turned == pytest.approx(share * math.exp(-10 / 9), rel=1e-5)


def test_gradient_smoothness_in_closed_form() -> None:
    """mean (w d)^2 with w = exp(-|d|), w detached."""
    height = torch.tensor(0.6, requires_grad=True)
    loss = gradient_smoothness(_step(6) * height)
    share, w = 9 / (2 * 9 * 12), math.exp(-0.6)
    assert loss.item() == pytest.approx(share * (w * 0.6) ** 2, rel=1e-4)
    loss.backward()
    assert height.grad is not None
    assert height.grad.item() == pytest.approx(share * 2 * w**2 * 0.6, rel=1e-4)


def test_gradient_smoothness_weighs_by_the_length_of_the_gradient() -> None:
    L = torch.tensor([[0.0, 0.3], [0.4, 0.7]]).view(1, 1, 2, 2)
    corner = math.exp(-2 * 0.5) * (0.3**2 + 0.4**2)  # length 0.5
    expected = corner + math.exp(-2 * 0.4) * 0.4**2 + math.exp(-2 * 0.3) * 0.3**2
    assert gradient_smoothness(L).item() == pytest.approx(expected / 8, rel=1e-4)


def test_gradients_are_finite_on_flat_illumination() -> None:
    L = torch.full((1, 1, 5, 5), 0.5, requires_grad=True)
    (gradient_smoothness(L) + structure_smoothness(L, torch.full((1, 3, 5, 5), 0.5))).backward()
    assert L.grad is not None
    assert torch.isfinite(L.grad).all()


@pytest.mark.parametrize("clean", [False, True])
def test_parts_loss_adds_the_weighted_terms(clean: bool) -> None:
    image, (R, L), s = _draw(9, 2, 3, 8, 7), _parts(0, 8, 7), torch.tensor(0.3)
    brightest = image.max(dim=1, keepdim=True).values
    expected = (
        (R * L - image).abs().mean()
        + 0.1 * (L - (brightest ** (1 / 2.2) if clean else brightest)).square().mean()
        + 0.1 * structure_smoothness(L, image)
        + 0.05 * (diffusion_update(R, 0.3) - diffusion_update(image, 0.3)).abs().mean()
        + 0.05 * gradient_smoothness(L)
    )
    assert parts_loss(image, RetinexParts(R, L), s, clean).item() == pytest.approx(expected.item(), rel=1e-5)


def test_decomposition_loss_names_its_terms() -> None:
    low, high, low_parts, high_parts = _draw(8, 2, 3, 6, 6), _draw(9, 2, 3, 6, 6), _parts(0, 6, 6), _parts(4, 6, 6)
    net = AnisotropicDiffusion(0.2)
    terms = decomposition_loss(low, high, low_parts, high_parts, net)
    s = torch.tensor(0.2)
    expected = {
        "low": parts_loss(low, low_parts, s, clean=False),
        "high": parts_loss(high, high_parts, s, clean=True),
        "agreement": 0.1 * (low_parts.R - high_parts.R).abs().mean(),
        "diffusion": (diffuse(low_parts.R, 0.2, 4) - high_parts.R).abs().mean(),
    }
    assert {name: t.item() for name, t in terms.items()} == pytest.approx(
        {name: t.item() for name, t in expected.items()}, rel=1e-5
    )


def test_only_the_diffusion_fit_moves_the_threshold_and_nothing_else() -> None:
    low, high, low_parts, high_parts = _draw(8, 2, 3, 6, 6), _draw(9, 2, 3, 6, 6), _parts(0, 6, 6), _parts(4, 6, 6)
    net = AnisotropicDiffusion()
    terms = decomposition_loss(low, high, low_parts, high_parts, net)
    images = [*low_parts, *high_parts]
    gradients = torch.autograd.grad(terms["diffusion"], [net.log_s, *images], allow_unused=True)
    assert gradients[0] is not None
    assert gradients[0].item() != 0
    assert gradients[1:] == (None,) * 4
    rest = terms["low"] + terms["high"] + terms["agreement"]
    gradients = torch.autograd.grad(rest, [net.log_s, *images], allow_unused=True)
    assert gradients[0] is None
    assert all(g is not None and g.any() for g in gradients[1:])


def test_a_perfect_decomposition_costs_only_smoothness() -> None:
    image = _draw(0, 1, 3, 6, 6)
    image = image / image.amax(dim=1, keepdim=True)  # so that the illumination is 1 everywhere
    parts = RetinexParts(image, torch.ones(1, 1, 6, 6))
    assert parts_loss(image, parts, torch.tensor(0.1), clean=False).item() == pytest.approx(0, abs=1e-7)
    assert parts_loss(image, parts, torch.tensor(0.1), clean=True).item() == pytest.approx(0, abs=1e-7)


@pytest.mark.parametrize("stem", [1, 2, 4])
def test_head_losses_compare_with_area_resized_targets(stem: int) -> None:
    low, high_parts = _draw(0, 2, 3, 16, 8), _parts(1, 16, 8)
    encoder, decoder = _parts(3, 16 // stem, 8 // stem), _parts(5, 16 // stem, 8 // stem)
    first, second = head_loss(encoder, decoder, low, high_parts)
    assert first.item() == pytest.approx(
        (encoder.R * encoder.L - F.avg_pool2d(low, stem)).abs().mean().item(), rel=1e-5
    )
    target = torch.cat([F.avg_pool2d(part, stem) for part in high_parts], dim=1)
    assert second.item() == pytest.approx((torch.cat(decoder, dim=1) - target).abs().mean().item(), rel=1e-5)


def test_head_losses_are_0_where_the_heads_are_right() -> None:
    parts = _parts(0, 8, 8)
    first, second = head_loss(parts, parts, parts.image(), parts)
    assert (first.item(), second.item()) == (0, 0)
