"""Support vector regression with a Gaussian kernel, for metrics that learn from opinion scores.

Shapes: N training samples, M samples, D features, K outputs.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from restorect.errors import DataError

_SWEEPS = 2000
_TOLERANCE = 1e-4
_FAR = 1e3


@dataclass(frozen=True, kw_only=True)
class Regressor:
    """K regressions over one set of support vectors: y_k(x) = sum_i c_ik (exp(-gamma |x_i - x|^2) + 1).

    Features are first scaled to [-1, 1] by the training data's `low` and `high` (D,); `support` (N, D) is scaled.
    """

    low: Tensor
    high: Tensor
    support: Tensor
    coefficients: Tensor
    gamma: Tensor

    def predict(self, features_MD: Tensor) -> Tensor:
        """Values (M, K), float64."""
        scaled = _scaled(features_MD.double(), self.low, self.high)
        return _kernel(scaled, self.support, float(self.gamma)) @ self.coefficients

    @property
    def tensors(self) -> dict[str, Tensor]:
        """What a file of parameters holds."""
        return {name: getattr(self, name) for name in ("low", "high", "support", "coefficients", "gamma")}

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> "Regressor":
        """Back from `tensors`."""
        return cls(**tensors)

    @classmethod
    def of_libsvm(cls, model: str, ranges: str) -> "Regressor":
        """One regression in libsvm's text formats (Chang, Lin, ACM TIST 2(3), 2011).

        libsvm's kernel has no constant, but its value a bias, -rho: here, the coefficient of a support vector that is
        too far away to be near anything.

        Args:
            model: of `svm-train`, an epsilon-SVR with a Gaussian kernel, no feature left out for being 0.
            ranges: of `svm-scale`, to [-1, 1].
        """
        head, _, body = model.partition("SV\n")
        facts = dict(line.split(" ", 1) for line in head.splitlines())
        limits = [[float(word) for word in line.split()[1:]] for line in ranges.splitlines()[2:]]
        low, high = torch.tensor(limits, dtype=torch.float64).unbind(dim=1)
        rows = [[float(word.split(":")[-1]) for word in line.split()] for line in body.splitlines()]
        table = torch.tensor(rows, dtype=torch.float64)
        coefficients, support = table[:, :1], table[:, 1:]
        bias = -float(facts["rho"]) - coefficients.sum(dim=0, keepdim=True)
        return cls(
            low=low,
            high=high,
            support=torch.cat([support, torch.full_like(support[:1], _FAR)]),
            coefficients=torch.cat([coefficients, bias]),
            gamma=torch.tensor(float(facts["gamma"]), dtype=torch.float64),
        )


def fit_svr(
    features_ND: Tensor,
    targets_NK: Tensor,
    *,
    gamma: float,
    C: float,
    epsilon: float,
    limits: tuple[Tensor, Tensor] | None = None,
) -> Regressor:
    """Fit K epsilon-insensitive regressions: min 1/2 |w|^2 + C sum max(0, |y - w.x| - epsilon).

    The bias is one more weight (a constant added to the kernel), so that the dual has no equality constraint and
    coordinate descent solves it (Ho, Lin, JMLR 13, 2012). Features are scaled by their own extremes, or by `limits`.

    Raises:
        DataError: a feature or target is not finite, or there are fewer than two samples.
    """
    if len(features_ND) < 2:
        raise DataError(f"a regression needs at least 2 rated photographs, got {len(features_ND)}")
    if not bool(features_ND.isfinite().all() and targets_NK.isfinite().all()):
        raise DataError("a photograph without texture, or a score that is no number, cannot be learnt from; remove it")
    features = features_ND.double()
    low, high = limits or (features.amin(dim=0), features.amax(dim=0))
    scaled = _scaled(features, low, high)
    kernel = _kernel(scaled, scaled, gamma)
    solved = [_solve(kernel, y, C, epsilon) for y in targets_NK.double().unbind(dim=1)]
    coefficients = torch.stack(solved, dim=1)
    kept = (coefficients != 0).any(dim=1)
    return Regressor(
        low=low,
        high=high,
        support=scaled[kept],
        coefficients=coefficients[kept],
        gamma=torch.tensor(gamma, dtype=torch.float64),
    )


def _solve(kernel_NN: Tensor, y_N: Tensor, C: float, epsilon: float) -> Tensor:
    """The dual, min 1/2 b^T K b - y^T b + epsilon |b|_1 with |b_i| <= C, one coordinate at a time."""
    kernel, y = kernel_NN.numpy(), y_N.numpy()  # a loop of single steps: NumPy has the smaller overhead
    b, predicted, diagonal = np.zeros_like(y), np.zeros_like(y), kernel.diagonal()
    for _ in range(_SWEEPS):
        largest = 0.0
        for i in range(len(b)):
            free = y[i] - predicted[i] + diagonal[i] * b[i]
            shrunk = min(max(abs(free) - epsilon, 0.0) / diagonal[i], C)
            change = (shrunk if free > 0 else -shrunk) - b[i]
            if change != 0:
                b[i] += change
                predicted += change * kernel[i]
                largest = max(largest, abs(change))
        if largest < _TOLERANCE:
            break
    return torch.from_numpy(b)


def _kernel(x_MD: Tensor, support_ND: Tensor, gamma: float) -> Tensor:
    """Gaussian kernel plus the constant that carries the bias: (M, N)."""
    return torch.exp(-gamma * torch.cdist(x_MD, support_ND).square()) + 1


def _scaled(x_MD: Tensor, low_D: Tensor, high_D: Tensor) -> Tensor:
    span = (high_D - low_D).where(high_D > low_D, torch.ones_like(low_D))  # a constant feature says nothing
    return 2 * (x_MD - low_D) / span - 1
