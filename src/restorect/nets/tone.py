"""A global tone curve that the codes set, in front of the transformer (ours; after the tone operator of Reinhard 2002).

Shapes: x_B3HW image in [0, 1]; z_BD codes, D = 256.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from restorect.devices import full_precision
from restorect.nets.blocks import CODE_SIZE

_LIMITS = (5.0, 2.0, 1.0)  # largest log slope, log gain and offset

_KNEE = 0.4  # where the shoulder begins


def lifted(x: Tensor, k: Tensor) -> Tensor:
    """The curve k x / (1 + (k - 1) x): slope k at black, white where it is."""
    return k * x / (1 + (k - 1) * x)


class ToneCurve(nn.Module):
    """x to gain * k x / (1 + (k - 1) x) + offset, with k, gain and offset for each channel, read off both codes.

    k is the slope at black and leaves white where it is: 20 turns a night into a day. Most of the error of a restored
    photo is global brightness and colour. The blocks normalise these away, so without a curve they reach the output
    only in a roundabout way, and are learned slowly. An untrained curve is the identity.
    Where the curve would show white above 1, it bends from 0.4 on and reaches 1 there: lights keep their colour, which
    the network behind cannot know for values that no photo has.

    Args:
        hidden: width of the layer between codes and curve.
    """

    def __init__(self, hidden: int = 64) -> None:
        super().__init__()
        self.first = nn.Linear(2 * CODE_SIZE, hidden)
        self.second = nn.Linear(hidden, 9)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)

    def forward(self, x: Tensor, z_rex: Tensor, z_img: Tensor) -> Tensor:
        """Apply to an image (B, 3, H, W) the curve of its codes, both (B, 256)."""
        with full_precision(x.device):
            numbers = self.second(F.silu(self.first(torch.cat([z_rex, z_img], dim=1))))
        slope, gain, offset = (
            limit * torch.tanh(part / limit)[:, :, None, None]
            for limit, part in zip(_LIMITS, numbers.chunk(3, dim=1), strict=True)
        )
        k, gain = torch.exp(slope), torch.exp(gain)
        y = gain * lifted(x, k) + offset
        return _bent(y, white=(gain + offset).clamp(min=1))


def _bent(y: Tensor, white: Tensor) -> Tensor:
    """Leave y up to the knee, and bring what lies between the knee and `white` to between the knee and 1, smoothly."""
    steep = (white - _KNEE) / (1 - _KNEE)
    t = ((y - _KNEE) / (white - _KNEE)).clamp(min=0)
    return torch.where(y > _KNEE, _KNEE + (1 - _KNEE) * lifted(t, steep), y)
