"""An output folder while somebody works for it: locked, with its record and the networks."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from restorect.errors import shown
from restorect.infer.batch.failures import OutputError, reason_of
from restorect.infer.batch.lock import locked
from restorect.infer.batch.manifest import Manifest
from restorect.infer.batch.memory import MemoryBudget
from restorect.infer.batch.outputs import Outputs
from restorect.infer.batch.part import WHOLE, Part
from restorect.infer.batch.photo_job import PhotoJobs
from restorect.infer.batch.settings import RestoreSettings
from restorect.infer.batch.stop import Stop

if TYPE_CHECKING:
    from restorect.infer.networks import Networks


@dataclass(frozen=True, kw_only=True)
class Workplace:
    """What a pipeline needs for its jobs.

    Attributes:
        manifest: the record.
        steps: read, restore, encode.
        outputs: where the files go.
    """

    manifest: Manifest
    steps: PhotoJobs
    outputs: Outputs


@contextlib.contextmanager
def workplace(
    out: Path,
    settings: RestoreSettings,
    load: "Callable[[], Networks]",
    *,
    stop: Stop,
    budget: MemoryBudget,
    force: bool = False,
    part: Part = WHOLE,
) -> Iterator[Workplace]:
    """Make the folder, hold it, and load the networks, once; see `run_batch` for arguments and errors."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{shown(out)}: the output folder cannot be made ({reason_of(error)})") from error
    with locked(out, part) as held:
        manifest, networks = Manifest(out, part), load()
        steps = PhotoJobs(networks, settings, budget, stop)
        outputs = Outputs(out, settings.digest(networks), manifest, force=force, held=held, part=part)
        yield Workplace(manifest=manifest, steps=steps, outputs=outputs)
