"""What the loop trains: a module from a batch to named losses.

Shapes: batches as in `restorect.data.batches`.
"""

import torch
from torch import Tensor, nn

from restorect.data.batches import Batch, BatchMaker
from restorect.nets.priors import MOMENTUM, Standardise

Losses = dict[str, Tensor]


class Stage(nn.Module):
    """What the loop trains: `forward` gives losses that add up, and figures that are only logged.

    Attributes:
        network: what is averaged, validated and saved.
        helpers: further learned modules, kept in the training state only.
        started: whether the network's encoders come from an earlier run.
        frozen: networks that are only looked at, such as the teacher.
        repeats: whether a step is `learn` of what is `given`, with nothing else that changes: it can be recorded.
    """

    network: nn.Module
    helpers: nn.ModuleList
    started: bool = False
    frozen: tuple[nn.Module, ...] = ()
    repeats: bool = False

    def train(self, mode: bool = True) -> "Stage":
        """Set the mode of everything but the frozen networks, which stay in eval mode throughout."""
        super().train(mode)
        for module in self.frozen:
            module.eval()
        return self

    def forward(self, batch: Batch, generator: torch.Generator) -> tuple[Losses, Losses]:
        """(losses to be added up, figures to be logged), each a dict of scalars."""
        raise NotImplementedError

    def given(self, batch: Batch, generator: torch.Generator) -> tuple[Tensor, ...]:
        """All that a step learns from, without gradient, if it `repeats`; of one shape for one size of crops."""
        raise NotImplementedError

    def learn(self, *given: Tensor) -> Losses:
        """The losses of what is given."""
        raise NotImplementedError

    def rehearse(self, batches: BatchMaker, patch: int) -> None:
        """Called before the first step on a device where many small calls take long; see `CodeMemory`."""

    def calibrate(self, network: nn.Module, batch: Batch) -> None:
        """Set the running figures of a fresh network of this stage from a large batch; not called if `started`."""

    def follow(self, share: float) -> None:
        """Let running figures follow the batches at this share of their usual pace; called before each step."""
        for module in self.network.modules():
            if isinstance(module, Standardise):
                module.momentum = share * MOMENTUM

    def after_step(self) -> None:
        """Called after each optimiser step."""

    def predict(self, network: nn.Module, low: Tensor, high: Tensor) -> Tensor:
        """The validation image (B, 3, H, W) of a network of this stage."""
        raise NotImplementedError
