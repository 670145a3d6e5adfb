"""Muon: the orthogonal step in closed form, and AdamW where it does not apply."""

import copy
from unittest import mock

import pytest
import torch
from torch import Tensor, nn

from restorect.train import muon
from restorect.train.muon import MuonAdam, is_matrix, orthogonal_stacks
from restorect.train.optimisers import make_optimiser
from restorect.train.recipes import OptimiserRecipe


def jordan(matrix: Tensor) -> Tensor:
    """The iteration as it is defined, on one matrix."""
    x = matrix.mT if matrix.shape[0] > matrix.shape[1] else matrix
    x = x / x.norm()
    for _ in range(5):
        gram = x @ x.mT
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return x.mT if matrix.shape[0] > matrix.shape[1] else x


def orthogonal(matrices: Tensor) -> Tensor:
    """Of one stack."""
    return orthogonal_stacks([matrices])[0]


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("shape", [(16, 16), (48, 20), (20, 48)])
def test_orthogonal_keeps_the_vectors_and_levels_the_values(shape: tuple[int, int]) -> None:
    matrix = noise(*shape)
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    inner = u.mT @ orthogonal(matrix[None])[0] @ v.mT
    values = inner.diagonal()
    assert values.min() > 0.6
    assert values.max() < 1.25
    assert (inner - torch.diag(values)).abs().max() < 1e-4


@pytest.mark.parametrize("shape", [(16, 16), (20, 25), (48, 20), (20, 48), (32, 288), (128, 1152)])
@pytest.mark.parametrize("rank", [1, 4, 16])
def test_a_stack_is_jordans_iteration_of_each_matrix(shape: tuple[int, int], rank: int) -> None:
    few = noise(3, shape[0], rank) @ noise(3, rank, shape[1], seed=1)  # as of the gradients of small batches
    matrices = torch.cat([few + 1e-6 * noise(3, *shape, seed=2), noise(2, *shape, seed=3)])
    for levelled, matrix in zip(orthogonal(matrices), matrices, strict=True):
        exact = jordan(matrix.double())
        assert (levelled - exact).norm() < 1e-3 * exact.norm()
        assert (levelled - exact).abs().max() < 1e-4


@pytest.mark.parametrize("rounding", [1, 64])
def test_stacks_of_several_shapes_are_padded_without_a_trace(rounding: int) -> None:
    shapes = [(2, 16, 24), (1, 16, 17), (3, 70, 20), (1, 20, 256), (2, 16, 256), (1, 24, 24)]
    stacks = [noise(*shape, seed=i) for i, shape in enumerate(shapes)]
    with mock.patch.object(muon, "_rounding", return_value=rounding):
        together = orthogonal_stacks(stacks)
    for levelled, stack in zip(together, stacks, strict=True):
        for one, matrix in zip(levelled, stack, strict=True):
            assert (one - jordan(matrix.double())).abs().max() < 1e-4


def test_orthogonal_ignores_the_scale_and_survives_zero() -> None:
    matrices = noise(2, 16, 24)
    assert torch.allclose(orthogonal(matrices), orthogonal(1e-4 * matrices), atol=1e-4)
    both = orthogonal(torch.stack([torch.zeros(16, 24), matrices[0]]))
    assert torch.equal(both[0], torch.zeros(16, 24))
    assert torch.allclose(both[1], orthogonal(matrices[:1])[0], atol=1e-6)


def test_many_weights_move_as_each_would_alone() -> None:
    shapes = [(16, 8, 3, 3), (32, 16), (16, 32), (16, 8, 3, 3), (24, 24)]
    params = [nn.Parameter(torch.zeros(shape)) for shape in shapes]
    params[0].data = params[0].data.to(memory_format=torch.channels_last)
    optimiser = MuonAdam([{"params": params, "muon": True, "lr": 0.01}])
    momenta, wanted = [torch.zeros(s) for s in shapes], [torch.zeros(s) for s in shapes]
    for step in range(3):
        for i, (p, shape) in enumerate(zip(params, shapes, strict=True)):
            if (step, i) == (1, 2):
                continue  # it had no part in that step
            p.grad = noise(*shape, seed=10 * step + i).contiguous(memory_format=torch.preserve_format)
            momenta[i] = 0.95 * momenta[i] + 0.05 * p.grad
            rows = jordan((0.05 * p.grad + 0.95 * momenta[i]).flatten(1))
            wanted[i] = wanted[i] - 0.01 * 0.2 * max(rows.shape) ** 0.5 * rows.view(shape)
        optimiser.step()
    for p, expected in zip(params, wanted, strict=True):
        assert torch.allclose(p, expected, atol=1e-7)


def test_products_are_exact_whatever_the_process_allows_and_that_stays_so() -> None:
    seen: list[str] = []

    def noted(stacks: list[Tensor]) -> list[Tensor]:
        seen.append(torch.get_float32_matmul_precision())
        return stacks

    p = nn.Parameter(torch.zeros(16, 16))
    p.grad = noise(16, 16)
    before = torch.get_float32_matmul_precision()
    try:
        torch.set_float32_matmul_precision("high")
        with mock.patch.object(muon, "orthogonal_stacks", noted):
            MuonAdam([{"params": [p], "muon": True}]).step()
        assert seen == ["highest"]
        assert torch.get_float32_matmul_precision() == "high"
    finally:
        torch.set_float32_matmul_precision(before)


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


def test_a_state_goes_on_whether_adamws_half_is_fused_or_not() -> None:
    def make(fused: bool) -> tuple[nn.Linear, MuonAdam]:
        torch.manual_seed(0)
        layer = nn.Linear(32, 32)
        groups = [{"params": [layer.weight], "muon": True}, {"params": [layer.bias], "muon": False}]
        return layer, MuonAdam(groups, fused=fused)

    def step(layer: nn.Linear, optimiser: MuonAdam) -> None:
        optimiser.zero_grad()
        (layer(torch.ones(2, 32)) - 1).square().sum().backward()
        optimiser.step()

    ends = []
    for before, after in ((False, False), (False, True), (True, False)):
        layer, optimiser = make(before)
        step(layer, optimiser)
        other, resumed = make(after)
        other.load_state_dict(layer.state_dict())
        resumed.load_state_dict(copy.deepcopy(optimiser.state_dict()))
        step(other, resumed)
        ends.append(other)
    for other in ends[1:]:
        assert torch.allclose(other.weight, ends[0].weight, atol=1e-6)
        assert torch.allclose(other.bias, ends[0].bias, atol=1e-6)


def test_a_recipe_chooses_the_rule() -> None:
    net = nn.Sequential(nn.Conv2d(3, 16, 3), nn.Conv2d(16, 16, 3, groups=16))
    device = torch.device("cpu")
    muon = make_optimiser(net, OptimiserRecipe(name="muon"), device)
    assert isinstance(muon, MuonAdam)
    assert [group["muon"] for group in muon.param_groups] == [True, False]
    assert muon.param_groups[0]["params"] == [net[0].weight]
    assert not isinstance(make_optimiser(net, OptimiserRecipe(), device), MuonAdam)
