"""The weights that come with the package: where they are, and what there is."""

from importlib import resources
from pathlib import Path

from restorect.errors import CheckpointError

_CHECKSUMS = "SHA256SUMS"


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


def checksums(folder: Path) -> dict[str, str]:
    """The SHA-256 of weight files by name, as a folder's table states them; empty without one."""
    try:
        lines = (folder / _CHECKSUMS).read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    rows = (line.split("  ", 1) for line in lines)
    return {row[1]: row[0] for row in rows if len(row) == 2}


def check_shipped(path: Path, sha256: str) -> None:
    """Compare the SHA-256 of a weight file with the table beside it, which the files of the package have.

    Raises:
        CheckpointError: it is another one.
    """
    if checksums(path.parent).get(path.name, sha256) != sha256:
        raise CheckpointError(f"{path}: is not the file that was shipped (see {_CHECKSUMS}); install restorect again")


def _listed(table: dict[tuple[str, str], Path]) -> str:
    return ", ".join(f"{task} {size}" for task, size in table) or "none"


def _folder() -> Path:
    return Path(str(resources.files("restorect.weights")))
