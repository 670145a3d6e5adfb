"""The moving average of the weights: what is validated, saved and shipped (METHOD 9)."""

import copy

import torch
from torch import nn


class MovingAverage:
    """An exponential moving average of a network.

    Args:
        network: what to follow; a copy of it becomes `average`. It stays where it is, on its device and in its layout.
        decay: the final decay. It starts low, (1 + step) / (10 + step), so that short runs forget their start.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.average = copy.deepcopy(network).requires_grad_(False).eval()
        self.decay = decay
        own, others = (net.state_dict(keep_vars=True).values() for net in (self.average, network))
        pairs = list(zip(own, others, strict=True))  # weights, and running figures with them
        self._averages, self._followed = _columns([pair for pair in pairs if pair[0].is_floating_point()])
        self._counts, self._counted = _columns([pair for pair in pairs if not pair[0].is_floating_point()])

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Follow the network after optimiser step number `step` (from 1)."""
        decay = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(self._averages, self._followed, 1 - decay)
        for own, other in zip(self._counts, self._counted, strict=True):
            own.copy_(other)


def _columns(pairs: list[tuple[torch.Tensor, torch.Tensor]]) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    return [own for own, _ in pairs], [other for _, other in pairs]
