"""A run's files, and what to do when one cannot be written."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from restorect.errors import TrainingError


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn the system's refusal to write a file of a run (a full disk, above all) into one line.

    Raises:
        TrainingError: the file cannot be written; what it held before is still there.
    """
    try:
        yield
    except OSError as error:
        raise TrainingError(
            f"{path}: cannot be written ({error.strerror or error}); make room or let the folder be written to, "
            "then go on with --resume"
        ) from error
