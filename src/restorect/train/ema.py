"""The moving average of the weights: what is validated, saved and shipped (METHOD 9)."""

import copy

import torch
from torch import nn


class MovingAverage:
    """An exponential moving average of a network.

    Args:
        network: what to follow; a copy of it becomes `average`.
        decay: the final decay. It starts low, (1 + step) / (10 + step), so that short runs forget their start.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.average = copy.deepcopy(network).requires_grad_(False).eval()
        self.decay = decay

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Follow the network after optimiser step number `step` (from 1)."""
        decay = min(self.decay, (1 + step) / (10 + step))
        average, current = self.average.state_dict(), network.state_dict()
        for name, tensor in average.items():  # weights, and running figures with them
            if tensor.is_floating_point():
                tensor.lerp_(current[name], 1 - decay)
            else:  # a count of batches
                tensor.copy_(current[name])
