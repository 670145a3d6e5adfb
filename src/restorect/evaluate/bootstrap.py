"""How sure a mean over photographs is: the bootstrap over images (Efron, Annals of Statistics 7(1), 1979)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from restorect.configs import require

RESAMPLES = 2000
LEVEL = 0.95


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A mean over images.

    Attributes:
        mean: of the images.
        std: their spread (population standard deviation).
        low: lower end of the confidence interval of the mean.
        high: upper end.
        count: images.
    """

    mean: float
    std: float
    low: float
    high: float
    count: int


def estimate(values: Sequence[float], *, seed: int = 0, level: float = LEVEL, resamples: int = RESAMPLES) -> Estimate:
    """Mean, spread, and percentile bootstrap interval of the mean; the same values and seed give the same interval.

    Args:
        values: one finite score an image, at least one.
        seed: of the resampling.
        level: of the interval, between 0 and 1.
        resamples: samples drawn with replacement.

    Raises:
        ConfigError: no value, one that is not finite, or a level outside (0, 1).
    """
    scores = np.asarray(values, dtype=np.float64)
    require(scores.ndim == 1 and scores.size > 0, "a mean needs at least one score")
    require(bool(np.isfinite(scores).all()), "a score is not finite; it cannot enter a mean")
    require(0 < level < 1, f"level is {level}; it must be between 0 and 1")
    draws = np.random.default_rng(seed).integers(0, scores.size, (resamples, scores.size))
    low, high = np.quantile(scores[draws].mean(axis=1), [(1 - level) / 2, (1 + level) / 2])
    return Estimate(
        mean=float(scores.mean()), std=float(scores.std()), low=float(low), high=float(high), count=scores.size
    )
