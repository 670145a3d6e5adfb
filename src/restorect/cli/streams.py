"""The standard streams as the command needs them: open, able to show any name, and never the cause of a traceback.

Standard output carries results: that it cannot be written is an error with its name. Standard error carries what
people may read meanwhile: a full disk behind it stops no photo.
"""

import contextlib
import io
import os
import sys

from restorect.errors import RestorectError
from restorect.reasons import reason_of

OUTPUT = "standard output"


class StreamError(RestorectError):
    """Standard output cannot take the results; what was done before stays done."""


class Stream(io.TextIOWrapper):
    """A text stream over a standard one; what cannot be encoded is written as an escape.

    Args:
        old: the stream whose buffer, encoding and buffering are taken over.
        vital: whether a failing write is an error.
    """

    def __init__(self, old: io.TextIOWrapper, *, vital: bool) -> None:
        super().__init__(
            old.buffer,
            encoding=old.encoding,
            errors="backslashreplace",
            line_buffering=old.line_buffering,
            write_through=old.write_through,
        )
        self._vital = vital
        self._old = old  # which would close the buffer when nobody holds it any more

    def write(self, text: str, /) -> int:
        """Write; without effect where a stream that is not vital fails."""
        try:
            return super().write(text)
        except OSError as error:
            self._failed(error)
            return len(text)

    def flush(self) -> None:
        """Flush; without effect where a stream that is not vital fails."""
        try:
            super().flush()
        except OSError as error:
            self._failed(error)

    def _failed(self, error: OSError) -> None:
        if not self._vital:
            return
        if isinstance(error, BrokenPipeError):  # who reads has had enough: typer ends the command silently
            raise error
        raise StreamError(f"{OUTPUT}: {reason_of(error)}") from error


def prepare() -> None:
    """Open streams that the caller has closed, and make those for writing `Stream`s.

    A closed one would hand its number to the next file that is opened, and a library's warning would land in a photo.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # The lowest free number is given, so this one. Writing results that nobody can read shall fail.
            os.open(os.devnull, os.O_WRONLY if number == 2 else os.O_RDONLY)
    sys.stdin = sys.stdin or open(0, closefd=False)
    sys.stdout = _prepared(sys.stdout, 1)
    sys.stderr = _prepared(sys.stderr, 2)


def leave() -> None:
    """Call it last: what a full disk has not taken would fail again, loudly, when the interpreter ends."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
            stream.buffer.flush()
        except (OSError, RestorectError):
            with contextlib.suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _prepared(stream: object, number: int) -> io.TextIOWrapper:
    old = stream if isinstance(stream, io.TextIOWrapper) else io.TextIOWrapper(open(number, "wb", closefd=False))
    return Stream(old, vital=number == 1)
