"""How bright a restoration is: brought towards what good photos have, as far as the prediction is not to be trusted.

Shapes: image_B3HW in [0, 1].
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from restorect.nets.tone import lifted

_VIEW = 96  # side of the thumbnail that is measured
_STEEPEST = 3.0  # largest log slope of the curve at black
_HALVINGS = 20


def shrink_exposure(image: Tensor, mean: float, trust: float) -> Tensor:
    """Bring an image's mean m to m^trust * mean^(1 - trust), by a curve that leaves black and white.

    How bright a dark scene should be is mostly the photographer's choice. Predictions of it vary more than they know,
    and a prediction of the mean is improved by shrinking it towards the mean of all (James and Stein 1961).

    Args:
        image: (B, 3, H, W), clamped to [0, 1].
        mean: of good photos, sRGB-encoded, above 0 and below 1.
        trust: share of the prediction; 1 changes nothing.

    Returns:
        k x / (1 + (k - 1) x), with one k for each image.
    """
    if trust == 1:
        return image
    image = image.clamp(0, 1)
    view = F.interpolate(image, (_VIEW, _VIEW), mode="area")
    wanted = view.mean(dim=(1, 2, 3), keepdim=True).clamp(1e-3, 1 - 1e-3) ** trust * mean ** (1 - trust)
    low = torch.full_like(wanted, -_STEEPEST)
    high = -low
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        short = lifted(view, middle.exp()).mean(dim=(1, 2, 3), keepdim=True) < wanted
        low, high = torch.where(short, middle, low), torch.where(short, high, middle)
    return lifted(image, ((low + high) / 2).exp())
