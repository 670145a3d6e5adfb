"""Ctrl-C once: finish the current photographs; twice: end at once. SIGTERM counts as Ctrl-C."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from restorect.infer.batch.stop import Stop

INTERRUPTED = 130


@contextlib.contextmanager
def stopping(stop: Stop, notice: Callable[[str], None]) -> Iterator[None]:
    """While inside, a first signal asks `stop` and a second one ends the process (outputs are whole or not there).

    Args:
        stop: asked at the first signal.
        notice: shows one line.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set handlers
        return

    def receive(_number: int, _frame: FrameType | None) -> None:
        if stop.asked:
            os._exit(INTERRUPTED)  # no thread is awaited; a half-written temporary file is removed by the next run
        stop.ask()
        notice("stopping after the current photo; Ctrl-C again stops at once")

    before: dict[int, Any] = {number: signal.signal(number, receive) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
