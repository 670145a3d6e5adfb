"""Muon: the orthogonal step in closed form, and AdamW where it does not apply."""

import copy

import pytest
import torch
from torch import nn

from restorect.train.muon import MuonAdam, is_matrix, orthogonal
from restorect.train.optimisers import make_optimiser
from restorect.train.recipes import OptimiserRecipe


@pytest.mark.parametrize("shape", [(16, 16), (48, 20), (20, 48)])
def test_orthogonal_keeps_the_vectors_and_levels_the_values(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    inner = u.mT @ orthogonal(matrix) @ v.mT
    values = inner.diagonal()
    assert values.min() > 0.6
    assert values.max() < 1.25
    assert (inner - torch.diag(values)).abs().max() < 1e-4


def test_orthogonal_ignores_the_scale_and_survives_zero() -> None:
    matrix = torch.randn(16, 24, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(orthogonal(matrix), orthogonal(1e-4 * matrix), atol=1e-4)
    assert torch.equal(orthogonal(torch.zeros(16, 24)), torch.zeros(16, 24))


def test_which_weights_are_matrices() -> None:
    assert is_matrix(nn.Linear(64, 32).weight)
    assert is_matrix(nn.Conv2d(8, 16, 3).weight)
    assert not is_matrix(nn.Conv2d(32, 32, 3, groups=32).weight)
    assert not is_matrix(nn.Linear(64, 9).weight)
    assert not is_matrix(nn.Linear(64, 32).bias)


def test_a_step_of_muon_is_as_large_as_one_of_adam() -> None:
    p = nn.Parameter(torch.zeros(64, 64, 3, 3))
    p.grad = torch.randn(p.shape, generator=torch.Generator().manual_seed(0)) * 1e-3
    MuonAdam([{"params": [p], "muon": True, "lr": 0.01}]).step()
    assert 0.7 < float(p.detach().square().mean().sqrt()) / (0.2 * 0.01) < 1.2
    assert p.grad is None


def test_the_other_groups_are_adamw() -> None:
    net = nn.Sequential(nn.Linear(32, 32), nn.Linear(32, 32))
    twin = copy.deepcopy(net)
    mine = MuonAdam([{"params": list(net.parameters()), "muon": False, "lr": 1e-2}])
    reference = torch.optim.AdamW(twin.parameters(), lr=1e-2, weight_decay=0.0)
    for step in range(3):
        x = torch.randn(4, 32, generator=torch.Generator().manual_seed(step))
        for model, optimiser in ((net, mine), (twin, reference)):
            optimiser.zero_grad()
            model(x).square().mean().backward()
            optimiser.step()
    for a, b in zip(net.parameters(), twin.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_quadratic_is_minimised() -> None:
    target = torch.randn(32, 32, generator=torch.Generator().manual_seed(0))
    p = nn.Parameter(torch.zeros(32, 32))
    optimiser = MuonAdam([{"params": [p], "muon": True}])
    for step in range(300):
        loss = (p - target).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.param_groups[0]["lr"] = 0.3 * (1 - step / 300)
        optimiser.step()
    assert float((p - target).detach().square().mean()) < 1e-4


def test_its_state_comes_back() -> None:
    def make() -> tuple[nn.Linear, MuonAdam]:
        torch.manual_seed(0)
        layer = nn.Linear(32, 32)
        groups = [{"params": [layer.weight], "muon": True}, {"params": [layer.bias], "muon": False}]
        return layer, MuonAdam(groups)

    def step(layer: nn.Linear, optimiser: MuonAdam) -> None:
        optimiser.zero_grad()
        layer(torch.ones(2, 32)).square().sum().backward()
        optimiser.step()

    first, optimiser = make()
    step(first, optimiser)
    second, resumed = make()
    second.load_state_dict(first.state_dict())
    resumed.load_state_dict(copy.deepcopy(optimiser.state_dict()))
    step(first, optimiser)
    step(second, resumed)
    assert torch.equal(first.weight, second.weight)
    assert torch.equal(first.bias, second.bias)


def test_a_recipe_chooses_the_rule() -> None:
    net = nn.Sequential(nn.Conv2d(3, 16, 3), nn.Conv2d(16, 16, 3, groups=16))
    device = torch.device("cpu")
    muon = make_optimiser(net, OptimiserRecipe(name="muon"), device)
    assert isinstance(muon, MuonAdam)
    assert [group["muon"] for group in muon.param_groups] == [True, False]
    assert muon.param_groups[0]["params"] == [net[0].weight]
    assert not isinstance(make_optimiser(net, OptimiserRecipe(), device), MuonAdam)
