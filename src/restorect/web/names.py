"""Names: of what is sent, made safe; of outputs, each its own."""

import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from restorect.errors import ConfigError, shown
from restorect.infer.batch import Job, NameTemplate, Naming, Source, plan_sources
from restorect.infer.batch.failures import OutputError
from restorect.infer.batch.names import same_file_key
from restorect.infer.batch.past import split_name
from restorect.web.choice import Choice

_LONGEST, _TRIES = 200, 10_000  # bytes of a name; a number and an ending are added


def safe(name: str) -> tuple[str, str]:
    """Folder and name of a file as a browser sends them, such as `trip/day 1/a.jpg`; nothing in them leads upwards.

    Raises:
        ConfigError: nothing is left of it.
    """
    plain = unicodedata.normalize("NFC", name.encode("utf-8", "replace").decode()).replace("\\", "/")
    parts = [_part(part) for part in plain.split("/")]
    parts = [part for part in parts if part not in ("", ".", "..")]
    if not parts:
        raise ConfigError(f"name {shown(name[:80])!r}: give the photo a name")
    return "/".join(parts[:-1]), parts[-1]


def planned(source: Source, out: Path, choice: Choice, taken: Iterable[str]) -> Job:
    """The job of a photograph, with outputs that are nobody else's.

    Args:
        source: the photograph, or its first bytes.
        out: the output folder.
        choice: what is wanted.
        taken: outputs of other photographs.

    Raises:
        RestorectError: it is no photograph, or can have no name there.
        OSError: it cannot be read.
    """
    keys = {same_file_key(name) for name in taken}
    for stem in _stems(source.path):
        template = NameTemplate(text=stem.replace("{", "{{").replace("}", "}}"))
        naming = Naming(task=choice.task, size=choice.size, settings=choice.settings(), template=template)
        plan = plan_sources([source], out, naming)
        if plan.failures:
            raise OutputError(plan.failures[0].reason)
        if not any(same_file_key(output) in keys for output in plan.jobs[0].outputs):
            return plan.jobs[0]
    raise OutputError("too many photos have this name; rename it")


def of_upload(name: str, folder: str, head: bytes) -> Source:
    """A photograph that was sent; its data are only its first bytes, enough to plan."""
    return Source(path=Path(PurePosixPath(folder) / name), folder=folder, data=head)


def _stems(path: Path) -> Iterator[str]:
    """Its own, and then, as a batch calls photographs that differ in their endings alone, with the ending in it."""
    stem = split_name(path)[0]
    yield stem
    stem = f"{stem}-{path.suffix[1:].lower()}"
    yield stem
    yield from (f"{stem}-{number}" for number in range(2, _TRIES))


def _part(part: str) -> str:
    """One name of a path: printable, no control or direction signs, short enough, no Windows drive."""
    text = "".join(c for c in part if c.isprintable() and c not in '<>:"|?*').strip().rstrip(". ")
    stem, dot, ending = text.rpartition(".")
    ending = f".{ending[:20]}" if dot else ""
    body = (stem if dot else text).encode()[: _LONGEST - len(ending.encode())]
    return body.decode("utf-8", "ignore") + ending
