"""The teacher: sees the degraded photograph and its clean ground truth (RestoRect; METHOD 1, 6).

Shapes: low, high_B3HW in [0, 1]; codes (B, 256).
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from restorect.devices import full_precision
from restorect.nets.codes import Codes
from restorect.nets.priors import ImagePrior, PriorConfig, RetinexPrior
from restorect.nets.thumbnail import view_of
from restorect.nets.transformer import Transformer, TransformerConfig, TransformerOutput
from restorect.retinex.decomposition import DecompositionPair, RetinexParts


@dataclass(frozen=True, kw_only=True)
class TeacherConfig:
    """The shape of the teacher: its transformer and its prior encoders."""

    transformer: TransformerConfig = field(default_factory=TransformerConfig)
    priors: PriorConfig = field(default_factory=PriorConfig)


class Teacher(nn.Module):
    """Prior encoders of the pair, and the transformer they modulate; the decomposition inside is frozen."""

    def __init__(self, config: TeacherConfig) -> None:
        super().__init__()
        self.config = config
        self.decomposition = DecompositionPair().requires_grad_(False)
        self.image_prior = ImagePrior(2, config.priors)
        self.retinex_prior = RetinexPrior(2, config.priors)
        self.transformer = Transformer(config.transformer)

    def parts(self, low: Tensor) -> RetinexParts:
        """The decomposition of a degraded photo (B, 3, H, W) as the encoders read it."""
        view = view_of(low, self.config.priors.view)
        with full_precision(low.device):
            return self.decomposition.low(view)  # type: ignore[no-any-return]

    def encode(self, low: Tensor, high: Tensor, parts: RetinexParts | None = None) -> Codes:
        """The codes of a pair, both images (B, 3, H, W) in [0, 1]; `parts` of the degraded one, if they are known."""
        parts = self.parts(low) if parts is None else parts
        low, high = view_of(low, self.config.priors.view), view_of(high, self.config.priors.view)
        with full_precision(low.device):  # what sets photographs apart is small beside what they share
            return Codes(self.retinex_prior(parts, self.decomposition.high(high)), self.image_prior(low, high))

    @torch.no_grad()
    def calibrate(self, low: Tensor, high: Tensor) -> None:
        """Start the running figures of fresh encoders from these pairs (B, 3, H, W); see `PriorTrunk.calibrate`."""
        low, high = view_of(low, self.config.priors.view), view_of(high, self.config.priors.view)
        self.retinex_prior.calibrate(self.decomposition.low.of_many(low), self.decomposition.high.of_many(high))
        self.image_prior.calibrate(low, high)

    def forward(self, low: Tensor, high: Tensor) -> TransformerOutput:
        """Restore `low` with the codes of the pair (low, high); any size from 1x1 up."""
        return self.transformer(low, *self.encode(low, high))  # type: ignore[no-any-return]
