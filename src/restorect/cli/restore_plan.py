"""What `restorect restore` is asked to restore: arguments, a list, standard input, or what failed before."""

import dataclasses
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from restorect.cli.piped import PIPE, read_piped
from restorect.errors import ConfigError, shown

if TYPE_CHECKING:
    from restorect.infer.batch import Naming, Part, Plan
    from restorect.infer.batch.lists import Line


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which photos, as the options say it.

    Args:
        paths: files, folders, globs; `-` is a photo on standard input.
        files_from: a list of photos; `-` is standard input.
        part: `K/N` for the K-th of N parts.
        recursive: folders within folders too.
        retry_failed: what failed in the output folder before, and nothing else.
    """

    paths: Sequence[str] = ()
    files_from: str | None = None
    part: str | None = None
    recursive: bool = False
    retry_failed: bool = False


def planned(wanted: Wanted, out: str, naming: "Naming") -> "Plan":
    """The plan for them.

    Raises:
        ConfigError: the options do not fit together, or a list cannot be read.
        OutputError: `out` is no usable folder.
    """
    from restorect.infer.batch import Part, plan_batch, plan_failed

    paths, files_from = wanted.paths, wanted.files_from
    part = Part() if wanted.part is None else Part.read(wanted.part)
    folder, url = place_of(out, part)
    if wanted.retry_failed:
        if paths or files_from is not None:
            raise ConfigError("--retry-failed: takes photos from the record of OUT; give no others beside it")
        return plan_failed(folder, naming, part, url)
    if not paths and files_from is None:
        raise ConfigError("there is nothing to restore: give photos or folders, or a list of them with --files-from")
    files = [path for path in paths if path != PIPE]
    piped = len(files) < len(paths)
    if piped and part.of > 1:
        raise ConfigError("--part: a photo on standard input is no batch; give files, folders or a list")
    if piped and files_from == PIPE:
        raise ConfigError("--files-from -: standard input is either the list or a photo; give one of them as a file")
    lines = listed(files_from) if files_from is not None else ()
    plan = plan_batch(files, folder, naming, recursive=wanted.recursive, lines=lines, part=part, url=url)
    return _with_piped(plan, naming) if piped else plan


def _with_piped(plan: "Plan", naming: "Naming") -> "Plan":
    from restorect.infer.batch import Source, plan_sources

    source = Source(path=Path("stdin"), data=read_piped(naming.settings))
    whole = plan_sources([*(job.source for job in plan.jobs), source], plan.out, naming, url=plan.url)
    failures = plan.failures + whole.failures
    return dataclasses.replace(whole, failures=failures, passed_over=plan.passed_over, others=plan.others)


def place_of(out: str, part: "Part") -> tuple[Path, str]:
    """The folder for outputs and record; for a URL that of its record, as it is known there, and the URL.

    Raises:
        ConfigError: it is no place for a batch.
        OutputError: the store cannot be reached.
    """
    from restorect.infer.batch.bucket import fetch, record_folder
    from restorect.infer.batch.remote import is_url

    if not is_url(out):
        return _folder(out), ""
    url = out.rstrip("/")
    folder = record_folder(url)
    fetch(url, folder, part)
    return folder, url


def _folder(out: str) -> Path:
    from restorect.images.formats import EXTENSIONS

    folder = Path(out)
    if out == PIPE:
        raise ConfigError("-o -: standard output takes one photo; give a folder for a batch")
    if folder.suffix.lower() in EXTENSIONS and not folder.is_dir():
        raise ConfigError(f"-o {out}: is a photo's name; give a folder, and the output keeps its input's name")
    return folder


def listed(name: str) -> "Iterator[Line]":
    """The lines of a work list, which may lie behind a URL.

    Raises:
        ConfigError: it is no such list, names nothing, or cannot be read.
    """
    from restorect.infer.batch.failures import reason_of
    from restorect.infer.batch.lists import read_list
    from restorect.infer.batch.remote import RemoteError, is_url, public, read_object

    if name == PIPE:
        yield from read_list(sys.stdin.buffer.read(), "standard input", piped=True)
        return
    try:
        content = read_object(name) if is_url(name) else Path(name).read_bytes()
        yield from read_list(content, public(name))
    except (OSError, RemoteError) as error:
        raise ConfigError(f"--files-from {shown(public(name))}: cannot be read ({reason_of(error)})") from error
