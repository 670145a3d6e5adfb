import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from restorect.losses.flex import CAP, FIT_BATCHES, Adapter, FlexLoss, flex_layer, flex_loss, sample_gate


def _draw(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _levels(seed: int, batch: int = 2, channels: tuple[int, int, int] = (8, 4, 4)) -> list[Tensor]:
    return [_draw(seed + n, batch, c, 4 * 2**n, 4 * 2**n) for n, c in enumerate(channels)]


def _reference(student: Tensor, teacher: Tensor) -> list[float]:
    """The definition in plain loops."""
    teacher = F.adaptive_avg_pool2d(teacher.double(), student.shape[-2:])
    student = student.double()
    variances = [teacher[:, c].var(unbiased=False).item() for c in range(teacher.shape[1])]
    floor = 0.01 * sum(variances) / len(variances)
    result = []
    for s_sample, t_sample in zip(student, teacher, strict=True):
        channels = [
            ((s - t) ** 2 / max(variance, floor)).clamp(max=9.0).mean().item()
            for s, t, variance in zip(s_sample, t_sample, variances, strict=True)
        ]
        result.append(sum(channels) / len(channels))
    return result


def test_equal_features_cost_nothing() -> None:
    features = _draw(0, 2, 5, 8, 8)
    assert flex_layer(features, features.clone()).tolist() == [0.0, 0.0]
    levels = _levels(0)
    assert flex_loss(levels, [level.clone() for level in levels], torch.ones(2)).item() == 0


def test_a_student_that_knows_each_channels_mean_only_costs_1() -> None:
    teacher = _draw(0, 4, 3, 16, 16) * torch.tensor([0.5, 1.0, 3.0]).view(1, 3, 1, 1)
    student = teacher.mean(dim=(0, 2, 3), keepdim=True).expand_as(teacher)
    capped = 1.0  # hardly any of 1,024 normal numbers lies beyond three deviations
    assert flex_layer(student, teacher).mean().item() == pytest.approx(capped, abs=0.02)


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (16, 16)])
def test_agrees_with_plain_loops(size: tuple[int, int]) -> None:
    student, teacher = _draw(0, 2, 4, *size), _draw(1, 2, 4, *size)
    assert flex_layer(student, teacher).tolist() == pytest.approx(_reference(student, teacher), rel=1e-4)


@pytest.mark.parametrize("factor", [2, 4])
def test_a_finer_teacher_is_area_resized(factor: int) -> None:
    student, teacher = _draw(0, 2, 4, 6, 8), _draw(1, 2, 4, 6 * factor, 8 * factor)
    assert flex_layer(student, teacher).tolist() == pytest.approx(_reference(student, teacher), rel=1e-4)


def test_the_scale_is_the_teachers() -> None:
    student, teacher = _draw(0, 1, 3, 8, 8), _draw(1, 1, 3, 8, 8)
    base = flex_layer(student, teacher)
    assert torch.allclose(flex_layer(100 * student + 7, 100 * teacher + 7), base, rtol=1e-3)
    shrunk = flex_layer(0.001 * student, teacher)  # the student's own scale divides nothing
    assert torch.allclose(shrunk, flex_layer(torch.zeros_like(teacher), teacher), rtol=1e-2)


def test_an_outlier_counts_as_three_deviations_and_pulls_no_more() -> None:
    teacher = _draw(0, 1, 2, 10, 10)
    student = teacher.clone().requires_grad_()
    with torch.no_grad():
        student[0, 0, 0, 0] += 1000
        student[0, 0, 0, 1] += 0.1
    loss = flex_layer(student, teacher)
    small = 0.01 / teacher[0, 0].var(unbiased=False).item()
    assert loss.item() == pytest.approx((CAP + small) / 200, rel=1e-3)
    loss.sum().backward()
    assert student.grad is not None
    assert student.grad[0, 0, 0, 0] == 0
    assert student.grad[0, 0, 0, 1] > 0


def test_a_dead_channel_of_the_teacher_does_not_outweigh_the_others() -> None:
    teacher = _draw(0, 1, 4, 12, 12)
    teacher[:, 2] = 0.4
    student = teacher.clone()
    student[:, 2] += 0.05
    mean_variance = teacher.var(dim=(0, 2, 3), unbiased=False).mean().item()
    assert flex_layer(student, teacher).item() == pytest.approx(0.05**2 / (0.01 * mean_variance) / 4, rel=1e-4)


def test_half_precision_is_computed_in_float32() -> None:
    student, teacher = 1000 * _draw(0, 2, 3, 8, 8), 1000 * _draw(1, 2, 3, 8, 8)
    measured = flex_layer(student.half(), teacher.half())
    assert measured.dtype == torch.float32
    assert torch.equal(measured, flex_layer(student.half().float(), teacher.half().float()))


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


def test_the_students_features_count_only_where_the_gate_is_open() -> None:
    students, teachers, gate = _levels(0, 3), _levels(10, 3), torch.tensor([0.0, 1.0, 1.0])
    expected = torch.stack([flex_layer(s, t)[1:].mean() for s, t in zip(students, teachers, strict=True)]).mean()
    assert flex_loss(students, teachers, gate).item() == pytest.approx(expected.item(), rel=1e-5)
    for s in students:
        s[0] = 1000.0
    assert flex_loss(students, teachers, gate).item() == pytest.approx(expected.item(), rel=1e-5)


def test_without_a_passing_sample_the_loss_is_0_and_moves_nothing() -> None:
    students = [s.requires_grad_() for s in _levels(0)]
    loss = flex_loss(students, _levels(10), torch.zeros(2))
    assert loss.item() == 0
    loss.backward()
    assert all(s.grad is not None and not s.grad.any() for s in students)


def _linear_teacher(seed: int, channels: int) -> nn.Conv2d:
    torch.manual_seed(seed)
    return nn.Conv2d(channels, 6, 1)


def test_an_adapter_finds_a_linear_teacher_by_itself() -> None:
    truth, adapter = _linear_teacher(0, 4), Adapter(4, 6)
    with torch.no_grad():
        for seed in range(3):
            x = _draw(seed, 2, 4, 8, 8)
            adapter.observe(x, truth(x))
        adapter.fit()
        x = _draw(9, 2, 4, 8, 8)
        assert torch.allclose(adapter(x), truth(x), atol=0.01)


def test_an_adapter_is_the_ridge_regression_of_what_it_saw() -> None:
    adapter, x, t = Adapter(3, 2), _draw(0, 2, 3, 6, 6), _draw(1, 2, 2, 12, 12)
    adapter.observe(x, t)
    adapter.fit()
    rows = x.transpose(0, 1).flatten(1).T.double()
    wanted = F.adaptive_avg_pool2d(t, (6, 6)).transpose(0, 1).flatten(1).T.double()
    centre, aim = rows.mean(dim=0), wanted.mean(dim=0)
    ridge = 1e-3 * rows.square().mean() * len(rows) * torch.eye(3, dtype=torch.float64)
    solution = torch.linalg.solve((rows - centre).T @ (rows - centre) + ridge, (rows - centre).T @ (wanted - aim))
    assert torch.allclose(adapter.weight[:, :, 0, 0].double(), solution.T, atol=1e-5)
    assert adapter.bias is not None
    assert torch.allclose(adapter.bias.double(), aim - centre @ solution, atol=1e-5)


def test_the_first_batches_fit_the_adapters_and_cost_nothing() -> None:
    loss, truths = FlexLoss((4, 4, 4), (6, 6, 6)), [_linear_teacher(n, 4) for n in range(3)]
    for step in range(FIT_BATCHES + 2):
        students = [_draw(10 * step + n, 2, 4, 8, 8) for n in range(3)]
        with torch.no_grad():
            teachers = [truth(s) for truth, s in zip(truths, students, strict=True)]
        value = loss(students, teachers, torch.ones(2))
        if step < FIT_BATCHES:
            assert not value.requires_grad
        assert value.item() < 1e-4  # then what is linear is known at once
    value.backward()
    assert all(p.grad is not None for p in loss.parameters())


def test_batches_that_the_gate_stops_fit_nothing() -> None:
    loss = FlexLoss((4, 4, 4), (4, 4, 4))
    for _ in range(FIT_BATCHES + 1):
        assert loss(_levels(0, channels=(4, 4, 4)), _levels(10, channels=(4, 4, 4)), torch.zeros(2)).item() == 0
    assert loss.seen.item() == 0


def test_a_resumed_loss_stays_fitted() -> None:
    first, second = FlexLoss((4, 4, 4), (6, 6, 6)), FlexLoss((4, 4, 4), (6, 6, 6))
    students, teachers = _levels(0, channels=(4, 4, 4)), _levels(10, channels=(6, 6, 6))
    for _ in range(FIT_BATCHES):
        first(students, teachers, torch.ones(2))
    second.load_state_dict(first.state_dict())
    value = second(students, teachers, torch.ones(2))
    assert value.item() > 0
    assert value.item() == first(students, teachers, torch.ones(2)).item()
