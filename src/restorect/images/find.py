"""Finding photographs in folders: by their endings, in a steady order."""

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from restorect.errors import DataError, shown
from restorect.images.formats import EXTENSIONS

# Of Synology, QNAP and Windows: thumbnails, snapshots, and what was deleted.
SERVICE_FOLDERS = frozenset(
    {
        *("@eaDir", "#recycle", "#snapshot", ".@__thumb", "@Recycle", "@Recently-Snapshot"),
        *("$RECYCLE.BIN", "System Volume Information"),
    }
)
_SERVICE_FILES = frozenset({"thumbs.db", "desktop.ini"})
_SIDECARS = frozenset({".xmp"})


def photos_in(folder: Path, *, recursive: bool = False) -> list[Path]:
    """The photographs in a folder, by name; what `walk` passes over is passed over.

    Raises:
        DataError: there is no such folder, or no photograph in it, or it cannot be listed.
    """
    if not folder.is_dir():
        raise DataError(f"{shown(folder)}: no such folder")
    closed: list[OSError] = []
    files = sorted(walk(folder, recursive=recursive, closed=closed))
    for error in closed:
        raise DataError(
            f"{shown(error.filename)}: this folder cannot be listed ({error.strerror}); check its permissions"
        )
    if not files:
        raise DataError(f"{shown(folder)}: holds no image; give a folder with photographs in it")
    return files


def walk(
    top: Path,
    *,
    recursive: bool,
    apart_from: Collection[str] = (),
    others: dict[str, str] | None = None,
    closed: list[OSError] | None = None,
) -> Iterator[Path]:
    """The photographs in a folder.

    Hidden files and files without a photo's ending are passed over. Links to other folders are not followed (they may
    lead in a circle or far away), nor are folders in which a NAS or a system keeps thumbnails or what was deleted.

    Args:
        top: the folder.
        recursive: look into folders within it.
        apart_from: real paths of folders not to enter and of files not to give.
        others: takes down what else there is, its real path and its kind.
        closed: takes down why folders cannot be listed.
    """
    others = {} if others is None else others
    for folder, folders, names in os.walk(top, onerror=None if closed is None else closed.append):
        if recursive:
            others.update({_real(folder, name): f"{name} folder" for name in folders if name in SERVICE_FOLDERS})
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and name not in SERVICE_FOLDERS and _real(folder, name) not in apart_from
        )
        for name in sorted(names):
            real, kind = _real(folder, name), kind_of(name)
            if not kind or real in apart_from:
                continue
            if is_photo_name(name):
                yield Path(folder, name)
            else:
                others[real] = kind
        if not recursive:
            return


def is_photo_name(name: str) -> bool:
    """Whether a name has the ending of a photograph."""
    return Path(name).suffix.lower() in EXTENSIONS


def kind_of(name: str) -> str:
    """What to call a file; empty for one that is hidden, or belongs to a photo or to the system."""
    ending = Path(name).suffix
    passed = name.startswith(".") or name.lower() in _SERVICE_FILES or ending.lower() in _SIDECARS
    return "" if passed else ending[1:].upper() or "file without an ending"


def _real(folder: str, name: str) -> str:
    return os.path.realpath(os.path.join(folder, name))
