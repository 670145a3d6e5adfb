"""Finding the photographs that a user means by files, folders and globs."""

import fnmatch
import glob
import os
import stat
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from restorect.files import open_regular
from restorect.images.find import SERVICE_FOLDERS, walk
from restorect.infer.batch.failures import Failure, OutputError
from restorect.infer.batch.part import is_manifest
from restorect.infer.batch.remote import State, is_url, object_state, path_of, public, read_object


@dataclass(frozen=True, kw_only=True, slots=True)  # there may be millions
class Source:
    """One photograph to restore.

    Args:
        path: the file; for bytes from elsewhere, a name to show; for a URL, what outputs are named by.
        folder: where it lies under the folder that the user gave; empty for a file given by itself.
        data: the content, when it comes from no file.
        by_name: it is taken for what its name says, so that it is not opened before its turn.
        url: where it is, if not on a disk; its query, which may be secret, is told to nobody.
    """

    path: Path
    folder: str = ""
    data: bytes | None = None
    by_name: bool = False
    url: str = field(default="", repr=False)

    @classmethod
    def named(cls, text: str, *, folder: str = "", by_name: bool = False) -> "Source":
        """The photograph at a path or a URL.

        Raises:
            RemoteError: the URL holds a password.
        """
        remote = is_url(text)
        path = path_of(text) if remote else Path(text)
        return cls(path=path, folder=folder, by_name=by_name, url=text if remote else "")

    @property
    def shown_as(self) -> str:
        """How messages call it: as the user did, apart from a query."""
        return public(self.url) or str(self.path)

    @property
    def known_as(self) -> str:
        """How the manifest calls it: its URL without query, its absolute path, or the name of what is no file."""
        return public(self.url) or (str(self.path.absolute()) if self.data is None else str(self.path))

    @property
    def needs_query(self) -> bool:
        """Whether more than `known_as` is needed to read it."""
        return public(self.url) != self.url

    @property
    def is_file(self) -> bool:
        """Whether it lies on a disk."""
        return self.data is None and not self.url

    def state(self) -> State:
        """What can be known of the content without reading it.

        Raises:
            OutputError: it is neither a file nor bytes (a pipe or a device would block or never end).
            RemoteError: what is behind the URL cannot be examined.
            OSError: the file cannot be examined.
        """
        if self.data is not None:
            return State(len(self.data))
        if self.url:
            return object_state(self.url)
        status = self.path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise OutputError("is not a regular file; give a photo's file")
        return State(status.st_size)

    def read(self, most: int | None = None) -> bytes:
        """The content, or its beginning.

        Args:
            most: bytes to read; None reads all.

        Raises:
            RemoteError: what is behind the URL cannot be read.
            OSError: the file cannot be read.
        """
        if self.data is not None:
            return self.data[:most]
        if self.url:
            return read_object(self.url, most)
        with open_regular(self.path) as file:
            return file.read(-1 if most is None else most)

    def likeness(self) -> tuple[int, int | None]:
        """The permissions and the date (in nanoseconds) of the file, for outputs; what is no file has no date."""
        if not self.is_file:
            return 0o666, None
        status = self.path.stat()
        return (0o666 if os.name == "nt" else status.st_mode), status.st_mtime_ns


@dataclass(frozen=True)
class Refused(Failure):
    """A photograph that was found and cannot be restored.

    Args:
        source: the photograph.
    """

    source: Source

    @classmethod
    def by(cls, source: Source, error: BaseException) -> "Refused":
        """What `error` means for a photograph."""
        return cls(source.shown_as, Failure.of(source.shown_as, error).reason, source)


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


def find_sources(arguments: Sequence[str], *, recursive: bool, apart_from: Collection[str] = ()) -> Found:
    """Expand files, folders and globs.

    What is passed over in folders is said of `walk`; a file given by name is always taken.

    Args:
        arguments: paths as the user gave them; one that does not exist and holds `*`, `?` or `[` is a glob.
        recursive: look into folders within folders.
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
                inside = list(walk(path, recursive=recursive, apart_from=apart_from, others=others, closed=closed))
                sources.update({place(each): Source(path=each, folder=below(path, each)) for each in inside})
                failures += [Failure(str(error.filename), _closed(error)) for error in closed]
                if not inside and not closed and next(walk(path, recursive=recursive), None) is None:
                    failures.append(Failure(str(path), empty(recursive)))
            elif os.path.realpath(path) in apart_from:
                passed_over.append(str(path))
            else:
                sources.setdefault(place(path), Source(path=path))
    return Found(
        sources=tuple(sources.values()),
        failures=tuple(failures),
        passed_over=tuple(passed_over),
        others=Counter(kind for real, kind in others.items() if not is_manifest(os.path.basename(real))),
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


def _service_folder(path: Path, argument: str, *, alone: bool) -> Path | None:
    """The service folder that a pattern led to, ours or the shell's; not one that the user named alone."""
    named = Path(argument).parts
    found = (one for one in (path, *path.parents) if one.name in SERVICE_FOLDERS and one.name not in named)
    return next(found, path if path.name in SERVICE_FOLDERS and not alone and path.is_dir() else None)


def place(path: Path) -> tuple[str, str]:
    """The same for a file however its folder is reached."""
    return os.path.realpath(path.parent), path.name


def below(top: Path, path: Path) -> str:
    """Where a file lies under a folder, with `/`; empty for one that lies in it."""
    relative = path.parent.relative_to(top).as_posix()
    return "" if relative == "." else relative


def empty(recursive: bool) -> str:
    """The reason for a folder that was searched for nothing."""
    remedy = "give another folder" if recursive else "give another folder, or --recursive if they lie deeper"
    return f"holds no photographs; {remedy}"


def _closed(error: OSError) -> str:
    return f"this folder cannot be listed ({error.strerror}), so its photos are left out; check its permissions"
