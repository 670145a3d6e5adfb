"""Finding the device a user names, and setting its threads and precision."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch

from restorect.configs import require
from restorect.errors import DeviceError

Precision = Literal["float32", "bfloat16"]

_MOST_THREADS = 256


def find_device(name: str) -> torch.device:
    """The torch device of that name: "cpu", "cuda", "cuda:1", "mps"; "auto" takes CUDA where there is one.

    Raises:
        DeviceError: there is no such device here; nothing falls back silently.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise DeviceError(f"device {name!r} is not available on this machine; use --device cpu") from error
    return device


def find_precision(name: Precision, device: torch.device) -> torch.dtype:
    """The type of that name.

    Raises:
        ConfigError: there is no such type.
        DeviceError: the device would be hundreds of times slower with it.
    """
    require(name in ("float32", "bfloat16"), f"precision is {name!r}; choose float32 or bfloat16")
    if name == "float32":
        return torch.float32
    has_it = torch.cuda.is_bf16_supported() if device.type == "cuda" else _cpu_has_bfloat16()
    if device.type not in ("cpu", "cuda") or not has_it:
        raise DeviceError(f"{device.type} here has no bfloat16 arithmetic of its own; use float32")
    return torch.bfloat16


def _cpu_has_bfloat16() -> bool:
    asked = getattr(torch.cpu, "_is_avx512_bf16_supported", None)  # of torch 2.6 on
    return asked is not None and bool(asked())


def sent(tensor: torch.Tensor, device: torch.device | str) -> torch.Tensor:
    """A small tensor on another device; to a GPU without waiting for what is queued there."""
    return tensor.to(device, non_blocking=tensor.device.type == "cpu" and torch.device(device).type == "cuda")


def full_precision(device: torch.device) -> torch.autocast:
    """A context in which autocast is off, for what bfloat16 would spoil."""
    return torch.autocast(device.type, enabled=False)


def use_threads(threads: int | None) -> None:
    """Set torch's CPU threads for the whole process; None leaves them as they are.

    Raises:
        ConfigError: the number is below 1, or so high that starting them would end the process.
    """
    if threads is not None:
        most = max(_MOST_THREADS, os.cpu_count() or 1)
        require(1 <= threads <= most, f"threads is {threads}; it must be from 1 to {most}")
        torch.set_num_threads(threads)


@contextmanager
def exact_products() -> Iterator[None]:
    """Matrix products in float32 throughout: TF32 is too rough for iterated Gram matrices, and for variances."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
