"""Channel attention with normalised queries and keys (Restormer; RestoRect; METHOD 5).

Shapes: q, k, v_BCHW, split into h heads of c = C / h channels and n = H * W pixels.

Maps that lie in memory pixel by pixel (channels last, as in training) are worked on as they lie, (B, n, h, c): to bring
them into planes first takes longer than the attention itself.
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

    def forward(self, x: Tensor, by_pixel: bool = False) -> Tensor:
        """Normalise (B, h, c, n), or by pixel (B, n, h, c), over c, in float32."""
        x = x.float()
        if by_pixel and x.is_cuda:  # its own gradients of gain and bias take longer there than all of the rest
            return torch.addcmul(self.bias, F.layer_norm(x, self.gain.shape, eps=self.eps), self.gain)
        if by_pixel:
            return F.layer_norm(x, self.gain.shape, self.gain, self.bias, self.eps)
        x = x - x.mean(dim=2, keepdim=True)
        # torch.var_mean over a dimension that is not the last takes two to ten times as long on a CPU.
        variance = x.square().mean(dim=2, keepdim=True)
        scale = torch.rsqrt(variance + self.eps) * self.gain.view(1, 1, -1, 1)
        return torch.addcmul(self.bias.view(1, 1, -1, 1), x, scale)


class _NoNorm(nn.Module):
    """In place of `HeadNorm`, for the ablation."""

    def forward(self, x: Tensor, by_pixel: bool = False) -> Tensor:
        """The same."""
        return x


def by_pixel(x: Tensor) -> bool:
    """Whether the channels of a map (B, C, H, W) lie side by side in memory."""
    return x.stride(1) == 1 and x.shape[2] * x.shape[3] > 1


def _lengths(x: Tensor, dim: int) -> Tensor:
    """Of each channel over the pixels, which lie along `dim`."""
    return x.square().sum(dim=dim).clamp(min=1e-24).sqrt()  # the slope of a root at 0 is infinite


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
        self.q_norm: nn.Module = HeadNorm(channels // heads) if qk_norm else _NoNorm()
        self.k_norm: nn.Module = HeadNorm(channels // heads) if qk_norm else _NoNorm()

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Attend; all of shape (B, C, H, W), as is the result."""
        if all(by_pixel(x) for x in (q, k, v)):
            return self._by_pixel(q, k, v)
        B, C, H, W = q.shape
        split = (B, self.heads, C // self.heads, H * W)
        q, k = self.q_norm(q.reshape(split)).float(), self.k_norm(k.reshape(split)).float()
        weights = self._weights(q @ k.transpose(-2, -1), _lengths(q, -1), _lengths(k, -1))
        return (weights.to(v.dtype) @ v.reshape(split)).reshape(B, C, H, W)

    def _by_pixel(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        B, C, H, W = q.shape
        q, k, v = (x.permute(0, 2, 3, 1).reshape(B, H * W, self.heads, C // self.heads) for x in (q, k, v))
        q, k = self.q_norm(q, by_pixel=True).float(), self.k_norm(k, by_pixel=True).float()
        products = torch.einsum("bnhc,bnhd->bhcd", q, k)
        weights = self._weights(products, _lengths(q, 1), _lengths(k, 1))
        attended = torch.einsum("bhcd,bnhd->bnhc", weights.to(v.dtype), v)
        return attended.reshape(B, H, W, C).permute(0, 3, 1, 2)

    def _weights(self, products: Tensor, q_lengths: Tensor, k_lengths: Tensor) -> Tensor:
        """Softmax of the cosines (B, h, c, c); divided by the lengths here, where there are c x c numbers."""
        cosines = products / (q_lengths[..., :, None] * k_lengths[..., None, :])
        return torch.softmax(cosines * self.temperature, dim=-1)
