"""Channel attention with normalised queries and keys (Restormer; RestoRect; METHOD 5).

Shapes: q, k, v_BCHW, split into h heads of c = C / h channels and n = H * W pixels.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class HeadNorm(nn.Module):
    """Layer norm over the channels of a head at each pixel; gain and bias are shared by the heads."""

    def __init__(self, head_channels: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(head_channels))
        self.bias = nn.Parameter(torch.zeros(head_channels))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (B, h, c, n) over c, in float32."""
        variance, mean = torch.var_mean(x.float(), dim=2, keepdim=True, unbiased=False)
        scale = torch.rsqrt(variance + self.eps) * self.gain.view(1, 1, -1, 1)
        return (x - mean) * scale + self.bias.view(1, 1, -1, 1)


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
        q = F.normalize(self.q_norm(q.reshape(split)).float(), dim=-1)
        k = F.normalize(self.k_norm(k.reshape(split)).float(), dim=-1)
        weights = torch.softmax(q @ k.transpose(-2, -1) * self.temperature, dim=-1)
        return (weights.to(v.dtype) @ v.reshape(split)).reshape(B, C, H, W)
