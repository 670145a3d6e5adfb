"""What `restorect doctor --weights` looks at: whether each weight file is the one that was shipped, and loads."""

from pathlib import Path
from typing import Any


def check_weights(folder: Path) -> list[dict[str, Any]]:
    """Look at all weight files of a folder, and at those that its table of check sums names besides.

    Returns:
        For each its `file`, `shipped` (whether it is the one in the table; None: it is not listed), `checksum`
        (whether it carries a check sum of its tensors) and `trouble`, one line or "".
    """
    from restorect.files import file_hash
    from restorect.weights.catalogue import checksums

    table = checksums(folder)
    found = []
    for path in sorted({*folder.glob("*.safetensors"), *(folder / name for name in table)}):
        there = path.is_file()
        shipped = (there and file_hash(path) == table[path.name]) if path.name in table else None
        trouble = _trouble(path) if there else f"{path.name}: is missing; install restorect again"
        if shipped is False and not trouble:
            trouble = f"{path.name}: is not the file that was shipped; install restorect again"
        found.append({"file": path.name, "shipped": shipped, "checksum": _carries_one(path), "trouble": trouble})
    return found


def told(check: dict[str, Any]) -> str:
    """A check as one line."""
    known = {True: "as shipped", False: "NOT as shipped", None: "not in the table of shipped files"}[check["shipped"]]
    own = "with a check sum of its own" if check["checksum"] else "no check sum of its own"
    return f"{check['file']}  {known}, {own}{', UNUSABLE' if check['trouble'] else ''}"


def _trouble(path: Path) -> str:
    """Why a file cannot be used, with its name alone in front."""
    from restorect.auto.classifier import Classifier
    from restorect.errors import RestorectError
    from restorect.render.checkpoint import load_restoration
    from restorect.weights.catalogue import shipped_classifier

    try:
        if path.name == shipped_classifier().name:
            Classifier.load(path)
        else:
            load_restoration(path)
    except RestorectError as error:
        return f"{path.name}{str(error).removeprefix(str(path))}"
    return ""


def _carries_one(path: Path) -> bool:
    from restorect.checksums import stated_checksum

    try:
        return stated_checksum(path.read_bytes()) is not None
    except (OSError, ValueError):
        return False
