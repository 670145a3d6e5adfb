"""Muon: momentum whose steps on weight matrices are made orthogonal (Jordan 2024; Liu et al. 2025, arXiv 2502.16982).

Shapes: a convolution's weight (O, I, kh, kw) counts as the matrix (O, I kh kw); B matrices of one shape are a stack.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from restorect.devices import exact_products

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the quintic iteration, chosen by Jordan for its slope at 0
_ADAM_RMS = 0.2  # what an element of an Adam step has, in shares of the learning rate, once training is under way
_WIDE = 1.5  # from this many columns a row on, iterating on the Gram matrix takes fewer multiplications


def orthogonal_stacks(stacks: Sequence[Tensor], iterations: int = 5) -> list[Tensor]:
    """Bring all singular values of each matrix near 1, of stacks (B, M, N) of any shapes; their singular vectors stay.

    The singular values end between about 0.7 and 1.2. An iteration is X <- (a + b G + c G^2) X with G = X X^T. All
    stacks go together through as few products in a row as may be.
    """
    tall = [x.shape[1] > x.shape[2] for x in stacks]
    xs = [x.mT if turned else x for x, turned in zip(stacks, tall, strict=True)]
    xs = [x / (x.flatten(1).norm(dim=1)[:, None, None] + 1e-12) for x in xs]
    wide = [x.shape[2] >= _WIDE * x.shape[1] for x in xs]
    grams = [torch.bmm(x, x.mT) for x, is_wide in zip(xs, wide, strict=True) if is_wide]
    products = iter(_together(grams, lambda gram: _product(gram, iterations)))
    others = iter(_together([x for x, w in zip(xs, wide, strict=True) if not w], lambda x: _iterated(x, iterations)))
    results = [torch.bmm(next(products), x) if w else next(others) for x, w in zip(xs, wide, strict=True)]
    return [x.mT if turned else x for x, turned in zip(results, tall, strict=True)]


def _iterated(x: Tensor, iterations: int) -> Tensor:
    a, b, c = _COEFFICIENTS
    for _ in range(iterations):
        gram = torch.bmm(x, x.mT)
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x


def _product(gram: Tensor, iterations: int) -> Tensor:
    """What all iterations multiply X by, of its Gram matrices: P = a + b G + c G^2 commutes with G, so G <- P G P."""
    a, b, c = _COEFFICIENTS
    product = None
    for left in reversed(range(iterations)):
        factor = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        factor.diagonal(dim1=1, dim2=2).add_(a)
        product = factor if product is None else torch.bmm(factor, product)
        if left:
            gram = torch.bmm(torch.bmm(factor, gram), factor)
    if product is None:
        raise ValueError("at least one iteration is needed")
    return product


def _together(stacks: Sequence[Tensor], work: Callable[[Tensor], Tensor]) -> list[Tensor]:
    """The work on stacks of several shapes, done on few: a GPU takes as long for a small product as for a larger one.

    Zeros around a matrix stay apart from it in every product, so they change nothing.
    """
    groups: dict[tuple[int, int], list[int]] = {}
    for place, x in enumerate(stacks):
        step = _rounding(x.device)
        groups.setdefault((-(-x.shape[1] // step) * step, -(-x.shape[2] // step) * step), []).append(place)
    results = list(stacks)
    for (rows, columns), places in groups.items():
        padded = [F.pad(stacks[i], (0, columns - stacks[i].shape[2], 0, rows - stacks[i].shape[1])) for i in places]
        worked = work(torch.cat(padded)).split([len(x) for x in padded])  # type: ignore[no-untyped-call]
        for i, x in zip(places, worked, strict=True):
            results[i] = x[:, : stacks[i].shape[1], : stacks[i].shape[2]]
    return results


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
        groups = _by_shape(ahead)
        with exact_products():
            stacks = orthogonal_stacks([torch.stack([ahead[i].flatten(1) for i in places]) for places in groups])
            for places, rows in zip(groups, stacks, strict=True):
                steps = [row.reshape(params[i].shape) for i, row in zip(places, rows.unbind(), strict=True)]
                size = lr * _ADAM_RMS * max(rows.shape[1:]) ** 0.5
                torch._foreach_add_([params[i] for i in places], steps, alpha=-size)

    def _momentum(self, p: Tensor) -> Tensor:
        state = self.state[p]
        if not state:  # AdamW looks for a step in every state that it loads
            state |= {"step": torch.zeros(()), "momentum": torch.zeros_like(p)}
        momentum: Tensor = state["momentum"]
        return momentum


def _rounding(device: torch.device) -> int:
    """Sides are padded to multiples of this; a CPU counts every product."""
    return 64 if device.type == "cuda" else 1


def _by_shape(tensors: Sequence[Tensor]) -> list[list[int]]:
    """Indices of the tensors that are matrices of one shape: a hundred products in a row cost more than one of all."""
    groups: dict[tuple[int, int], list[int]] = {}
    for index, tensor in enumerate(tensors):
        groups.setdefault((tensor.shape[0], tensor[0].numel()), []).append(index)
    return list(groups.values())
