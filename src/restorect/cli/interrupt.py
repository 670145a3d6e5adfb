"""Ctrl-C once: finish the current photographs; twice: end at once. SIGTERM counts as Ctrl-C."""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

from restorect.infer.batch.stop import Stop

INTERRUPTED = 130
_NOTICE = "restorect: stopping after the current photo; Ctrl-C again stops at once\n"
_CLEAR_LINE, _SHOW_CURSOR = "\r\x1b[K", "\x1b[?25h"


@contextlib.contextmanager
def stopping(stop: Stop) -> Iterator[None]:
    """While inside, a first signal asks `stop` and a second one ends the process (outputs are whole or not there).

    The handlers write with plain system calls: a signal may come while the same stream is being printed to.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set handlers
        return

    def receive(_number: int, _frame: FrameType | None) -> None:
        if stop.asked:
            _say("", _SHOW_CURSOR)  # a live bar has hidden it
            os._exit(INTERRUPTED)  # no thread is awaited; a half-written temporary file is removed by the next run
        stop.ask()
        _say(_NOTICE, _CLEAR_LINE + _NOTICE)

    before: dict[int, Any] = {number: signal.signal(number, receive) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _say(text: str, on_terminal: str) -> None:
    with contextlib.suppress(OSError, ValueError, AttributeError):  # standard error may be closed
        descriptor = sys.stderr.fileno()
        os.write(descriptor, (on_terminal if os.isatty(descriptor) else text).encode())
