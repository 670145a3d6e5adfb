"""What a command costs: processor time, wall time and memory, of the process and of those it starts.

Linux. Processor time is that of all processes of the tree that were waited for (`wait4`). Memory is resident, looked at
every 50 ms: the most that the processes had together, pages they share counted in each, or one of them alone since it
began. (`wait4` knows a largest value too, but a process inherits that of the one that starts it.)
"""

import contextlib
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_EVERY = 0.05
_MEMORY = re.compile(r"^Vm(RSS|HWM):\s*(\d+) kB", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Of one run: seconds, and resident memory at its peak in MiB."""

    user: float
    system: float
    wall: float
    peak_mib: float

    @property
    def cpu(self) -> float:
        """Processor seconds."""
        return self.user + self.system


def cost_of(command: Sequence[str]) -> Cost:
    """Run a command to its end.

    Raises:
        OSError: it cannot be started.
        RuntimeError: it failed; the message is the last line that it said.
    """
    with tempfile.TemporaryFile("w+", errors="replace") as said:
        begun = time.perf_counter()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        most, done, status, usage = 0, 0, 0, None
        while not done:
            most = max(most, _resident(process.pid))
            time.sleep(_EVERY)
            done, status, usage = os.wait4(process.pid, os.WNOHANG)
        wall, process.returncode = time.perf_counter() - begun, os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            last = (said.read().strip().splitlines() or ["it said nothing"])[-1]
            raise RuntimeError(f"exit code {process.returncode}: {last}")
    assert usage is not None
    return Cost(user=usage.ru_utime, system=usage.ru_stime, wall=wall, peak_mib=most / 2**20)


def _resident(pid: int) -> int:
    """Bytes of a process and all below it now, or of one of them at its peak; 0 when it is gone."""
    together, largest, waiting = 0, 0, [str(pid)]
    while waiting:
        place = Path("/proc", waiting.pop())
        with contextlib.suppress(OSError):  # ended in between
            kilobytes = {
                key: int(value) for key, value in _MEMORY.findall((place / "status").read_text("utf-8", "replace"))
            }
            together += 1024 * kilobytes.get("RSS", 0)
            largest = max(largest, 1024 * kilobytes.get("HWM", 0))
            for thread in (place / "task").iterdir():
                waiting += (thread / "children").read_text("utf-8").split()
    return max(together, largest)
