"""Finding the photographs that a user means by files, folders and globs."""

import fnmatch
import glob
import os
import stat
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from restorect.infer.batch.failures import Failure, OutputError
from restorect.infer.batch.manifest import MANIFEST_NAME

# Of Synology, QNAP and Windows: thumbnails, snapshots, and what was deleted.
SERVICE_FOLDERS = frozenset(
    {
        *("@eaDir", "#recycle", "#snapshot", ".@__thumb", "@Recycle", "@Recently-Snapshot"),
        *("$RECYCLE.BIN", "System Volume Information"),
    }
)
_SERVICE_FILES = frozenset({"thumbs.db", "desktop.ini", MANIFEST_NAME})
_SIDECARS = frozenset({".xmp"})


@dataclass(frozen=True, kw_only=True)
class Source:
    """One photograph to restore.

    Args:
        path: the file; for bytes from elsewhere, a name to show.
        folder: where it lies under the folder that the user gave; empty for a file given by itself.
        data: the content, when it comes from no file.
    """

    path: Path
    folder: str = ""
    data: bytes | None = None

    @property
    def known_as(self) -> str:
        """How the manifest calls it: its absolute path, or the name of what came from no file."""
        return str(self.path.absolute()) if self.data is None else str(self.path)

    @property
    def size(self) -> int:
        """Bytes of the content.

        Raises:
            OutputError: it is neither a file nor bytes (a pipe or a device would block or never end).
            OSError: the file cannot be examined.
        """
        if self.data is not None:
            return len(self.data)
        status = self.path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise OutputError("is not a regular file; give a photo's file")
        return status.st_size


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a search gave.

    Args:
        sources: photographs in a steady order.
        failures: one for each argument that led nowhere.
        passed_over: files given by name that are not to be taken.
        others: what else lies in the folders, counted by kind.
    """

    sources: tuple[Source, ...]
    failures: tuple[Failure, ...]
    passed_over: tuple[str, ...] = ()
    others: Mapping[str, int] = field(default_factory=dict)


def find_sources(
    arguments: Sequence[str], *, recursive: bool, extensions: Collection[str], apart_from: Collection[str] = ()
) -> Found:
    """Expand files, folders and globs.

    In folders, hidden files and files without a photo's extension are passed over, and links to other folders are
    not followed (they may lead in a circle or far away), nor are folders in which a NAS or a system keeps thumbnails
    or what was deleted; a file given by name is always taken.

    Args:
        arguments: paths as the user gave them; one that does not exist and holds `*`, `?` or `[` is a glob.
        recursive: look into folders within folders.
        extensions: of photographs, in lower case and with their dot.
        apart_from: real paths of folders not to enter and of files not to take (the output folder, old outputs).
    """
    sources: dict[tuple[str, str], Source] = {}
    failures: list[Failure] = []
    passed_over: list[str] = []
    others: dict[str, str] = {}
    for argument in arguments:
        for path, error in _expand(argument):
            if error is not None:
                failures.append(error)
            elif service := _service_folder(path, argument, alone=len(arguments) == 1):
                others[os.path.realpath(service)] = f"{service.name} folder"
            elif path.is_dir():
                closed: list[OSError] = []
                inside = list(_walk(path, recursive, extensions, apart_from, others, closed))
                sources.update({(os.path.realpath(s.path.parent), s.path.name): s for s in inside})
                failures += [Failure(str(error.filename), _closed(error)) for error in closed]
                if not inside and not closed and not _holds_photos(path, recursive, extensions):
                    failures.append(Failure(str(path), _empty(recursive)))
            elif os.path.realpath(path) in apart_from:
                passed_over.append(str(path))
            else:
                sources.setdefault((os.path.realpath(path.parent), path.name), Source(path=path))
    return Found(
        sources=tuple(sources.values()),
        failures=tuple(failures),
        passed_over=tuple(passed_over),
        others=Counter(others.values()),
    )


def _expand(argument: str) -> Iterator[tuple[Path, Failure | None]]:
    """The existing paths that one argument stands for, each alone or with the reason why it cannot be used."""
    path = Path(argument)
    try:
        path.stat()
    except ValueError:
        yield path, Failure(argument, "is no valid path (it holds a null character)")
    except OSError as error:
        matches = sorted(glob.glob(argument, recursive=True)) if glob.has_magic(argument) else []
        yield from ((Path(match), None) for match in matches)
        closed = _closed_to(argument) if glob.has_magic(argument) else []
        yield from ((Path(each.filename), Failure(str(each.filename), _closed(each))) for each in closed)
        if not matches and not closed:
            nothing = Failure(argument, "matches no file; check the pattern")
            yield path, nothing if glob.has_magic(argument) else Failure.of(argument, error)
    else:
        yield path, None


def _closed_to(pattern: str) -> list[OSError]:
    """Why folders that a pattern leads through cannot be listed; `glob` passes over them without a word."""
    parts = Path(pattern).parts
    count = next(number for number, part in enumerate(parts) if glob.has_magic(part))
    found: dict[str, OSError] = {}

    def look(folder: Path, rest: tuple[str, ...]) -> None:
        try:
            inside = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False))
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            found[str(folder)] = error
            return
        any_depth = rest[0] == "**"
        for name in inside if any_depth or len(rest) > 1 else ():
            if name.startswith(".") and not rest[0].startswith("."):
                continue
            if any_depth or fnmatch.fnmatch(name, rest[0]):
                look(folder / name, rest if any_depth else rest[1:])
        if any_depth and len(rest) > 1:
            look(folder, rest[1:])

    look(Path(*parts[:count]), parts[count:])
    return list(found.values())


def _walk(
    top: Path,
    recursive: bool,
    extensions: Collection[str],
    apart_from: Collection[str],
    others: dict[str, str] | None = None,
    closed: list[OSError] | None = None,
) -> Iterator[Source]:
    """The photographs in a folder.

    What else there is is noted in `others`, its real path and its kind; what cannot be listed is added to `closed`.
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
        relative = Path(folder).relative_to(top).as_posix()
        for name in sorted(names):
            real, kind = _real(folder, name), _kind(name)
            if not kind or real in apart_from:
                continue
            if Path(name).suffix.lower() not in extensions:
                others[real] = kind
            else:
                yield Source(path=Path(folder, name), folder="" if relative == "." else relative)
        if not recursive:
            return


def _holds_photos(top: Path, recursive: bool, extensions: Collection[str]) -> bool:
    return next(_walk(top, recursive, extensions, ()), None) is not None


def _service_folder(path: Path, argument: str, *, alone: bool) -> Path | None:
    """The service folder that a pattern led to, ours or the shell's; not one that the user named alone."""
    named = Path(argument).parts
    found = (one for one in (path, *path.parents) if one.name in SERVICE_FOLDERS and one.name not in named)
    return next(found, path if path.name in SERVICE_FOLDERS and not alone and path.is_dir() else None)


def _kind(name: str) -> str:
    """What to call a file; empty for one that is hidden, or belongs to a photo, to the system or to us."""
    ending = Path(name).suffix
    ours = name.startswith(".") or name.lower() in _SERVICE_FILES or ending.lower() in _SIDECARS
    return "" if ours else ending[1:].upper() or "file without an ending"


def _empty(recursive: bool) -> str:
    remedy = "give another folder" if recursive else "give another folder, or --recursive if they lie deeper"
    return f"holds no photographs; {remedy}"


def _closed(error: OSError) -> str:
    return f"this folder cannot be listed ({error.strerror}), so its photos are left out; check its permissions"


def _real(folder: str, name: str) -> str:
    return os.path.realpath(os.path.join(folder, name))
