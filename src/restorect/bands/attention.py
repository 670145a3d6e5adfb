"""Channel attention of a map in bands: what it mixes is one C x C matrix, summed up on the way.

Shapes: map_HWC; q, k_NC pixels; heads h of c = C / h channels.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from restorect.bands.folded_norm import Branch, FoldedNorm
from restorect.bands.sums import Sums
from restorect.bands.tiling import Tiling, bands, strips
from restorect.bands.widened import Widened
from restorect.nets.attention import ChannelAttention, HeadNorm
from restorect.nets.blocks import REFLECTANCE_SIZE, Block, Modulation, PlainAttention, RetinexAttention


def attend(map_HWC: Tensor, values: Tensor, block: Block, z: Tensor, sums: Sums, tiling: Tiling) -> Tensor:
    """Write the values v, a map, and give the matrix (C, C) by which v M is what attention adds.

    Args:
        map_HWC: of the block.
        values: takes v.
        block: with its norm.
        z: the code (1, 256).
        sums: of the map.
        tiling: of the pieces.
    """
    height, width, channels = map_HWC.shape
    norm = FoldedNorm(block.norm_attention, _modulation(block.attention, z), sums, tiling.dtype)
    branches = _branches(block.attention, norm)
    gram = Gram(block.attention.attend)
    step, columns = tiling.tile(height, width, 3 * channels)
    for strip in strips(width, columns):
        widened = Widened(map_HWC, strip, norm, branches, step)
        for first, last in bands(height, step):
            q, k, v = (rows[:, strip.own] for rows in widened.rows(first, last))
            values[first:last, strip.first : strip.last] = v
            gram.add(q.reshape(-1, channels), k.reshape(-1, channels))
    weights = torch.block_diag(*gram.weights())  # type: ignore[no-untyped-call]
    mixing: Tensor = block.attention.project.weight[:, :, 0, 0] @ weights
    return mixing.t().contiguous().to(tiling.dtype)


class Gram:
    """The products q^T k of each head and the lengths of q and k, summed over bands; see `ChannelAttention`."""

    def __init__(self, attention: ChannelAttention) -> None:
        self._attention = attention
        scale = attention.temperature
        self._channels = 0
        self._products = torch.zeros((), device=scale.device)
        self._squares_q = self._squares_k = torch.zeros((), device=scale.device)

    def add(self, q: Tensor, k: Tensor) -> None:
        """Take queries and keys (N, C) of some pixels in."""
        heads = self._attention.heads
        q, k = (
            _normed(x.float(), norm, heads) for x, norm in ((q, self._attention.q_norm), (k, self._attention.k_norm))
        )
        self._squares_q = self._squares_q + q.square().sum(dim=0)
        self._squares_k = self._squares_k + k.square().sum(dim=0)
        products = q.t() @ k  # all heads with all: as quick as one by one, for the maps of many heads are small
        c = len(products) // heads
        own = products.view(heads, c, heads, c).diagonal(dim1=0, dim2=2).permute(2, 0, 1)
        self._products = self._products + own

    def weights(self) -> Tensor:
        """The softmax (h, c, c) of the cosines."""
        heads = self._attention.heads
        lengths = [x.clamp(min=1e-24).sqrt().view(heads, -1) for x in (self._squares_q, self._squares_k)]
        cosines = self._products / (lengths[0][:, :, None] * lengths[1][:, None, :])
        return torch.softmax(cosines * self._attention.temperature, dim=-1)


def _normed(x_NC: Tensor, norm: nn.Module, heads: int) -> Tensor:
    if not isinstance(norm, HeadNorm):
        return x_NC
    split = x_NC.view(len(x_NC), heads, -1)
    return F.layer_norm(split, norm.gain.shape, norm.gain, norm.bias, norm.eps).view_as(x_NC)


def _modulation(attention: RetinexAttention | PlainAttention, z: Tensor) -> Tensor:
    """1 + W z of all channels, (C,)."""
    if isinstance(attention, PlainAttention):
        return _scale(attention.modulation, z)
    z_R, z_L = z[:, :REFLECTANCE_SIZE], z[:, REFLECTANCE_SIZE:]
    return torch.cat([_scale(attention.modulate_R, z_R), _scale(attention.modulate_L, z_L)])


def _scale(modulation: Modulation, z: Tensor) -> Tensor:
    return 1 + cast(Tensor, modulation.weight(z)[0])


def _branches(attention: RetinexAttention | PlainAttention, norm: FoldedNorm) -> list[Branch]:
    """Those of queries, keys and values."""
    if isinstance(attention, PlainAttention):
        wide, kernels = (weight.chunk(3) for weight in _weights(attention.query_key_value))
        return [norm.branch(w, k, slice(None)) for w, k in zip(wide, kernels, strict=True)]
    reflectance, illumination = slice(0, attention.split[0]), slice(attention.split[0], None)
    query, kernel = _weights(attention.query)
    wide, kernels = (weight.chunk(2) for weight in _weights(attention.key_value))
    others = [norm.branch(w, k, illumination) for w, k in zip(wide, kernels, strict=True)]
    return [norm.branch(query, kernel, reflectance), *others]


def _weights(layers: nn.Sequential) -> list[Tensor]:
    """Of a 1x1 and a depthwise convolution."""
    return [cast(Tensor, layer.weight) for layer in layers]
