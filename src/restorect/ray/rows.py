"""For pipelines of Ray Data: `dataset.map_batches(RestorePhotos, concurrency=2, batch_size=16)`.

`restorect restore --executor ray` needs none of this: it resumes, keeps a record and survives the death of its workers.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from restorect.errors import ConfigError, RestorectError
from restorect.infer.batch import Failure, Job, RestoreSettings, Source, output_kind, restore_one
from restorect.infer.batch.photo_job import Record
from restorect.infer.load import load

Batch = dict[str, NDArray[Any]]


class RestorePhotos:
    """Restores photographs that stand in a column as paths or URLs (`path`) or as contents of files (`bytes`).

    Adds the columns `restored` (content of a file in the photograph's own format; empty where it failed), `task` (what
    it was taken for, `none` where there was nothing to restore) and `error` (one line; empty where all is well).

    Args:
        task: what to restore, or "auto".
        size: of the network.
        settings: how to read, restore and write, with one sample.
        device: where the network runs.
        weights: a file of weights instead of a shipped one.

    Raises:
        ConfigError: several samples are asked for.
        CheckpointError: there are no such weights.
    """

    def __init__(
        self,
        task: str = "auto",
        size: str = "tiny",
        *,
        settings: RestoreSettings | None = None,
        device: str = "cpu",
        weights: Path | str | None = None,
    ) -> None:
        self._settings = settings or RestoreSettings()
        if self._settings.restore.samples != 1 or self._settings.restore.uncertainty:
            raise ConfigError("RestorePhotos: a row has room for one sample; ask for samples with restorect restore")
        self._networks = load(task, size, device=device, weights=weights)

    def __call__(self, batch: Batch) -> Batch:
        """The same rows with the new columns.

        Raises:
            ConfigError: there is neither a column `path` nor `bytes`.
        """
        if "bytes" in batch:
            sources = [Source(path=Path(f"row {row}"), data=bytes(data)) for row, data in enumerate(batch["bytes"])]
        elif "path" in batch:
            sources = [Source.named(str(path)) for path in batch["path"]]
        else:
            raise ConfigError(f"RestorePhotos: needs a column path or bytes (there are: {', '.join(batch)})")
        rows = [self._restored(source) for source in sources]
        columns = {
            name: _column([row[place] for row in rows]) for place, name in enumerate(("restored", "task", "error"))
        }
        return batch | columns

    def _restored(self, source: Source) -> tuple[bytes, str, str]:
        seen: list[Record] = []
        try:
            job = Job(source=source, format=output_kind(source, self._settings)[0])
            (content,) = restore_one(job, self._networks, self._settings, on_restored=seen.append)
        except (RestorectError, OSError, MemoryError) as error:
            return b"", "", Failure.of(source.shown_as, error).reason
        return content, seen[0].task, ""


def _column(values: list[Any]) -> NDArray[Any]:
    """Values of any lengths; an array of bytes would lose zeros at their ends."""
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column
