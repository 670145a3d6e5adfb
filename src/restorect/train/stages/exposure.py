"""Stage 3: how bright restorations are to be."""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from restorect.data.batches import Batch
from restorect.render.exposure import Exposure, ExposureNet
from restorect.render.restoration import Restoration
from restorect.train.recipes import ExposureRecipe
from restorect.train.stages.stage import Losses, Stage


class ExposureStage(Stage):
    """Stage 3: the exposure net of a student learns how bright the good photos are; the rest is frozen."""

    network: Restoration

    def __init__(self, network: Restoration, recipe: ExposureRecipe) -> None:
        super().__init__()
        self.started = True
        self.network = network.requires_grad_(False)
        self.helpers = nn.ModuleList()
        self.recipe = recipe
        self.exposure.requires_grad_(True)

    @property
    def exposure(self) -> ExposureNet:
        """What is trained."""
        return cast(ExposureNet, cast(Exposure, self.network.after["exposure"]).net)

    def forward(self, batch: Batch, generator: torch.Generator) -> tuple[Losses, Losses]:
        """Smooth L1 between the predicted and the true mean, on the scale that is learned."""
        true = batch.high_view.mean(dim=(1, 2, 3))[:, None]
        wanted = torch.logit(true, eps=0.01)
        return {"exposure": F.smooth_l1_loss(self.exposure.logit(batch.low_view), wanted, beta=self.recipe.beta)}, {}

    def predict(self, network: nn.Module, low: Tensor, high: Tensor) -> Tensor:
        """Restore as the student does."""
        return cast(Tensor, cast(Restoration, network).in_style("reference")(low))
