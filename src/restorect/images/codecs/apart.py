"""Decoders in processes of their own: whatever a file does to a native library, only that process suffers.

A process serves one file after another, so a photo costs a copy of its pixels and not the start of an interpreter. It
is not used again once a file failed in it: what such a file did to its memory is unknown.
"""

import contextlib
import importlib.util
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import IO, Any, cast

import numpy as np

from restorect.errors import ImageError
from restorect.images.photo import Array
from restorect.reasons import reason_of

SECONDS = 30.0  # beside what a picture of its size may take
# The working folder is not imported from: the path's empty entry goes first of all.
_START = """
import sys
sys.path[:] = [entry for entry in sys.path if entry]
import json
sys.path[:] = json.loads(sys.argv[1])
from restorect.images.codecs.helper import serve
serve()
"""
_ERRORS: dict[str, type[Exception]] = {"ImageError": ImageError, "MemoryError": MemoryError}


class _Ended(Exception):  # noqa: N818 - an event, and perhaps nobody's fault
    """A process ended before its answer."""


class _Helper:
    """One process, and the pipes to it."""

    def __init__(self) -> None:
        path = json.dumps([entry for entry in sys.path if entry])
        command = [sys.executable, "-c", _START, path]
        try:  # in a session of its own: Ctrl-C in a terminal is for us alone
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and code; files go in as data
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            raise ImageError(f"needs a process of its own to be decoded: {reason_of(error)}") from error
        self._requests, self._answers = cast(IO[bytes], self._process.stdin), cast(IO[bytes], self._process.stdout)
        self.late = False

    def answer(self, request: dict[str, Any], data: bytes, seconds: float) -> Array:
        """Have one file decoded.

        Raises:
            _Ended: the process crashed, or was ended because it was `late`.
            ValueError: the decoder refused the file; also `ImageError` and `MemoryError`.
        """
        watch = threading.Timer(seconds, self._end_late)
        watch.daemon = True
        watch.start()
        try:
            self._requests.write(json.dumps(request | {"bytes": len(data)}).encode() + b"\n")
            self._requests.write(data)
            self._requests.flush()
            line = self._answers.readline()
            if not line.endswith(b"\n"):
                raise _Ended
            reply = json.loads(line)
            if "error" in reply:
                raise _ERRORS.get(reply["kind"], ValueError)(reply["error"])
            return self._pixels(reply["shape"], reply["dtype"])
        except OSError as error:
            raise _Ended from error
        finally:
            watch.cancel()

    def close(self) -> None:
        """End the process and free its pipes."""
        self._process.kill()
        for pipe in (self._requests, self._answers):
            with contextlib.suppress(OSError):  # the end of what was still to be written
                pipe.close()
        self._process.wait()

    def _pixels(self, shape: list[int], dtype: str) -> Array:
        array = np.empty(shape, dtype)
        left = array.reshape(-1).view(np.uint8).data
        while left:
            count = self._answers.readinto(left)  # type: ignore[attr-defined] # which a pipe's file has
            if not count:
                raise _Ended
            left = left[count:]
        return array

    def _end_late(self) -> None:
        self.late = True
        self._process.kill()


_idle: list[_Helper] = []
if hasattr(os, "register_at_fork"):  # two processes must not talk through the same pipes
    os.register_at_fork(after_in_child=_idle.clear)


def installed(module: str) -> bool:
    """Say whether a module could be imported, without importing it."""
    try:
        return importlib.util.find_spec(module) is not None
    except ValueError:  # a module set to None in sys.modules
        return False


def run_apart(
    function: Callable[..., Array], data: bytes, *arguments: int, library: str, megapixels: float = 0.0
) -> Array:
    """Call a function on a file's content in another process.

    Args:
        function: takes the content and `arguments`; one that its module's name and its own lead to.
        data: the content.
        arguments: further ones.
        library: that it calls, for messages.
        megapixels: of the picture; each may take a second.

    Returns:
        What the function returned.

    Raises:
        ValueError: the function failed, or the library crashed or did not end.
        ImageError: raised by the function, or there is no process to be had.
        MemoryError: the memory for a picture of its size and a gigabyte did not suffice.
    """
    seconds = SECONDS + megapixels
    request: dict[str, Any] = {"module": function.__module__, "function": function.__name__, "arguments": arguments}
    request |= {"seconds": seconds, "megapixels": megapixels}
    while True:
        helper, old = _take()
        try:
            array = helper.answer(request, data, seconds)
        except _Ended:
            helper.close()
            if helper.late:
                raise ValueError(f"{library} does not come to an end") from None
            if not old:
                raise ValueError(f"{library} crashed on it") from None
            continue  # an earlier file may have left its memory in disorder
        except BaseException:
            helper.close()
            raise
        _idle.append(helper)
        return array


def _take() -> tuple[_Helper, bool]:
    """Give a process, and whether it has served before."""
    try:
        return _idle.pop(), True
    except IndexError:
        return _Helper(), False
