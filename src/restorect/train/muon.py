"""Muon: momentum whose steps on weight matrices are made orthogonal (Jordan 2024; Liu et al. 2025, arXiv 2502.16982).

Shapes: a convolution's weight (O, I, kh, kw) counts as the matrix (O, I kh kw); B matrices of one shape are a stack.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the quintic iteration, chosen by Jordan for its slope at 0
_ADAM_RMS = 0.2  # what an element of an Adam step has, in shares of the learning rate, once training is under way
_WIDE = 1.5  # from this many columns a row on, iterating on the Gram matrix takes fewer multiplications


def orthogonal(matrices: Tensor, iterations: int = 5) -> Tensor:
    """Bring all singular values of each of a stack of matrices (B, M, N) near 1; their singular vectors stay.

    The singular values end between about 0.7 and 1.2. An iteration is X <- (a + b G + c G^2) X with G = X X^T.
    """
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = x / (x.flatten(1).norm(dim=1)[:, None, None] + 1e-12)
    steps = _on_gram if x.shape[2] >= _WIDE * x.shape[1] else _on_matrix
    x = steps(x, iterations)
    return x.mT if tall else x


def _on_matrix(x: Tensor, iterations: int) -> Tensor:
    a, b, c = _COEFFICIENTS
    for _ in range(iterations):
        gram = torch.bmm(x, x.mT)
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x


def _on_gram(x: Tensor, iterations: int) -> Tensor:
    """The same for wide matrices: P = a + b G + c G^2 commutes with G, so G <- P G P needs no X until the end."""
    a, b, c = _COEFFICIENTS
    gram, product = torch.bmm(x, x.mT), None
    for left in reversed(range(iterations)):
        factor = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        factor.diagonal(dim1=1, dim2=2).add_(a)
        product = factor if product is None else torch.bmm(factor, product)
        if left:
            gram = torch.bmm(torch.bmm(factor, gram), factor)
    return x if product is None else torch.bmm(product, x)


def is_matrix(p: Tensor) -> bool:
    """Whether Muon suits a weight: a matrix or a dense convolution, not a depthwise one, a vector or a few rows."""
    return p.ndim >= 2 and min(p.shape[0], p[0].numel()) >= 16


class MuonAdam(torch.optim.AdamW):
    """Muon for groups with `muon: True`, AdamW for the others; both take steps of about the same size for one `lr`.

    Args:
        groups: parameter groups with `params` and `muon`.
        betas: of AdamW.
        momentum: of Muon.
        fused: AdamW in one kernel.
    """

    def __init__(
        self,
        groups: Iterable[dict[str, Any]],
        betas: tuple[float, float] = (0.9, 0.999),
        momentum: float = 0.95,
        fused: bool = False,
    ) -> None:
        super().__init__(groups, betas=betas, weight_decay=0.0, fused=fused)
        self.momentum = momentum

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        """Take one step with the gradients there are, and forget those that Muon used."""
        for group in self.param_groups:
            moved = [p for p in group["params"] if p.grad is not None] if group["muon"] else []
            if moved:
                self._follow(moved, group["lr"])
            for p in moved:
                p.grad = None  # what has no gradient, AdamW leaves alone
        super().step()

    def _follow(self, params: list[Tensor], lr: float) -> None:
        grads = [p.grad for p in params if p.grad is not None]
        momenta = [self._momentum(p) for p in params]
        torch._foreach_lerp_(momenta, grads, 1 - self.momentum)
        ahead = torch._foreach_lerp(grads, momenta, self.momentum)  # Nesterov
        with _exact_products():
            for indices in _by_shape(ahead):
                rows = orthogonal(torch.stack([ahead[i].flatten(1) for i in indices]))
                steps = [row.view_as(params[i]) for i, row in zip(indices, rows.unbind(), strict=True)]
                size = lr * _ADAM_RMS * max(rows.shape[1:]) ** 0.5
                torch._foreach_add_([params[i] for i in indices], steps, alpha=-size)

    def _momentum(self, p: Tensor) -> Tensor:
        state = self.state[p]
        if not state:  # AdamW looks for a step in every state that it loads
            state |= {"step": torch.zeros(()), "momentum": torch.zeros_like(p)}
        momentum: Tensor = state["momentum"]
        return momentum


def _by_shape(tensors: Sequence[Tensor]) -> list[list[int]]:
    """Indices of the tensors that are matrices of one shape: a hundred products in a row cost more than one of all."""
    groups: dict[tuple[int, int], list[int]] = {}
    for index, tensor in enumerate(tensors):
        groups.setdefault((tensor.shape[0], tensor[0].numel()), []).append(index)
    return list(groups.values())


@contextmanager
def _exact_products() -> Iterator[None]:
    """Products in float32 throughout: on the Gram matrix an error of TF32 grows twelvefold with each iteration."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
