"""Float64 where float32 is asked for, so that what rounding hides is seen."""

import contextlib
from collections.abc import Iterator

import torch


@contextlib.contextmanager
def in_doubles() -> Iterator[None]:
    """Nets of doubles calculate in doubles throughout: what they calculate in float32 at least is not brought down."""
    plain = torch.Tensor.float
    torch.Tensor.float = torch.Tensor.double  # type: ignore[method-assign]
    try:
        yield
    finally:
        torch.Tensor.float = plain  # type: ignore[method-assign]
