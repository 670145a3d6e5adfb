"""Work lists: a file that names photographs, where there are too many for a command line."""

import contextlib
import csv
import io
import itertools
import json
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from restorect.errors import ConfigError, shown
from restorect.infer.batch.failures import Failure
from restorect.infer.batch.inventory import is_inventory, read_inventory, read_parquet
from restorect.infer.batch.remote import RemoteError, is_url, path_of, public
from restorect.infer.batch.sources import Found, Refused, Source, place

_COLUMN = "path"
_TWICE = "repeated name"
_TWO_QUERIES = "is named twice, with different queries, and a photo is known by what stands before the ?; name it once"

Line = str | Failure


def read_list(content: bytes, name: str, *, piped: bool = False) -> Iterator[Line]:
    """The paths that a list names, or why a line of it cannot be used.

    Text has a path on each line, or, as `find -print0` writes them, paths that end with a null character; `.csv` has a
    column `path`, and so has `.parquet`; `.jsonl` and `.ndjson` have a string, or an object with `path`, on each line;
    `.json` is the manifest of an S3 Inventory. Names of files are bytes: what is not UTF-8 comes through.

    Args:
        content: of the list.
        name: of the list, which tells its kind, and for messages.
        piped: whether it has no name that does; then its beginning tells.

    Raises:
        ConfigError: it is no list of its kind, or names nothing.
        RemoteError: a file that an inventory consists of cannot be read.
    """
    if not content.strip(b"\0\r\n\t "):
        raise ConfigError(f"{shown(name)}: names no photographs; write one path on each line")
    content = content.removeprefix(b"\xef\xbb\xbf")  # as Windows begins texts
    ending = _piped_kind(content) if piped else Path(name).suffix.lower()
    return _KINDS.get(ending, _text)(content, name)


def _piped_kind(content: bytes) -> str:
    """The ending that a file of this content would have; none for text, which no table or JSON begins as."""
    if content.startswith(b"PAR1"):
        return ".parquet"
    first = content.split(b"\n", 1)[0].strip()
    if content.lstrip().startswith(b"{") and is_inventory(content):
        return ".json"
    with contextlib.suppress(ValueError, RecursionError):
        value = json.loads(first)
        if isinstance(value, str) or (isinstance(value, dict) and _COLUMN in value):
            return ".jsonl"
    with contextlib.suppress(csv.Error):
        if _COLUMN in next(csv.reader([os.fsdecode(first)]), []):
            return ".csv"
    return ""


def _text(content: bytes, name: str) -> Iterator[Line]:
    """Neither quotes nor comments: a photo may be called anything."""
    lines = content.split(b"\0") if b"\0" in content else content.splitlines()
    yield from (os.fsdecode(line) for line in lines if line)


def _csv(content: bytes, name: str) -> Iterator[Line]:
    rows = csv.DictReader(io.StringIO(os.fsdecode(content), newline=""))
    try:
        columns = list(rows.fieldnames or ())
        if _COLUMN not in columns:
            raise ConfigError(f"{shown(name)}: has no column {_COLUMN!r} (it has: {shown(', '.join(columns))})")
        for row in rows:
            path = row[_COLUMN]
            yield path or Failure(f"{name}:{rows.line_num}", f"this line has no {_COLUMN}")
    except csv.Error as error:
        raise ConfigError(f"{shown(name)}:{rows.line_num}: is no CSV ({error}); write a column {_COLUMN!r}") from error


def _json(content: bytes, name: str) -> Iterator[Line]:
    for number, line in enumerate(content.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except ValueError:
            value = None
        path = value.get(_COLUMN) if isinstance(value, dict) else value
        wrong = f'this line is neither a string nor an object with "{_COLUMN}"'
        yield path if isinstance(path, str) and path else Failure(f"{name}:{number}", wrong)


def _parquet(content: bytes, name: str) -> Iterator[Line]:
    return read_parquet(content, name, _COLUMN)


def _inventory(content: bytes, name: str) -> Iterator[Line]:
    if not is_inventory(content):
        raise ConfigError(f"{shown(name)}: is no manifest of an S3 Inventory; write a list as .jsonl, .csv or text")
    return read_inventory(content, name)


_KINDS: dict[str, Callable[[bytes, str], Iterator[Line]]] = {
    ".csv": _csv,
    ".json": _inventory,
    ".jsonl": _json,
    ".ndjson": _json,
    ".parquet": _parquet,
}


def listed_sources(
    lines: Iterable[Line],
    *,
    apart_from: Collection[str] = (),
    takes: Callable[[Source], bool] = lambda source: True,
    tried: Callable[[str], bool] = lambda name: False,
) -> Found:
    """The photographs of a list, in its order; none is looked at, and no folder is listed.

    Outputs keep the tree: a path relative to where the command runs keeps its folders, an absolute one those below the
    deepest folder that all absolute ones share. What is named again counts once.

    Args:
        lines: from `read_list`.
        apart_from: real paths of files not to take (old outputs), and of the output folder.
        takes: tells which ones to keep.
        tried: tells which ones, by what they are `known_as`, are photographs like others although the list calls them
            frozen: their store may have brought them back since.
    """
    read = [_checked(line) for line in lines]
    named = [line for line in read if isinstance(line, str | Refused)]
    top = _shared(line.source.url if isinstance(line, Refused) else line for line in named)
    failures = [line for line in read if isinstance(line, Failure) and not isinstance(line, Refused)]
    sources: dict[tuple[str, str], Source] = {}
    passed_over, others = [], Counter[str]()
    folders: dict[str, tuple[str, str]] = {}  # real, and among outputs: asked once
    for line in named:
        name, source = (
            (line.source.url, line.source) if isinstance(line, Refused) else (line, Source.named(line, by_name=True))
        )
        path, remote, head = source.path, bool(source.url), os.path.dirname(name)
        if head not in folders:
            folders[head] = "" if remote else os.path.realpath(path.parent), _below(path.parent, top)
        real, below = folders[head]
        source, key = replace(source, folder=below), (real, public(source.url) or path.name)
        if not remote and os.path.join(real, path.name) in apart_from:
            passed_over.append(str(path))
        elif not takes(source):
            continue
        elif key in sources and sources[key].url != source.url:
            failures.append(Failure(source.shown_as, _TWO_QUERIES))
        elif key in sources:
            others[_TWICE] += 1
        elif isinstance(line, Refused) and not tried(source.known_as):
            failures.append(replace(line, source=source))
        else:
            sources[key] = source
    return Found(
        sources=tuple(sources.values()), failures=tuple(failures), passed_over=tuple(passed_over), others=others
    )


def joined(found: Sequence[Found]) -> Found:
    """Several searches as one; a photograph that several have found counts once."""
    filled = [each.sources for each in found if each.sources]
    sources: dict[tuple[str, str], Source] = {}
    for source in itertools.chain(*filled) if len(filled) > 1 else ():  # one has each photograph once
        sources.setdefault(("", source.known_as) if source.url else place(source.path), source)
    return Found(
        sources=tuple(sources.values()) if len(filled) != 1 else filled[0],
        failures=tuple(failure for each in found for failure in each.failures),
        passed_over=tuple(path for each in found for path in each.passed_over),
        others=sum((Counter(each.others) for each in found), Counter[str]()),
    )


def _checked(line: Line) -> Line:
    """A path as it is, if a file may be called so."""
    if isinstance(line, str):
        try:
            os.fsencode(line)
        except UnicodeEncodeError:
            return Failure(ascii(line), "is no valid path (it holds half of a character)")
        if "\0" in line:
            return Failure(line, "is no valid path (it holds a null character)")
        if is_url(line):
            try:
                path_of(line)
            except RemoteError as error:
                return Failure(line.split("://")[0] + "://...", str(error))
    return line


def _elsewhere(folder: Path) -> bool:
    """Whether a folder, as it is written, does not lie below where the command runs."""
    return folder.is_absolute() or ".." in folder.parts


def _shared(paths: Iterable[str]) -> str:
    """The deepest folder above all paths that do not lie below where the command runs."""
    parents = {str(path_of(path).parent) if is_url(path) else os.path.dirname(path) for path in paths}
    folders = [folder for folder in map(Path, parents) if _elsewhere(folder)]
    return os.path.commonpath(map(os.path.abspath, folders)) if folders else ""


def _below(folder: Path, top: str) -> str:
    """Where outputs of a folder's photos go."""
    below = os.path.relpath(os.path.abspath(folder), top) if _elsewhere(folder) else str(folder)
    return "" if below == "." else Path(below).as_posix()
