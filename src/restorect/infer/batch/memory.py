"""How much memory a photograph needs and how much there is, so that nothing is killed by the system."""

import contextlib
import math
import threading
from collections.abc import Callable
from pathlib import Path

from restorect.errors import ImageError
from restorect.images.photo import PhotoInfo
from restorect.infer.batch.fitting import Remedy, make_smaller
from restorect.infer.batch.stop import Stop

_CGROUP_LIMITS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)
_SHARE = 0.95  # of the free memory may be planned for
_COPIES = 3  # of the float32 picture while it is converted or encoded


def available_bytes() -> int | None:
    """Memory that can be used now without swapping, or `None` where the system does not tell.

    The least of the machine's free memory, the container's and the process's own limit.
    """
    found = [value for value in (_machine(), _container(), _process()) if value is not None]
    return min(found) if found else None


def needed_bytes(info: PhotoInfo, *, file_bytes: int, samples: int) -> int:
    """An upper estimate of reading, converting and writing one photograph; the network's share comes on top."""
    pixels = info.height * info.width
    decoded = pixels * max(info.channels, 3) * -(-info.bit_depth // 8)
    floats = pixels * 3 * 4
    return file_bytes + 3 * decoded + (_COPIES + samples) * floats


class MemoryBudget:
    """Lets photographs into the pipeline only while they fit into memory together; thread-safe.

    Args:
        available: tells the free bytes; asked whenever nothing is under way.
    """

    def __init__(self, available: Callable[[], int | None] = available_bytes) -> None:
        self._available = available
        self._changed = threading.Condition()
        self._limit: float = 0.0
        self._used = 0
        self._holders = 0

    def acquire(self, needed: int, stop: Stop, remedy: Remedy = make_smaller) -> bool:
        """Wait until `needed` bytes fit beside what is under way; false if `stop` is set before.

        Raises:
            ImageError: they do not fit even alone; the message holds both figures and the remedy.
        """
        with self._changed:
            while self._holders and self._used + needed > self._limit and not stop.is_set():
                self._changed.wait(0.1)
            if stop.is_set():
                return False
            if not self._holders:
                self._limit = self._ask()
                self._refuse_above(self._limit, needed, remedy)
            self._used += needed
            self._holders += 1
            return True

    def check(self, needed: int, remedy: Remedy = make_smaller) -> None:
        """Raise `ImageError` if `needed` bytes do not fit even alone, right now."""
        self._refuse_above(self._ask(), needed, remedy)

    def _ask(self) -> float:
        free = self._available()
        return math.inf if free is None else free * _SHARE

    @staticmethod
    def _refuse_above(limit: float, needed: int, remedy: Remedy) -> None:
        if needed > limit:
            raise ImageError(
                f"would need about {_gigabytes(needed)} of memory, and {_gigabytes(limit)} can be used; {remedy(limit)}"
            )

    def release(self, needed: int) -> None:
        """Give back what `acquire` took."""
        with self._changed:
            self._used -= needed
            self._holders -= 1
            self._changed.notify_all()


def _gigabytes(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 5e7 else f"{count / 1e6:.1f} MB"


def _machine() -> int | None:
    import psutil

    with contextlib.suppress(OSError, psutil.Error):
        return int(psutil.virtual_memory().available)
    return None


def _container() -> int | None:
    for limit, usage in _CGROUP_LIMITS:
        with contextlib.suppress(OSError, ValueError):  # "max": no limit
            return max(0, int(Path(limit).read_text()) - int(Path(usage).read_text()))
    return None


def _process() -> int | None:
    """What the process's own limit of addresses (`ulimit -v`) leaves."""
    import psutil

    with contextlib.suppress(OSError, psutil.Error, AttributeError):  # macOS and Windows have no such limit
        process = psutil.Process()
        limit, _ = process.rlimit(psutil.RLIMIT_AS)
        return None if limit == psutil.RLIM_INFINITY else max(0, limit - process.memory_info().vms)
    return None
