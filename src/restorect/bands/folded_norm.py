"""What stands in front of a block's 1x1 convolutions, folded into their weights: norm and modulation.

Shapes: rows (n, W, C); pixels_NC.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from restorect.bands.sums import Sums
from restorect.nets.norm import SCLN


class Branch(NamedTuple):
    """A 1x1 convolution and the depthwise one behind it.

    Attributes:
        channels: those of the map that it reads.
        weight: (inputs, outputs) of the 1x1.
        bias: (outputs,).
        kernel: (outputs, 1, 3, 3).
    """

    channels: slice
    weight: Tensor
    bias: Tensor
    kernel: Tensor


class FoldedNorm:
    """Norm, then modulation: W diag(m) (g (x - mean) s) = W' x + b with W' = W diag(m g s), b = -mean W' 1.

    A norm by pixel does not fold; it is taken of the rows, and only its modulation folds. A limit of the norm is one of
    x, within `limit` / s of the mean.

    Args:
        norm: the block's.
        modulation: 1 + W z, (C,).
        sums: of the map.
        dtype: of the arithmetic.
    """

    def __init__(self, norm: nn.Module, modulation: Tensor, sums: Sums, dtype: torch.dtype) -> None:
        self._norm, self._dtype = norm, dtype
        folds = isinstance(norm, SCLN)
        self._scale = modulation * (norm.gain * sums.scale(norm.eps)) if folds else modulation  # type: ignore[operator, arg-type]
        self._mean = sums.mean if folds else 0.0
        reach = norm.limit / sums.scale(norm.eps) if isinstance(norm, SCLN) and norm.limit else None
        self._range = None if reach is None else (sums.mean - reach, sums.mean + reach)

    def pixels(self, rows: Tensor) -> Tensor:
        """Rows of the map as pixels (n W, C) that the folded convolutions read."""
        pixels = rows.reshape(-1, rows.shape[-1])
        if not isinstance(self._norm, SCLN):
            pixels = F.layer_norm(pixels, pixels.shape[1:], self._norm.gain, None, self._norm.eps)  # type: ignore[arg-type]
        elif self._range is not None:
            pixels = pixels.clamp(*self._range)
        return pixels.to(self._dtype)

    def branch(self, weight: Tensor, kernel: Tensor, channels: slice, multiple: int = 1) -> Branch:
        """A branch with the norm folded in; its width padded with zeros to a multiple, as odd ones are slower.

        Args:
            weight: (outputs, inputs, 1, 1).
            kernel: (outputs, 1, 3, 3).
            channels: those that it reads.
            multiple: of the width.
        """
        more = -len(weight) % multiple
        folded = F.pad((weight[:, :, 0, 0] * self._scale[channels]).t(), (0, more)).contiguous()
        bias = -self._mean * folded.sum(dim=0)
        kernel = F.pad(kernel, (0, 0, 0, 0, 0, 0, 0, more)).to(self._dtype)
        kernel = kernel.contiguous(memory_format=torch.channels_last)
        return Branch(channels, folded.to(self._dtype), bias.to(self._dtype), kernel)
