"""A photograph from standard input, and one to standard output."""

import os
import sys
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from restorect.infer.batch import RestoreSettings

PIPE = "-"
"""What stands for standard input, or output, among paths."""
_HEAD, _PIECE = 2**16, 2**24  # bytes of standard input that are looked at, and that are read at a time
_COPIES = 3  # of a piped file at least, while it is decoded


def read_piped(settings: "RestoreSettings") -> bytes:
    """All of standard input; refused as soon as it is longer than a photo under the limit, or than the memory."""
    from restorect.images.formats import sniff
    from restorect.images.source import check_file_size
    from restorect.infer.batch import MemoryBudget

    content, budget = bytearray(), MemoryBudget()
    while piece := sys.stdin.buffer.read(_PIECE):
        stranger = not content and sniff(piece[:_HEAD]) is None
        content += piece
        if stranger:  # whoever looks at these bytes will say so
            break
        check_file_size(len(content), "stdin", settings.max_megapixels)
        budget.check(_COPIES * len(content))
    return bytes(content)


def write_piped(content: bytes) -> int:
    """To standard output; a full disk behind it is one line and exit code 1."""
    from restorect.infer.batch import Failure

    try:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    except BrokenPipeError:  # who reads has had enough: typer ends the command silently
        raise
    except OSError as error:
        # What is left in the buffer would fail once more at exit, loudly.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        typer.echo(f"failed: {Failure.of('standard output', error)}", err=True)
        return 1
    return 0
