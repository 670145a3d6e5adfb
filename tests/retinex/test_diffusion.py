import math

import pytest
import torch

from restorect.retinex.diffusion import AnisotropicDiffusion, diffuse, diffusion_update, divergence, gradient

SIZES = [(1, 1), (1, 6), (6, 1), (2, 2), (7, 9)]


def _draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_gradient_is_forward_differences() -> None:
    u = torch.tensor([[1.0, 4.0, 9.0], [2.0, 8.0, 5.0]])[None, None]
    dx, dy = gradient(u)
    assert dx[0, 0].tolist() == [[3, 5, 0], [6, -3, 0]]
    assert dy[0, 0].tolist() == [[1, 4, -4], [0, 0, 0]]


@pytest.mark.parametrize("size", SIZES)
def test_divergence_is_the_negative_adjoint_of_gradient(size: tuple[int, int]) -> None:
    u, p = _draw(2, 3, *size), _draw(2, 2, 3, *size, seed=1)
    left, right = (gradient(u) * p).sum(), -(u * divergence(p)).sum()
    assert left.item() == pytest.approx(right.item(), abs=1e-12)
    in_float32 = (gradient(u.float()) * p.float()).sum(), -(u.float() * divergence(p.float())).sum()
    assert in_float32[0].item() == pytest.approx(in_float32[1].item(), abs=1e-4)


@pytest.mark.parametrize("size", SIZES)
def test_diffusion_keeps_a_constant(size: tuple[int, int]) -> None:
    u = torch.full((1, 3, *size), 0.3)
    assert torch.equal(diffuse(u, 0.1), u)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("s", [0.01, 0.1, 1.0])
def test_diffusion_keeps_the_mean_of_each_channel(size: tuple[int, int], s: float) -> None:
    u = _draw(2, 3, *size)
    out = diffuse(u, s, steps=9)
    assert torch.allclose(out.mean(dim=(2, 3)), u.mean(dim=(2, 3)), atol=1e-14)
    assert torch.allclose(diffusion_update(u, s).sum(dim=(2, 3)), torch.zeros(2, 3, dtype=u.dtype), atol=1e-12)


def test_an_update_in_closed_form() -> None:
    """Two pixels, d apart: c d flows from the higher to the lower."""
    d, s = 0.3, 0.2
    u = torch.tensor([[0.1, 0.1 + d]], dtype=torch.float64)[None, None]
    flow = math.exp(-((d / s) ** 2)) * d
    assert diffusion_update(u, s).flatten().tolist() == pytest.approx([flow, -flow], abs=1e-15)
    assert diffuse(u, s, steps=1).flatten().tolist() == pytest.approx([0.1 + 0.2 * flow, 0.1 + d - 0.2 * flow])


def test_conductivity_sees_both_directions() -> None:
    """At a corner the squared length counts both differences."""
    u = torch.tensor([[0.0, 0.3], [0.4, 0.0]], dtype=torch.float64)[None, None]
    c = math.exp(-(0.25) / 0.16)  # |grad u|^2 = 0.09 + 0.16 at the corner
    assert diffusion_update(u, 0.4)[0, 0, 0, 0].item() == pytest.approx(c * 0.7)


def test_noise_goes_and_edges_stay() -> None:
    clean = torch.zeros(1, 1, 24, 24, dtype=torch.float64)
    clean[..., 12:] = 0.8
    noisy = clean + 0.02 * _draw(1, 1, 24, 24)
    out = diffuse(noisy, 0.1, steps=20)
    assert (out - clean).std() < 0.5 * (noisy - clean).std()
    assert (out[..., 12] - out[..., 11]).mean() > 0.75


def test_channels_do_not_mix() -> None:
    u = _draw(2, 3, 6, 5)
    alone = torch.stack([torch.cat([diffuse(u[b : b + 1, c : c + 1], 0.5)[0] for c in range(3)]) for b in range(2)])
    assert torch.equal(diffuse(u, 0.5), alone)


def test_update_passes_gradcheck() -> None:
    u = _draw(1, 2, 4, 3).requires_grad_()
    s = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(diffusion_update, (u, s))
    assert torch.autograd.gradcheck(lambda u, s: diffuse(u, s, steps=2), (u, s))


def test_gradients_are_finite_on_flat_areas() -> None:
    u = torch.full((1, 3, 5, 5), 0.5, requires_grad=True)
    net = AnisotropicDiffusion()
    net(u).square().sum().backward()
    assert u.grad is not None
    assert torch.allclose(u.grad, torch.ones_like(u))
    assert net.log_s.grad is not None
    assert net.log_s.grad.item() == 0


def test_module_is_its_function_and_starts_at_a_tenth() -> None:
    net, u = AnisotropicDiffusion(), _draw(1, 3, 8, 8).float()
    assert net.s.item() == pytest.approx(0.1)
    assert torch.equal(net(u), diffuse(u, net.s, steps=4, tau=0.2))


@pytest.mark.parametrize(("start", "kept"), [(5.0, 1.0), (1e-5, 0.01), (0.2, 0.2)])
def test_clamp_keeps_the_threshold_and_its_gradient(start: float, kept: float) -> None:
    net = AnisotropicDiffusion(start)
    net.clamp_()
    assert net.s.item() == pytest.approx(kept, rel=1e-6)
    net(0.1 * _draw(1, 1, 6, 6).float()).square().sum().backward()
    assert net.log_s.grad is not None
    assert net.log_s.grad.item() != 0


def test_the_threshold_is_learned_from_pairs() -> None:
    """The diffusion fit finds that noise of 0.05 wants a threshold well above its start."""
    clean = torch.zeros(1, 1, 24, 24)
    clean[..., 12:] = 0.9
    noisy = clean + 0.05 * _draw(1, 1, 24, 24).float()
    net = AnisotropicDiffusion(0.03)
    optimiser = torch.optim.Adam(net.parameters(), lr=0.05)
    for _ in range(60):
        optimiser.zero_grad()
        (net(noisy) - clean).abs().mean().backward()
        optimiser.step()
        net.clamp_()
    assert 0.1 < net.s.item() < 0.6
