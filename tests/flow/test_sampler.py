import math

import pytest
import torch
from torch import Tensor

from restorect.errors import ConfigError
from restorect.flow.sampler import Method, sample


def _draw(seed: int, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


@pytest.mark.parametrize("method", ["euler", "heun"])
@pytest.mark.parametrize("steps", range(1, 51))
def test_the_exact_velocity_lands_on_the_data(steps: int, method: Method) -> None:
    x_0, x_1 = _draw(0, 3, 256), _draw(1, 3, 256)
    assert torch.allclose(sample(lambda x, t: x_1 - x_0, x_0, steps, method), x_1, rtol=0, atol=1e-5)


@pytest.mark.parametrize("steps", [1, 4, 50])
def test_the_velocity_of_one_data_point_lands_on_it(steps: int) -> None:
    """Where all data is one point, v(x, t) = (x_1 - x) / (1 - t); Euler ends on it from anywhere."""
    x_1 = _draw(1, 3, 256)
    end = sample(lambda x, t: (x_1 - x) / (1 - t[:, None]), _draw(0, 3, 256), steps)
    assert torch.allclose(end, x_1, rtol=0, atol=1e-5)


def test_the_velocity_is_asked_at_uniform_times_before_the_end() -> None:
    asked: list[list[float]] = []

    def velocity(x: Tensor, t: Tensor) -> Tensor:
        asked.append(t.tolist())
        return torch.zeros_like(x)

    sample(velocity, torch.zeros(2, 5), 4)
    assert asked == [[0.0] * 2, [0.25] * 2, [0.5] * 2, [0.75] * 2]
    asked.clear()
    sample(velocity, torch.zeros(2, 5), 2, "heun")
    assert asked == [[0.0] * 2, [0.5] * 2, [0.5] * 2, [1.0] * 2]


def test_one_euler_step_is_one_evaluation() -> None:
    x_0 = _draw(0, 2, 4)
    assert torch.equal(sample(lambda x, t: 3 * x + t[:, None], x_0, 1), 4 * x_0)


@pytest.mark.parametrize(("method", "order"), [("euler", 1), ("heun", 2)])
def test_order_of_convergence(method: Method, order: int) -> None:
    """dx/dt = x cos t ends on x_0 exp(sin 1)."""
    x_0 = torch.tensor([[1.0, -2.0]], dtype=torch.float64)
    exact = x_0 * math.exp(math.sin(1))

    def error(steps: int) -> float:
        return (sample(lambda x, t: x * torch.cos(t)[:, None], x_0, steps, method) - exact).abs().max().item()

    slopes = [math.log2(error(n) / error(2 * n)) for n in (16, 32, 64)]
    assert slopes == pytest.approx([order] * 3, abs=0.1)


def test_heun_in_closed_form() -> None:
    """One Heun step of dx/dt = a x multiplies by 1 + a + a^2/2."""
    x_0 = torch.tensor([[1.0]], dtype=torch.float64)
    assert sample(lambda x, t: 0.6 * x, x_0, 1, "heun").item() == pytest.approx(1 + 0.6 + 0.18)


@pytest.mark.parametrize("method", ["euler", "heun"])
def test_gradients_flow_through_every_step(method: Method) -> None:
    x_0 = _draw(0, 2, 3, dtype=torch.float64).requires_grad_()
    w = _draw(1, 3, 3, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x, w: sample(lambda y, t: torch.tanh(y @ w) + t[:, None], x, 4, method), (x_0, w)
    )


def test_gradient_of_the_start_in_closed_form() -> None:
    x_0 = torch.ones(1, 2, dtype=torch.float64, requires_grad=True)
    sample(lambda x, t: 0.5 * x, x_0, 4).sum().backward()
    assert x_0.grad is not None
    assert x_0.grad.flatten().tolist() == pytest.approx([1.125**4] * 2)


@pytest.mark.parametrize("steps", [0, -3])
def test_no_step_is_refused(steps: int) -> None:
    with pytest.raises(ConfigError, match="at least 1 step"):
        sample(lambda x, t: x, torch.zeros(1, 2), steps)


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(ConfigError, match="'rk4' is unknown; choose euler or heun"):
        sample(lambda x, t: x, torch.zeros(1, 2), 4, "rk4")  # type: ignore[arg-type]
