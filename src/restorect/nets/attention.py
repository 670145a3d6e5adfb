"""Channel attention with normalised queries and keys (Restormer; RestoRect; METHOD 5).

Shapes: q, k, v_BCHW, split into h heads of c = C / h channels and n = H * W pixels.
"""

import torch
from torch import Tensor, nn


class HeadNorm(nn.Module):
    """Layer norm over the channels of a head at each pixel; gain and bias are shared by the heads."""

    def __init__(self, head_channels: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(head_channels))
        self.bias = nn.Parameter(torch.zeros(head_channels))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (B, h, c, n) over c, in float32."""
        x = x.float()
        x = x - x.mean(dim=2, keepdim=True)
        # torch.var_mean over a dimension that is not the last takes two to ten times as long on a CPU.
        variance = x.square().mean(dim=2, keepdim=True)
        scale = torch.rsqrt(variance + self.eps) * self.gain.view(1, 1, -1, 1)
        return torch.addcmul(self.bias.view(1, 1, -1, 1), x, scale)


def _lengths(x: Tensor) -> Tensor:
    """Of each channel over the pixels, (B, h, c, n) to (B, h, c, 1)."""
    return x.square().sum(dim=-1, keepdim=True).clamp(min=1e-24).sqrt()  # the slope of a root at 0 is infinite


class ChannelAttention(nn.Module):
    """softmax(q k^T * temperature) v between the channels of each head, one learned temperature a head.

    Args:
        channels: C, a multiple of `heads`.
        heads: h.
        qk_norm: layer-norm q and k over the head's channels before they are L2-normalised over the pixels.
    """

    def __init__(self, channels: int, heads: int, qk_norm: bool = True) -> None:
        super().__init__()
        self.heads = heads
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        self.q_norm: nn.Module = HeadNorm(channels // heads) if qk_norm else nn.Identity()
        self.k_norm: nn.Module = HeadNorm(channels // heads) if qk_norm else nn.Identity()

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Attend; all of shape (B, C, H, W), as is the result."""
        B, C, H, W = q.shape
        split = (B, self.heads, C // self.heads, H * W)
        q, k = self.q_norm(q.reshape(split)).float(), self.k_norm(k.reshape(split)).float()
        # Divided by the lengths here, where there are c x c numbers, not c x n.
        cosines = q @ k.transpose(-2, -1) / (_lengths(q) * _lengths(k).transpose(-2, -1))
        weights = torch.softmax(cosines * self.temperature, dim=-1)
        return (weights.to(v.dtype) @ v.reshape(split)).reshape(B, C, H, W)
