"""The options of `restorect restore` that say who does the work, and the crew they mean."""

from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from restorect.cli.threads import setter
from restorect.errors import ConfigError, shown

if TYPE_CHECKING:
    from restorect.infer.batch.crew import Crew

LOCAL = "local"

Executor: TypeAlias = Annotated[
    str, typer.Option(help="local: this process; processes: several, each with its cores (docs/scale.md).")
]
Workers: TypeAlias = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Of --executor: how many; by default one for two cores.")
]


def crew_of(executor: str, workers: int | None, *, threads: int | None, engine: str) -> "Crew | None":
    """Who does the work; None for this process.

    Raises:
        ConfigError: there is no such executor, or it has no workers.
    """
    if executor == LOCAL:
        if workers is not None:
            raise ConfigError("--workers: this process is the only one; give --executor processes")
        return None
    if executor != "processes":
        raise ConfigError(f"--executor {shown(executor)}: choose local or processes")
    from restorect.infer.batch.processes import Processes
    from restorect.infer.batch.run import cores

    return Processes(workers or max(1, cores() // 2), threads, setter(engine))
