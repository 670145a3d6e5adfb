"""The sampler: from noise to a code in a few steps, differentiable end to end (RF; METHOD 7).

Shapes: x_BD codes, t_B times.
"""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from restorect.configs import require

Velocity = Callable[[Tensor, Tensor], Tensor]
Method = Literal["euler", "heun"]


def sample(velocity: Velocity, x_0: Tensor, steps: int = 4, method: Method = "euler") -> Tensor:
    """Integrate dx/dt = velocity(x, t) from t = 0 to 1 in uniform steps.

    Args:
        velocity: of a point (B, D) at times (B,), giving (B, D).
        x_0: the start (B, D).
        steps: how many, at least 1.
        method: "euler" (one evaluation a step) or "heun" (two; second order).

    Returns:
        The end (B, D). Gradients flow through every step.

    Raises:
        ConfigError: `steps` is below 1 or `method` is unknown.
    """
    require(steps >= 1, f"a flow needs at least 1 step, not {steps}")
    require(method in ("euler", "heun"), f"sampler {method!r} is unknown; choose euler or heun")
    x, h = x_0, 1.0 / steps
    for n in range(steps):
        t = torch.full((len(x),), n * h, device=x.device, dtype=x.dtype)
        v = velocity(x, t)
        if method == "heun":
            v = 0.5 * (v + velocity(x + h * v, t + h))
        x = x + h * v
    return x
