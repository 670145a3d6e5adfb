"""Where the graphs of the command lie: in the user's cache, exported once for each file of weights.

A folder appears there whole or not at all, and nothing in it is changed afterwards.
"""

import os
import secrets
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from restorect import __version__
from restorect.errors import ExportError, shown
from restorect.export.card import FORMAT_VERSION
from restorect.export.extra import needed
from restorect.files import PART_PREFIX, PART_SUFFIX
from restorect.reasons import reason_of

NUMBERS = "float32"


def prepared(weights: Path, weights_hash: str, on_prepare: Callable[[], None]) -> Path:
    """The folder with the graphs of a file of weights; only where it is not there yet, torch is imported and exports.

    Two processes that want the same do not both work: the second one waits.

    Args:
        weights: the file.
        weights_hash: its SHA-256.
        on_prepare: called before anything is exported, which takes a while.

    Raises:
        ExportError: a library is missing, the network cannot be exported, or the cache cannot be written.
        CheckpointError: the file is unusable.
    """
    folder = cache_folder() / _key(weights_hash)
    if folder.is_dir():
        return folder
    needed("onnx")  # refused before anything is begun
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _made(weights, folder, on_prepare)
    except OSError as error:
        remedy = "set XDG_CACHE_HOME to a folder that you may write to, or use --engine torch"
        raise ExportError(f"{shown(folder)}: graphs cannot be kept there ({reason_of(error)}); {remedy}") from error
    return folder


def cache_folder() -> Path:
    """Where all graphs lie: below `XDG_CACHE_HOME`, or where the system keeps such things."""
    given = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(given):  # others are to be ignored, as the XDG base directory specification says
        return Path(given) / "restorect" / "onnx"
    home = Path(os.path.expanduser("~"))
    usual = {"win32": home / "AppData" / "Local", "darwin": home / "Library" / "Caches"}.get(sys.platform)
    return (usual or home / ".cache") / "restorect" / "onnx"


def _key(weights_hash: str) -> str:
    """All that graphs depend on; optimised ones go with the onnxruntime that wrote them."""
    runtime = needed("onnxruntime").__version__
    return f"{weights_hash[:32]}-{__version__}.{FORMAT_VERSION}-onnxruntime-{runtime}-{NUMBERS}-whole"


def _made(weights: Path, folder: Path, on_prepare: Callable[[], None]) -> None:
    from filelock import FileLock

    with FileLock(folder.with_name(f"{folder.name}.lock")):
        if folder.is_dir():  # another process has made it meanwhile
            return
        on_prepare()
        part = folder.with_name(f"{PART_PREFIX}{os.getpid()}-{secrets.token_hex(6)}{PART_SUFFIX}")
        try:
            _export(weights, part)
            part.rename(folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)


def _export(weights: Path, folder: Path) -> None:
    from restorect.export.export import export
    from restorect.infer.restorer import Restorer

    export(Restorer.load(weights=weights), folder, whole=True)
