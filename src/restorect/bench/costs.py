"""What one forward pass costs in this process: processor time, wall time, memory and arithmetic.

CPU-seconds are the process's own time over all its threads, so other work on the machine hardly moves them; wall time
is what a person waits. What the system takes of them, mostly to hand out memory, is told apart. All are medians over
the passes, after warm-up. GFLOPs count 2 for a multiply-add, in convolutions, matrix products and attention only, as
`torch.utils.flop_counter` does.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Pass = Callable[[], None]
_WARM_UP = 2


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What one case costs.

    Attributes:
        cpu_seconds: processor time of one pass, over all threads (median).
        system_seconds: what of it the system took (median).
        wall_seconds: elapsed time of one pass (median).
        peak_mib: largest resident set of the process, everything included; None where the system does not tell.
        loaded_mib: resident set after loading, before the first pass.
        gflops: arithmetic of one pass, 2 for a multiply-add.
        device_peak_mib: largest memory allocated on a CUDA device; None on others.
    """

    cpu_seconds: float
    wall_seconds: float
    peak_mib: float | None
    loaded_mib: float
    gflops: float
    device_peak_mib: float | None = None
    system_seconds: float = 0.0

    @property
    def user_seconds(self) -> float:
        """Processor time without the system's."""
        return self.cpu_seconds - self.system_seconds


def measure(make: Callable[[], Pass], *, runs: int, device: str = "cpu") -> Figures:
    """Measure one forward pass in this process.

    Args:
        make: loads the network and returns the pass.
        runs: timed passes, after two to warm up.
        device: where the pass runs; an accelerator's queue is awaited before a clock is read.
    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    forward = make()
    loaded, _ = resident_mib()
    for _ in range(_WARM_UP):
        forward()
    cpu, system, wall = [], [], []
    for _ in range(runs):
        _await(device)
        cpu_start, system_start, wall_start = time.process_time(), _system_seconds(), time.perf_counter()
        forward()
        _await(device)
        cpu.append(time.process_time() - cpu_start)
        system.append(_system_seconds() - system_start)
        wall.append(time.perf_counter() - wall_start)
    _, peak = resident_mib()
    device_peak = torch.cuda.max_memory_allocated(device) / 2**20 if device.startswith("cuda") else None
    with FlopCounterMode(display=False) as counter:
        forward()
    return Figures(
        cpu_seconds=statistics.median(cpu),
        system_seconds=statistics.median(system),
        wall_seconds=statistics.median(wall),
        peak_mib=peak,
        loaded_mib=loaded,
        gflops=counter.get_total_flops() / 1e9,
        device_peak_mib=device_peak,
    )


def resident_mib() -> tuple[float, float | None]:
    """Resident set of this process in MiB: now, and the largest so far; None where the system does not tell.

    Linux's own `getrusage` would not do: its largest value is inherited from the process that started this one.
    """
    import psutil

    memory = psutil.Process().memory_info()
    peak = getattr(memory, "peak_wset", None)  # Windows
    if sys.platform == "linux":
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
        peak = next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), None)
    elif sys.platform != "win32":
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return memory.rss / 2**20, None if peak is None else peak / 2**20


def _system_seconds() -> float:
    """Processor time that the system has taken for this process."""
    try:
        import resource
    except ImportError:  # Windows, in steps of 16 ms
        return os.times().system
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_stime)


def _await(device: str) -> None:
    import torch

    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
    elif device.startswith("mps"):
        torch.mps.synchronize()
