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
    last = torch.full((), size - 1, dtype=torch.long, device=device)
    period = (2 * last).clamp(min=1)
    return ((torch.arange(padded, device=device) + last) % period - last).abs()


def pad_to_multiple(x: Tensor, multiple: int) -> Tensor:
    """Pad the right and bottom of (B, C, H, W) by reflection, so that both sides divide by `multiple`."""
    for dim in (-2, -1):
        size = x.shape[dim]
        padded = (size + multiple - 1) // multiple * multiple
        traced = torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
        if traced or padded != size:  # what is traced meets other sides later
            x = x.index_select(dim, reflect_index(size, padded, x.device))
    return x
