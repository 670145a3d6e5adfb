"""Logs of a run: one JSON line a record, and tensorboard where it is installed."""

import contextlib
import json
from pathlib import Path
from typing import Any

from restorect.errors import TrainingError, shown
from restorect.files import write_atomically
from restorect.train.writing import writing


class RunLog:
    """Appends records to `log.jsonl`, and to tensorboard event files beside it.

    Args:
        folder: of the run.
        step: the step the run goes on from; records after it, left by a killed run, are dropped.

    Raises:
        TrainingError: tensorboard is installed and cannot write to a folder whose name is not UTF-8.
    """

    def __init__(self, folder: Path, step: int) -> None:
        self._path = folder / "log.jsonl"
        kept = [line for line in _lines(self._path) if _step_of(line) <= step]
        with writing(self._path):
            write_atomically(self._path, "".join(line + "\n" for line in kept).encode())
            self._file = self._path.open("a", encoding="utf-8")
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
            self._file.write(json.dumps({"kind": kind, "step": step, **rounded}) + "\n")
            self._file.flush()
        if self._board is not None:
            with writing(self._path.parent / "tensorboard"):
                for name, value in values.items():
                    self._board.add_scalar(f"{kind}/{name}", value, step)

    def close(self) -> None:
        """Close the files."""
        with contextlib.suppress(OSError):  # what a full disk has refused is told of already
            self._file.close()
        if self._board is not None:
            with contextlib.suppress(OSError):
                self._board.close()


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def _step_of(line: str) -> float:
    """The record's step; infinite for a line that a kill cut short."""
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return float("inf")
