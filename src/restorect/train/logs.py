"""Logs of a run: one JSON line a record, and tensorboard where it is installed."""

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from restorect.errors import TrainingError, shown
from restorect.records import append_record, read_records, rewrite_records
from restorect.train.writing import writing

LOG_NAME = "log.jsonl"


class RunLog:
    """Appends records to `log.jsonl`, and to tensorboard event files beside it.

    Args:
        folder: of the run.
        step: the step the run goes on from; records after it, left by a killed run, are dropped.

    Raises:
        TrainingError: tensorboard is installed and cannot write to a folder whose name is not UTF-8.
    """

    def __init__(self, folder: Path, step: int) -> None:
        self._path = folder / LOG_NAME
        with writing(self._path):
            rewrite_records(self._path, [record for record in read_records(self._path) if _step_of(record) <= step])
        self._board: Any = None
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            return
        if any("\ud800" <= letter <= "\udfff" for letter in str(folder)):
            raise TrainingError(f"{shown(folder)}: tensorboard cannot write to a folder of this name; give another -o")
        self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1)

    def write(self, kind: str, step: int, values: dict[str, float]) -> None:
        """Add a record of that kind, for example "train" or "val".

        Raises:
            TrainingError: the disk is full, or a file cannot be written otherwise.
        """
        rounded = {name: float(f"{value:.6g}") for name, value in values.items()}
        with writing(self._path):
            append_record(self._path, {"kind": kind, "step": step, **rounded})
        if self._board is not None:
            with writing(self._path.parent / "tensorboard"):
                for name, value in values.items():
                    self._board.add_scalar(f"{kind}/{name}", value, step)

    def close(self) -> None:
        """Close tensorboard's files."""
        if self._board is not None:
            with contextlib.suppress(OSError):  # what a full disk has refused is told of already
                self._board.close()


def _step_of(record: Mapping[str, Any]) -> float:
    """The record's step; infinite where there is none."""
    step = record.get("step")
    return step if isinstance(step, int | float) else float("inf")
