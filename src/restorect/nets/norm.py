"""Normalisations: spatial-channel layer norm, and the per-pixel one it is compared with.

Shapes: x_BCHW.
"""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

NormName = Literal["scln", "pixel"]


class SCLN(nn.Module):
    """Spatial-channel layer norm: mean and biased variance over all C*H*W values of a sample, a gain a channel.

    Equals group norm with one group and no bias (RestoRect; METHOD 5). Statistics in float32.

    Args:
        channels: C.
        eps: added to the variance.
        limit: normalised values are held within so many standard deviations; 0 leaves them. The mean and deviation are
            those of the whole photo, so a lamp in a night may lie hundreds of them away, and the gated nets behind
            multiply: without a limit, what no crop of the training had grows from block to block.
    """

    def __init__(self, channels: int, eps: float = 1e-5, limit: float = 0.0) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(channels))
        self.eps, self.limit = eps, limit

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (B, C, H, W)."""
        if self.limit == 0:
            return F.group_norm(x.float(), 1, self.gain.float(), None, self.eps).to(x.dtype)
        held = F.group_norm(x.float(), 1, None, None, self.eps).clamp(-self.limit, self.limit)
        return (held * self.gain.float().view(1, -1, 1, 1)).to(x.dtype)


class PixelNorm(nn.Module):
    """Layer norm over the channels of each pixel, gain only: what SCLN replaces (Restormer), for the ablation."""

    def __init__(self, channels: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(channels))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (B, C, H, W)."""
        variance, mean = torch.var_mean(x.float(), dim=1, keepdim=True, unbiased=False)
        scaled = (x.float() - mean) * torch.rsqrt(variance + self.eps)
        return (scaled * self.gain.view(1, -1, 1, 1)).to(x.dtype)


def make_norm(name: NormName, channels: int, limit: float = 0.0) -> nn.Module:
    """The normalisation of that name; only SCLN has a limit."""
    return SCLN(channels, limit=limit) if name == "scln" else PixelNorm(channels)
