"""Losses that leave the exposure out: how bright a dark scene should be is not in the photo (TRAINING 2, 6).

Shapes: output, target_B3HW, sRGB-encoded.
"""

from torch import Tensor

_LARGEST = 4.0
_DARKEST = 1e-3


def at_mean_of(output: Tensor, target: Tensor) -> Tensor:
    """The output times the ratio of the means of both, one for each sample, without gradient, within [1/4, 4].

    While the mean is off, its error owns the gradient of L1 and nothing else is learned.

    Args:
        output: (B, 3, H, W).
        target: (B, 3, H, W).
    """
    own, true = (x.detach().mean(dim=(1, 2, 3), keepdim=True).clamp_min(_DARKEST) for x in (output, target))
    return output * (true / own).clamp(1 / _LARGEST, _LARGEST)
