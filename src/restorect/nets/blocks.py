"""The two transformer blocks: Retinex-guided, and plain (Reti-Diff, Restormer; METHOD 5).

Shapes: x_BCHW features; z_BD the code that modulates them, D = 256.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from restorect.nets.attention import ChannelAttention, by_pixel
from restorect.nets.norm import NormName, make_norm

CODE_SIZE = 256
REFLECTANCE_SIZE = 192  # the first numbers of the Retinex code; the last 64 are about illumination


class Modulation(nn.Module):
    """x * (1 + W z): a code scales the channels of a feature map. W starts small, so a block starts as itself."""

    def __init__(self, channels: int, code_size: int) -> None:
        super().__init__()
        self.weight = nn.Linear(code_size, channels, bias=False)
        nn.init.normal_(self.weight.weight, std=0.1 / code_size**0.5)

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        """Scale (B, C, H, W) by the code (B, D)."""
        scale: Tensor = 1 + self.weight(z)[:, :, None, None].to(x.dtype)
        return x * scale


def pointwise(inputs: int, outputs: int) -> nn.Conv2d:
    """A bias-free 1x1 convolution."""
    return nn.Conv2d(inputs, outputs, 1, bias=False)


def depthwise(channels: int) -> nn.Conv2d:
    """A bias-free 3x3 depthwise convolution."""
    return nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)


def _halves(x: Tensor) -> list[Tensor]:
    """The two halves of the channels, each in one piece: what reads them in steps takes up to four times as long."""
    halves = x.chunk(2, dim=1)
    return [half.contiguous(memory_format=torch.channels_last) if by_pixel(half) else half for half in halves]


class FeedForward(nn.Module):
    """Gated feed-forward net: modulate, 1x1 C->2h, depthwise 3x3, GELU(a) * b, 1x1 h->C."""

    def __init__(self, channels: int, expansion: float) -> None:
        super().__init__()
        hidden = int(expansion * channels)
        self.modulation = Modulation(channels, CODE_SIZE)
        self.widen = pointwise(channels, 2 * hidden)
        self.mix = depthwise(2 * hidden)
        self.narrow = pointwise(hidden, channels)

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        """(B, C, H, W) and a code (B, 256) to (B, C, H, W)."""
        a, b = _halves(self.mix(self.widen(self.modulation(x, z))))
        return self.narrow(F.gelu(a) * b)  # type: ignore[no-any-return]


class RetinexAttention(nn.Module):
    """Queries from the reflectance channels, keys and values from the illumination channels.

    The channels are split 3:1; each part is modulated by its part of the code.
    """

    def __init__(self, channels: int, heads: int, qk_norm: bool) -> None:
        super().__init__()
        self.split = (3 * channels // 4, channels // 4)
        self.modulate_R = Modulation(self.split[0], REFLECTANCE_SIZE)
        self.modulate_L = Modulation(self.split[1], CODE_SIZE - REFLECTANCE_SIZE)
        self.query = nn.Sequential(pointwise(self.split[0], channels), depthwise(channels))
        self.key_value = nn.Sequential(pointwise(self.split[1], 2 * channels), depthwise(2 * channels))
        self.attend = ChannelAttention(channels, heads, qk_norm)
        self.project = pointwise(channels, channels)

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        """(B, C, H, W) and the Retinex code (B, 256) to (B, C, H, W)."""
        x_R, x_L = x[:, : self.split[0]], x[:, self.split[0] :]
        q = self.query(self.modulate_R(x_R, z[:, :REFLECTANCE_SIZE]))
        k, v = self.key_value(self.modulate_L(x_L, z[:, REFLECTANCE_SIZE:])).chunk(2, dim=1)
        return self.project(self.attend(q, k, v))  # type: ignore[no-any-return]


class PlainAttention(nn.Module):
    """Queries, keys and values from the whole feature map, modulated by the image code."""

    def __init__(self, channels: int, heads: int, qk_norm: bool) -> None:
        super().__init__()
        self.modulation = Modulation(channels, CODE_SIZE)
        self.query_key_value = nn.Sequential(pointwise(channels, 3 * channels), depthwise(3 * channels))
        self.attend = ChannelAttention(channels, heads, qk_norm)
        self.project = pointwise(channels, channels)

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        """(B, C, H, W) and the image code (B, 256) to (B, C, H, W)."""
        q, k, v = self.query_key_value(self.modulation(x, z)).chunk(3, dim=1)
        return self.project(self.attend(q, k, v))  # type: ignore[no-any-return]


class Block(nn.Module):
    """x + Attention(norm(x), z), then x + FFN(norm(x), z).

    Args:
        channels: C, a multiple of 4 and of `heads`.
        heads: attention heads.
        retinex: whether the attention is Retinex-guided (encoder, decoder) or plain (refinement).
        expansion: hidden width of the feed-forward net, as a multiple of C.
        norm: which normalisation.
        qk_norm: layer-norm queries and keys.
        limit: of the normalisation, see `SCLN`.
    """

    def __init__(
        self,
        channels: int,
        heads: int,
        *,
        retinex: bool,
        expansion: float,
        norm: NormName,
        qk_norm: bool,
        limit: float = 0.0,
    ) -> None:
        super().__init__()
        kind = RetinexAttention if retinex else PlainAttention
        self.norm_attention = make_norm(norm, channels, limit)
        self.attention = kind(channels, heads, qk_norm)
        self.norm_feed = make_norm(norm, channels, limit)
        self.feed = FeedForward(channels, expansion)

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        """(B, C, H, W) and a code (B, 256) to (B, C, H, W)."""
        x = x + self.attention(self.norm_attention(x), z)
        return x + self.feed(self.norm_feed(x), z)  # type: ignore[no-any-return]


class BlockStack(nn.ModuleList):
    """Blocks of one level, run in order with one code."""

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        """(B, C, H, W) and a code (B, 256) to (B, C, H, W)."""
        for block in self:
            x = block(x, z)
        return x
