"""Muon: momentum whose steps on weight matrices are made orthogonal (Jordan 2024; Liu et al. 2025, arXiv 2502.16982).

Shapes: a convolution's weight (O, I, kh, kw) counts as the matrix (O, I kh kw).
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the quintic iteration, chosen by Jordan for its slope at 0
_ADAM_RMS = 0.2  # what an element of an Adam step has, in shares of the learning rate, once training is under way


def orthogonal(matrix: Tensor, iterations: int = 5) -> Tensor:
    """Bring all singular values of a matrix (M, N) near 1 (between about 0.7 and 1.2); its singular vectors stay."""
    a, b, c = _COEFFICIENTS
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.mT if tall else matrix
    x = x / (x.norm() + 1e-12)
    for _ in range(iterations):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    result: Tensor = x.mT if tall else x
    return result


def is_matrix(p: Tensor) -> bool:
    """Whether Muon suits a weight: a matrix or a dense convolution, not a depthwise one, a vector or a few rows."""
    return p.ndim >= 2 and min(p.shape[0], p[0].numel()) >= 16


class MuonAdam(torch.optim.AdamW):
    """Muon for groups with `muon: True`, AdamW for the others; both take steps of about the same size for one `lr`.

    Args:
        groups: parameter groups with `params` and `muon`.
        betas: of AdamW.
        momentum: of Muon.
        dtype: of the iterations that make a step orthogonal; they bear bfloat16.
    """

    def __init__(
        self,
        groups: Iterable[dict[str, Any]],
        betas: tuple[float, float] = (0.9, 0.999),
        momentum: float = 0.95,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__(groups, betas=betas, weight_decay=0.0)
        self.momentum, self.dtype = momentum, dtype

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        """Take one step with the gradients there are, and forget those that Muon used."""
        for group in self.param_groups:
            for p in group["params"] if group["muon"] else ():
                if p.grad is not None:
                    self._follow(p, p.grad, group["lr"])
                    p.grad = None  # what has no gradient, AdamW leaves alone
        super().step()

    def _follow(self, p: Tensor, grad: Tensor, lr: float) -> None:
        state = self.state[p]
        if not state:  # AdamW looks for a step in every state that it loads
            state |= {"step": torch.zeros(()), "momentum": torch.zeros_like(grad)}
        state["momentum"].lerp_(grad, 1 - self.momentum)
        ahead = grad.lerp(state["momentum"], self.momentum)  # Nesterov
        rows = orthogonal(ahead.flatten(1).to(self.dtype)).to(p.dtype)
        p.add_(rows.view_as(p), alpha=-lr * _ADAM_RMS * max(rows.shape) ** 0.5)
