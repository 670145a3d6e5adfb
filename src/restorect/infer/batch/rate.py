"""How many requests a second this process sends to stores, all threads together."""

import threading
import time


class Rate:
    """Spaces requests evenly; without a limit it never waits. Thread-safe.

    Attributes:
        limit: requests a second; None for any number.
    """

    def __init__(self) -> None:
        self.limit: float | None = None
        self._next, self._guard = 0.0, threading.Lock()

    def wait(self) -> None:
        """Return when the next request may be sent."""
        if self.limit is None:
            return
        with self._guard:
            now = time.monotonic()
            turn = max(now, self._next)
            self._next = turn + 1 / self.limit
        time.sleep(turn - now)


RATE = Rate()
"""That of this process."""
