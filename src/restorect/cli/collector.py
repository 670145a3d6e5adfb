"""Python's collector of cycles, out of the way while libraries load and when the process ends.

Importing torch makes some hundred thousand objects, and all of them stay. To look through them again and again, and
once more at the end, took half a second of each command.
"""

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def resting() -> Iterator[None]:
    """While inside nothing is collected, and what stands at its end is never looked at again."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def leave() -> None:
    """Call it last: memory goes back to the system with the process."""
    gc.freeze()
