import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from restorect.losses.flex import FlexLoss, flex_layer, flex_loss, inlier_mask, layer_weight, sample_gate


def _draw(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _levels(seed: int, batch: int = 2, channels: tuple[int, int, int] = (8, 4, 4)) -> list[Tensor]:
    return [_draw(seed + n, batch, c, 4 * 2**n, 4 * 2**n) for n, c in enumerate(channels)]


def _reference(student: Tensor, teacher: Tensor) -> list[float]:
    """METHOD 8, steps 1 to 3, in plain loops."""
    teacher = F.adaptive_avg_pool2d(teacher.double(), student.shape[-2:])
    student = student.double()
    result = []
    for s_sample, t_sample in zip(student.flatten(2), teacher.flatten(2), strict=True):
        stds = s_sample.std(dim=1, unbiased=False)
        total = 0.0
        for s, t, std in zip(s_sample, t_sample, stds, strict=True):
            floored = max(std.item(), 0.05 * stds.mean().item(), 1e-3)
            S, T = (s - s.mean()) / floored, (t - s.mean()) / floored
            limit = S.abs().sort().values[math.ceil(0.95 * len(S)) - 1]
            kept = S.abs() <= limit
            total += ((S - T)[kept] ** 2).mean().item()
        result.append(total / len(s_sample))
    return result


@given(st.integers(1, 700))
def test_the_mask_keeps_95_of_100_where_all_differ(n: int) -> None:
    S = torch.linspace(0.1, 1, n)[torch.randperm(n, generator=torch.Generator().manual_seed(n))]
    mask = inlier_mask((S * (-1) ** torch.arange(n)).view(1, 1, n))
    kept = (95 * n + 99) // 100  # ceil(0.95 n) in integers
    assert mask.sum().item() == kept
    if kept < n:
        assert S[mask[0, 0]].max() < S[~mask[0, 0]].min()


@pytest.mark.parametrize("value", [0.0, -3.0])
def test_the_mask_keeps_all_of_a_constant(value: float) -> None:
    assert inlier_mask(torch.full((2, 3, 50), value)).all()


def test_ties_at_the_limit_are_kept() -> None:
    S = torch.cat([torch.zeros(90), torch.ones(8), torch.full((2,), 9.0)]).view(1, 1, 100)
    assert inlier_mask(S).sum().item() == 98


def test_each_sample_and_channel_has_a_mask_of_its_own() -> None:
    S = _draw(0, 3, 4, 40) * torch.logspace(-3, 3, 12).view(3, 4, 1)
    assert (inlier_mask(S).sum(dim=-1) == 38).all()


def test_equal_features_cost_nothing() -> None:
    features = _draw(0, 2, 5, 8, 8)
    assert flex_layer(features, features.clone()).tolist() == [0.0, 0.0]
    levels = _levels(0)
    assert flex_loss(levels, [level.clone() for level in levels], torch.ones(2)).item() == 0


def test_a_constant_apart_costs_its_square_in_stds() -> None:
    student = _draw(0, 2, 3, 16, 16) * torch.tensor([0.5, 1.0, 3.0]).view(1, 3, 1, 1)
    constant = torch.tensor([0.7, -2.0, 0.1]).view(1, 3, 1, 1)
    std = student.std(dim=(2, 3), unbiased=False, keepdim=True)
    expected = (constant / std).square().mean(dim=(1, 2, 3))
    assert torch.allclose(flex_layer(student, student + constant), expected, rtol=1e-4)


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (16, 16)])
def test_agrees_with_plain_loops(size: tuple[int, int]) -> None:
    student, teacher = _draw(0, 2, 4, *size), _draw(1, 2, 4, *size)
    assert flex_layer(student, teacher).tolist() == pytest.approx(_reference(student, teacher), rel=1e-4)


@pytest.mark.parametrize("factor", [2, 4])
def test_a_finer_teacher_is_area_resized(factor: int) -> None:
    student, teacher = _draw(0, 2, 4, 6, 8), _draw(1, 2, 4, 6 * factor, 8 * factor)
    assert flex_layer(student, teacher).tolist() == pytest.approx(_reference(student, teacher), rel=1e-4)


def test_outliers_of_the_student_take_no_part() -> None:
    student, teacher = _draw(0, 1, 1, 10, 10), _draw(1, 1, 1, 10, 10)
    student[0, 0, 0, :5] = torch.tensor([50.0, -60, 70, -80, 90])
    far = teacher.clone()
    far[0, 0, 0, :5] += 1000
    assert torch.equal(flex_layer(student, teacher), flex_layer(student, far))
    far[0, 0, 1, 0] += 10
    assert flex_layer(student, far) > flex_layer(student, teacher)


def test_the_scale_is_the_student_s() -> None:
    student, teacher = _draw(0, 1, 3, 8, 8), _draw(1, 1, 3, 8, 8)
    base = flex_layer(student, teacher)
    assert torch.allclose(flex_layer(100 * student + 7, 100 * teacher + 7), base, rtol=1e-3)
    apart = flex_layer(student, student + 10 * (teacher - student))
    assert torch.allclose(apart, 100 * base, rtol=1e-3)


def test_a_dead_channel_is_measured_by_the_floor() -> None:
    """Its std 0 becomes a twentieth of the mean std of its sample."""
    student = _draw(0, 1, 4, 12, 12)
    student[:, 2] = 0.4
    teacher = student.clone()
    teacher[:, 2] += 0.3
    mean_std = student.std(dim=(2, 3), unbiased=False).mean().item()
    assert flex_layer(student, teacher).item() == pytest.approx((0.3 / (0.05 * mean_std)) ** 2 / 4, rel=1e-4)


def test_a_dead_sample_is_measured_by_the_absolute_floor() -> None:
    student = torch.zeros(1, 3, 6, 6)
    assert flex_layer(student, student + 0.002).item() == pytest.approx(4, rel=1e-4)


def test_gradient_sees_statistics_and_mask_as_constants() -> None:
    """d/dS of the mean masked square: 2 (s - t) / std^2 over the kept pixels and channels, 0 elsewhere."""
    student, teacher = _draw(0, 2, 3, 5, 4).requires_grad_(), _draw(1, 2, 3, 5, 4)
    flex_layer(student, teacher).sum().backward()
    s = student.detach()
    std = s.std(dim=(2, 3), unbiased=False, keepdim=True)
    kept = inlier_mask(((s - s.mean(dim=(2, 3), keepdim=True)) / std).flatten(2)).view_as(s)
    assert kept.sum(dim=(2, 3)).eq(19).all()
    assert student.grad is not None
    assert torch.allclose(student.grad, 2 * (s - teacher) / std**2 * kept / 19 / 3, rtol=1e-4, atol=1e-6)


def test_half_precision_is_computed_in_float32() -> None:
    student, teacher = 1000 * _draw(0, 2, 3, 8, 8), 1000 * _draw(1, 2, 3, 8, 8)
    measured = flex_layer(student.half(), teacher.half())
    assert measured.dtype == torch.float32
    assert torch.equal(measured, flex_layer(student.half().float(), teacher.half().float()))


@pytest.mark.parametrize(
    ("index", "pixels", "weight"),
    [
        (0, 4096, 2.0),
        (1, 4096, 1.41),
        (2, 4096, 1.0),
        (0, 256, 4.0),
        (2, 65536, 0.5),
        (2, 10**9, 0.1),
        (0, 10**9, 0.2),
    ],
)
def test_layer_weights(index: int, pixels: int, weight: float) -> None:
    assert layer_weight(index, pixels) == pytest.approx(weight)


def test_the_gate_lets_near_codes_pass() -> None:
    teacher = _draw(0, 4, 256)
    offsets = torch.tensor([0.0, 0.39, 0.41, 3.0]).view(4, 1)  # 0.4^2 = 0.16
    generated = (teacher + offsets).requires_grad_()
    gate = sample_gate(generated, teacher)
    assert gate.tolist() == [1, 1, 0, 0]
    assert not gate.requires_grad


@pytest.mark.parametrize(("t", "passes"), [(0.62, 1.0), (0.58, 0.0)])
def test_the_gate_stands_at_the_noise_left_at_t_06(t: float, passes: float) -> None:
    noise, code = _draw(0, 1, 4096), torch.zeros(1, 4096)
    noise = noise / noise.square().mean().sqrt()
    assert sample_gate(code + (1 - t) * noise, code).item() == passes


def test_samples_that_do_not_pass_do_not_count() -> None:
    students, teachers = _levels(0, 3), _levels(10, 3)
    alone = flex_loss([s[1:2] for s in students], [t[1:2] for t in teachers], torch.ones(1))
    assert flex_loss(students, teachers, torch.tensor([0.0, 1.0, 0.0])).item() == pytest.approx(alone.item(), rel=1e-5)
    both = flex_loss([s[::2] for s in students], [t[::2] for t in teachers], torch.ones(2))
    assert flex_loss(students, teachers, torch.tensor([1.0, 0.0, 1.0])).item() == pytest.approx(both.item(), rel=1e-5)


def test_without_a_passing_sample_the_loss_is_0_and_moves_nothing() -> None:
    students = [s.requires_grad_() for s in _levels(0)]
    loss = flex_loss(students, _levels(10), torch.zeros(2))
    assert loss.item() == 0
    loss.backward()
    assert all(s.grad is not None and not s.grad.any() for s in students)


def test_the_loss_is_half_the_mean_of_its_weighted_layers() -> None:
    students, teachers = _levels(0), _levels(10)
    weights = (2 * 4.0, 1.41 * 8**0.5, 2.0)  # 16, 64 and 256 pixels: (4096 / n)^(1/4) = 4, 8^(1/2), 2
    total = sum(w * flex_layer(s, t).mean() for w, s, t in zip(weights, students, teachers, strict=True))
    assert flex_loss(students, teachers, torch.ones(2)).item() == pytest.approx(float(total) / 6, rel=1e-5)


def test_module_without_adapters_is_its_function() -> None:
    students, teachers, gate = _levels(0), _levels(10), torch.tensor([1.0, 0.0])
    loss = FlexLoss((8, 4, 4), (8, 4, 4))
    assert not list(loss.parameters())
    assert torch.equal(loss(students, teachers, gate), flex_loss(students, teachers, gate))


def test_different_widths_and_strides_are_joined() -> None:
    """A student of stem 4 and dim 8 beside a teacher of stem 1 and dim 16."""
    torch.manual_seed(0)
    students = [_draw(n, 2, c, 2 * 2**n, 2 * 2**n) for n, c in enumerate((32, 16, 16))]
    teachers = [_draw(10 + n, 2, c, 8 * 2**n, 8 * 2**n) for n, c in enumerate((64, 32, 32))]
    loss = FlexLoss((32, 16, 16), (64, 32, 32))
    joined = []
    for adapter, student in zip(loss.adapters, students, strict=True):
        assert isinstance(adapter, nn.Conv2d)
        assert adapter.kernel_size == (1, 1)
        assert adapter.bias is not None
        joined.append(
            torch.einsum("oi,bihw->bohw", adapter.weight[:, :, 0, 0], student) + adapter.bias.view(1, -1, 1, 1)
        )
    resized = [F.avg_pool2d(teacher, 4) for teacher in teachers]
    value = loss(students, teachers, torch.ones(2))
    assert value.item() == pytest.approx(flex_loss(joined, resized, torch.ones(2)).item(), rel=1e-4)
    value.backward()
    assert all(p.grad is not None and p.grad.any() for p in loss.parameters())


def test_layers_must_match() -> None:
    with pytest.raises(ValueError, match="zip"):
        flex_loss(_levels(0)[:2], _levels(0), torch.ones(2))
    with pytest.raises(ValueError, match="zip"):
        FlexLoss((8, 4), (8, 4, 4))
