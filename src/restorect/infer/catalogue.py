"""The weights that come with the package: where they are, and what there is."""

from importlib import resources
from pathlib import Path

from restorect.errors import CheckpointError


def shipped() -> dict[tuple[str, str], Path]:
    """All weight files of restoring networks of the package by (task, size)."""
    found: dict[tuple[str, str], Path] = {}
    for path in sorted(_folder().glob("*.safetensors")):
        task, dash, size = path.stem.rpartition("-")
        if dash:  # the classifier has no size
            found[task, size] = path
    return found


def shipped_classifier() -> Path:
    """The file of the classifier that chooses among the tasks."""
    return _folder() / "auto.safetensors"


def shipped_weights(task: str, size: str) -> Path:
    """The weight file of a task and size.

    Raises:
        CheckpointError: the package has none; the message says what there is.
    """
    table = shipped()
    if (task, size) not in table:
        sizes = [other for name, other in table if name == task]
        there = f"{task} has {', '.join(sizes)}" if sizes else f"there is: {_listed(table)}"
        raise CheckpointError(f"no weights for {task} {size} come with this package ({there}); use --size or --weights")
    return table[task, size]


def _listed(table: dict[tuple[str, str], Path]) -> str:
    return ", ".join(f"{task} {size}" for task, size in table) or "none"


def _folder() -> Path:
    return Path(str(resources.files("restorect.weights")))
