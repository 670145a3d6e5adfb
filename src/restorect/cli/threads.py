"""The option --threads: the one place where the command sets torch's threads, for the whole process."""

from typing import Annotated, TypeAlias

import typer

from restorect.cli.collector import resting


def _use(threads: int | None) -> int | None:
    if threads is not None:
        with resting():
            from restorect.devices import use_threads

        use_threads(threads)
    return threads


Threads: TypeAlias = Annotated[int | None, typer.Option(min=1, callback=_use, help="CPU threads of one operation.")]
"""Set as soon as it is read: a command that has this option need not look at it."""
