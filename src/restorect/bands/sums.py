"""Mean and variance of a map that is seen band by band."""

import math

from torch import Tensor


class Sums:
    """Mean and biased variance over all values, merged band by band in doubles (Chan, Golub and LeVeque 1979)."""

    def __init__(self) -> None:
        self.count, self.mean, self._squares = 0, 0.0, 0.0

    def add(self, x: Tensor) -> None:
        """Take a band of any shape in."""
        flat = x.reshape(-1)
        count, mean = flat.numel(), flat.mean().item()
        # torch.var_mean takes twenty times as long; sums of squares without the mean taken off first lose digits.
        squares = (flat - mean).square_().sum().item()
        away, total = mean - self.mean, self.count + count
        self._squares += squares + away * away * self.count * count / total
        self.mean += away * count / total
        self.count = total

    def scale(self, eps: float) -> float:
        """1 / sqrt(variance + eps)."""
        return 1 / math.sqrt(max(self._squares, 0.0) / self.count + eps)
