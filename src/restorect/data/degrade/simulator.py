"""What every simulator is: a clean photo in, a degraded photo and its reference out."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor


class Degraded(NamedTuple):
    """A training pair, each (3, H, W) float32, sRGB-encoded, in [0, 1].

    Attributes:
        low: the degraded photo, in steps of 1/255 as a file has them.
        high: what a good photo of the same scene shows: the clean photo, unless the simulator changes the scene itself.
    """

    low: Tensor
    high: Tensor


Simulator = Callable[[Tensor, torch.Generator], Degraded]
"""From a clean (3, H, W) image in [0, 1] and a CPU generator to its pair of the same shape, range and device."""
