"""Padding a photograph of any size to what a network needs.

Shapes: x_BCHW.
"""

import torch
from torch import Tensor


def reflect_index(size: int, padded: int, device: torch.device | None = None) -> Tensor:
    """Indices 0..size-1 then reflected with period 2 (size - 1), as numpy's reflect on sides of any length.

    Args:
        size: the side, at least 1 (a side of 1 is replicated).
        padded: how many indices, at least `size`.
        device: where the result lives.
    """
    if size == 1:
        return torch.zeros(padded, dtype=torch.long, device=device)
    period = 2 * (size - 1)
    index = torch.arange(padded, device=device) % period
    return torch.where(index < size, index, period - index)


def pad_to_multiple(x: Tensor, multiple: int) -> Tensor:
    """Pad the right and bottom of (B, C, H, W) by reflection, so that both sides divide by `multiple`."""
    H, W = x.shape[-2:]
    H_padded, W_padded = -(-H // multiple) * multiple, -(-W // multiple) * multiple
    if H_padded != H:
        x = x.index_select(-2, reflect_index(H, H_padded, x.device))
    if W_padded != W:
        x = x.index_select(-1, reflect_index(W, W_padded, x.device))
    return x
