"""Whether a run is still sound, looked at now and then: looking in every step makes a GPU wait for its host."""

from pathlib import Path

import torch
from torch import Tensor, nn

from restorect.errors import TrainingError

LOOK_EVERY = 50
"""Steps after which losses are looked at, if nothing asks for it earlier."""


class Watch:
    """Keeps the losses of the last steps where they are, and looks at all of them at once.

    Args:
        stage: what is trained.
        folder: of the run, for the message.
    """

    def __init__(self, stage: nn.Module, folder: Path) -> None:
        self.weights = [p.detach() for p in stage.parameters() if p.requires_grad]
        self.folder = folder
        self._noted: list[tuple[int, Tensor, dict[str, Tensor]]] = []

    def note(self, step: int, total: Tensor, losses: dict[str, Tensor]) -> None:
        """Remember what a step gave; `total` is finite only if its losses and its gradient are.

        Raises:
            TrainingError: it is time to look, and a step was not finite.
        """
        self._noted.append((step, total.detach(), {name: value.detach() for name, value in losses.items()}))
        if len(self._noted) >= LOOK_EVERY:
            self.look()

    def look(self) -> None:
        """Look at all steps since the last look, and at the weights; called before anything is written.

        Raises:
            TrainingError: a loss, a gradient or a weight is not finite.
        """
        noted, self._noted = self._noted, []
        if not noted:
            return
        sizes = torch.stack(torch._foreach_norm(self.weights))
        totals = torch.stack([*(total for _, total, _ in noted), sizes.sum()])
        finite = totals.isfinite().tolist()
        if all(finite):
            return
        step, _, losses = noted[min(finite.index(False), len(noted) - 1)]
        found = ", ".join(f"{name} {float(value):.3g}" for name, value in losses.items())
        raise TrainingError(
            f"step {step}: a loss, its gradient or a weight is not finite ({found}); what is saved in {self.folder} "
            "is from before it: train with a lower optimiser.lr in another folder, where --init takes these weights"
        )
