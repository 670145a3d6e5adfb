"""The option --threads: the one place where the command sets the threads of an engine, for the whole process."""

from collections.abc import Callable
from typing import Annotated, TypeAlias

import typer

from restorect.cli.collector import resting


def _use(context: typer.Context, threads: int | None) -> int | None:
    if threads is not None:
        setter(context.params.get("engine", "torch"))(threads)
    return threads


def setter(engine: str) -> Callable[[int], None]:
    """What sets the threads of an engine."""
    with resting():
        if engine == "onnx":
            from restorect.engine.graphs import use_threads as use

            return use
        from restorect.devices import use_threads

        return use_threads


Threads: TypeAlias = Annotated[int | None, typer.Option(min=1, callback=_use, help="CPU threads of one operation.")]
"""Set as soon as it is read: a command that has this option need not look at it."""
