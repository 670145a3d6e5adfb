"""How much memory a photograph needs in a batch, and a budget for those under way together."""

import threading
from collections.abc import Callable

from restorect.images.photo import PhotoInfo
from restorect.infer.batch.stop import Stop
from restorect.infer.fitting import Remedy, make_smaller
from restorect.infer.free_memory import available_bytes, refuse_above, usable

_COPIES = 3  # of the float32 picture while it is converted or encoded


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
                self._limit = usable(self._available())
                refuse_above(self._limit, needed, remedy)
            self._used += needed
            self._holders += 1
            return True

    def check(self, needed: int, remedy: Remedy = make_smaller) -> None:
        """Raise `ImageError` if `needed` bytes do not fit even alone, right now."""
        refuse_above(usable(self._available()), needed, remedy)

    def release(self, needed: int) -> None:
        """Give back what `acquire` took."""
        with self._changed:
            self._used -= needed
            self._holders -= 1
            self._changed.notify_all()
