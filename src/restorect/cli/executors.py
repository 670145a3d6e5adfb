"""The options of `restorect restore` that say who does the work, and the crew they mean."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from restorect.cli.threads import setter
from restorect.errors import ConfigError, shown

if TYPE_CHECKING:
    from restorect.workers.crew import Crew

LOCAL = "local"

Executor: TypeAlias = Annotated[
    str, typer.Option(help="local: this process; processes: several; ray: actors of a cluster (docs/scale.md).")
]
Workers: TypeAlias = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Of --executor: how many; by default one for two cores.")
]
Address: TypeAlias = Annotated[
    str | None, typer.Option(metavar="HOST:PORT", help="Of a running Ray cluster, or auto; by default one is started.")
]


@dataclass(frozen=True)
class Wish:
    """Who shall do the work, as the options say it."""

    executor: str
    workers: int | None
    address: str | None
    threads: int | None
    device: str
    engine: str = "torch"
    out: str = ""


def crew_of(wish: Wish) -> "Crew | None":
    """Who does the work; None for this process.

    Raises:
        ConfigError: there is no such executor, or it has no workers.
    """
    if wish.address is not None and wish.executor != "ray":
        raise ConfigError("--address: is that of a Ray cluster; give --executor ray")
    if wish.executor == LOCAL:
        if wish.workers is not None:
            raise ConfigError("--workers: this process is the only one; give --executor processes")
        return None
    if wish.executor == "processes":
        from restorect.cores import cores
        from restorect.workers.processes import Processes

        return Processes(wish.workers or max(1, cores() // 2), wish.threads, setter(wish.engine))
    if wish.executor != "ray":
        raise ConfigError(f"--executor {shown(wish.executor)}: choose local, processes or ray")
    from restorect.infer.batch.remote import is_url
    from restorect.ray.actors import Actors

    if is_url(wish.out):
        raise ConfigError(
            "--executor ray: OUT must be a folder that all nodes see; use --part K/N for outputs in buckets"
        )
    return Actors(wish.workers, wish.threads, setter(wish.engine), gpus=_gpus(wish.device), address=wish.address)


def _gpus(device: str) -> int | None:
    """What an actor takes of the GPUs that Ray knows of; None for one if there are any."""
    if device.startswith("cuda:"):
        raise ConfigError(f"--device {shown(device)}: Ray chooses the GPU of each worker; give --device cuda")
    return None if device == "auto" else int(device == "cuda")
