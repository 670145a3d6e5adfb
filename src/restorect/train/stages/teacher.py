"""Stage 1: the teacher (METHOD 9)."""

from typing import cast

import torch
from torch import Tensor, nn

from restorect.data.batches import Batch
from restorect.nets.teacher import Teacher
from restorect.train.recipes import TeacherRecipe
from restorect.train.stages.images import head_losses, image_losses
from restorect.train.stages.stage import Losses, Stage


class TeacherStage(Stage):
    """Stage 1."""

    def __init__(self, network: Teacher, recipe: TeacherRecipe) -> None:
        super().__init__()
        self.started = bool(recipe.init)
        self.network: Teacher = network
        self.helpers = nn.ModuleList()
        self.weights = recipe.loss
        if recipe.student:
            self.frozen = (network.image_prior, network.retinex_prior)
            for encoder in self.frozen:
                encoder.requires_grad_(False)

    def forward(self, batch: Batch, generator: torch.Generator) -> tuple[Losses, Losses]:
        """Restore the crops with the codes of their pair."""
        teacher = self.network
        output = teacher.transformer(batch.low, *teacher.encode(batch.low_view, batch.high_view))
        losses = image_losses(output.image, batch.high, self.weights)
        losses |= head_losses(
            output, batch.low, batch.high, teacher.transformer, teacher.decomposition.high, self.weights
        )
        return losses, {}

    def calibrate(self, network: nn.Module, batch: Batch) -> None:
        """Those of the teacher's encoders."""
        cast(Teacher, network).calibrate(batch.low_view, batch.high_view)

    def predict(self, network: nn.Module, low: Tensor, high: Tensor) -> Tensor:
        """Restore with the codes of the pair."""
        return network(low, high).image  # type: ignore[no-any-return]
