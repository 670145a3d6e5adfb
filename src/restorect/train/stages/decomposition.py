"""Stage 0: the decomposition nets (METHOD 2, 3, 9)."""

from typing import cast

import torch
from torch import Tensor, nn

from restorect.data.batches import Batch
from restorect.losses.retinex import decomposition_loss
from restorect.retinex.decomposition import DecompositionPair, RetinexParts
from restorect.train.stages.stage import Losses, Stage


class DecompositionStage(Stage):
    """Stage 0."""

    def __init__(self, network: DecompositionPair) -> None:
        super().__init__()
        self.network: DecompositionPair = network
        self.helpers = nn.ModuleList()

    def forward(self, batch: Batch, generator: torch.Generator) -> tuple[Losses, Losses]:
        """The losses of METHOD 2 and 3 on the crops."""
        low, high = self.network.low(batch.low), self.network.high(batch.high)
        losses = decomposition_loss(batch.low, batch.high, low, high, self.network.diffusion)
        return losses, {"s": self.network.diffusion.s.detach()}

    def after_step(self) -> None:
        """Keep the edge threshold within its bounds."""
        self.network.diffusion.clamp_()

    def predict(self, network: nn.Module, low: Tensor, high: Tensor) -> Tensor:
        """The clean photo taken apart and put together again."""
        parts: RetinexParts = cast(DecompositionPair, network).high(high)
        return parts.image()
