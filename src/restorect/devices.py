"""Finding the device a user names, and setting its threads and precision."""

import os

import torch

from restorect.configs import require
from restorect.errors import DeviceError

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
