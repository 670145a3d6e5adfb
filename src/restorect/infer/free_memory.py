"""How much memory there is, so that nothing is killed by the system."""

import contextlib
import math
from pathlib import Path

from restorect.errors import ImageError
from restorect.infer.fitting import Remedy, make_smaller

_CGROUP_LIMITS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)
_SHARE = 0.95  # of the free memory may be planned for


def available_bytes() -> int | None:
    """Memory that can be used now without swapping, or `None` where the system does not tell.

    The least of the machine's free memory, the container's and the process's own limit.
    """
    found = [value for value in (_machine(), _container(), _process()) if value is not None]
    return min(found) if found else None


def usable(free: int | None) -> float:
    """What may be planned for of so many free bytes; without end where the system does not tell."""
    return math.inf if free is None else free * _SHARE


def refuse_above(limit: float, needed: int, remedy: Remedy = make_smaller) -> None:
    """Refuse what needs more than `limit` bytes.

    Raises:
        ImageError: it does; the message holds both figures and the remedy.
    """
    if needed > limit:
        raise ImageError(
            f"would need about {_gigabytes(needed)} of memory, and {_gigabytes(limit)} can be used; {remedy(limit)}"
        )


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
            used = int(Path(usage).read_text()) - _reclaimable(Path(usage).with_name("memory.stat"))
            return max(0, int(Path(limit).read_text()) - used)
    return None


def _reclaimable(statistics: Path) -> int:
    """What a container's files have in the cache without need, and the system takes back before it kills anything."""
    with contextlib.suppress(OSError, ValueError):
        lines = (line.split() for line in statistics.read_text().splitlines())
        return next((int(words[1]) for words in lines if words[:1] == ["inactive_file"] and len(words) == 2), 0)
    return 0


def _process() -> int | None:
    """What the process's own limit of addresses (`ulimit -v`) leaves."""
    import psutil

    with contextlib.suppress(OSError, psutil.Error, AttributeError):  # macOS and Windows have no such limit
        process = psutil.Process()
        limit, _ = process.rlimit(psutil.RLIMIT_AS)
        return None if limit == psutil.RLIM_INFINITY else max(0, limit - process.memory_info().vms)
    return None
