"""What conditions and light together say of the codes: a first estimate, which the flow is conditioned on.

Shapes: seen (B, N), the conditions (B, 512) and statistics of the same view; codes (B, 256).
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from restorect.configs import require
from restorect.nets.blocks import CODE_SIZE
from restorect.nets.codes import Codes
from restorect.nets.priors import Standardise
from restorect.nets.statistics import STATISTICS

SEEN = 2 * CODE_SIZE + STATISTICS
_FURTHEST = 5.0  # deviations: a photo unlike all others does not throw the estimate off


@dataclass(frozen=True, kw_only=True)
class EstimateConfig:
    """The shape of an estimate, and what keeps it from knowing its photographs by heart.

    Attributes:
        width: of the two hidden layers.
        dropout: share of them left out in training.
        noise: deviation of the noise that what is seen gets in training, in deviations over the photographs.
    """

    width: int = 256
    dropout: float = 0.5
    noise: float = 0.3

    def __post_init__(self) -> None:
        require(0 < self.width <= 8192, f"an estimate needs a width from 1 to 8192, not {self.width}")
        require(0 <= self.dropout < 1, f"dropout is {self.dropout}; it is a share from 0 to below 1")
        require(self.noise >= 0, f"noise is {self.noise}; it must be at least 0")


class Estimate(nn.Module):
    """Both codes by regression, E[z | what is seen], with dropout and noise (Srivastava et al. 2014; Bishop 1995)."""

    def __init__(self, config: EstimateConfig) -> None:
        super().__init__()
        self.noise = config.noise
        self.standardise = Standardise(SEEN)
        self.first = nn.Linear(SEEN, config.width)
        self.second = nn.Linear(config.width, config.width)
        self.output = nn.Linear(config.width, 2 * CODE_SIZE)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, seen: Tensor) -> Codes:
        """(B, N) to the estimate of both codes."""
        x = self.standardise(seen).clamp(-_FURTHEST, _FURTHEST)
        if self.training:
            x = x + self.noise * torch.randn_like(x)
        for layer in (self.first, self.second):
            x = self.dropout(F.silu(layer(x)))
        return Codes(*self.output(x).chunk(2, dim=1))
