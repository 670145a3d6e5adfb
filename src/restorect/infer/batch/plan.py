"""Which output each photograph goes to, settled and checked before any work starts."""

import dataclasses
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from restorect.errors import ConfigError, ImageError, shown
from restorect.images.formats import extension_for, format_of_name, output_format
from restorect.images.source import load
from restorect.infer.batch.failures import Failure, OutputError, reason_of
from restorect.infer.batch.lists import Line, joined, listed_sources
from restorect.infer.batch.manifest import Manifest
from restorect.infer.batch.names import NameTemplate, checked, same_file_key
from restorect.infer.batch.part import MANIFEST_NAME, WHOLE, Part
from restorect.infer.batch.past import Past, split_name
from restorect.infer.batch.remote import is_url
from restorect.infer.batch.settings import RestoreSettings
from restorect.infer.batch.siblings import tell_apart
from restorect.infer.batch.sources import Refused, Source, find_sources
from restorect.infer.batch.stored import is_stored_folder, stored_sources
from restorect.infer.batch.target import Folder, Prefix, Target

_SHOWN_COLLISIONS = 3
_MAP = "-uncertainty.png"
_HEAD_BYTES = 65536
_SIGNED = "its URL had a query, which is not recorded; give the first command again, without --retry-failed"
_OVERWRITTEN = "an input would be replaced by an output; choose another output folder, or give --suffix _restored"
_SEVERAL_PICTURES = (".mpo", ".avifs")  # endings that promise more than one picture, and one is written


@dataclass(frozen=True, kw_only=True, slots=True)  # there may be millions
class Job:
    """One photograph and the files it becomes.

    Args:
        source: the photograph.
        outputs: paths under the output folder, with `/`; one for each sample, dark to bright, and last, if asked for,
            the map of uncertainty.
        format: the samples' format; the map is a PNG.
        samples: how many of the outputs, the first ones, are samples.
    """

    source: Source
    outputs: tuple[str, ...] = ()
    format: str
    samples: int = 1


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All jobs of a batch, and what already failed while planning.

    Args:
        out: the output folder; it may not exist yet.
        settings: by which outputs are named, and will be made.
        jobs: in the order of work.
        failures: arguments that led to no job.
        passed_over: files given by name that an earlier batch wrote to `out`.
        others: what else lies in the folders that were searched, counted by kind.
        part: of a larger batch that this is.
        url: where the outputs go, if not to `out`, which then holds the record alone.
    """

    out: Path
    settings: RestoreSettings
    jobs: tuple[Job, ...]
    failures: tuple[Failure, ...] = ()
    passed_over: tuple[str, ...] = ()
    others: Mapping[str, int] = field(default_factory=dict)
    part: Part = WHOLE
    url: str = ""

    @property
    def shown_out(self) -> str:
        """What messages call the place of the outputs."""
        return self.url or str(self.out)

    @property
    def target(self) -> Target:
        """Where the outputs go."""
        return Prefix(self.url) if self.url else Folder(self.out, self.part.temporary)


@dataclass(frozen=True, kw_only=True)
class Naming:
    """How a plan's outputs are called."""

    task: str
    size: str
    settings: RestoreSettings
    template: NameTemplate = field(default_factory=NameTemplate)

    def render(self, source: Source, index: int, sample: int, stem: str | None = None) -> str:
        """The path of an output under the output folder, without its ending."""
        plain, parent = split_name(source.path)
        text = self.template.render(
            stem=stem or plain,
            parent=parent,
            index=index,
            task=self.task,
            size=self.size,
            seed=self.settings.restore.seed,
            sample=sample,
        )
        return f"{source.folder}/{text}" if source.folder else text


def plan_batch(
    arguments: Sequence[str],
    out: Path,
    naming: Naming,
    *,
    recursive: bool = False,
    lines: Iterable[Line] = (),
    part: Part = WHOLE,
    url: str = "",
) -> Plan:
    """Plan a batch, or a part of it, on files, folders and globs. Reads names and first bytes of files; writes nothing.

    `lines` are those of a work list (`read_list`), whose photographs come after. They, and URLs, are not opened:
    each is taken for what its name says, if that says anything. With `url` the outputs go there, and `out` holds the
    record alone.

    Photographs that an earlier batch wrote to `out` are never inputs, so the same command can be given again when
    inputs and outputs share a folder.

    Raises:
        ConfigError: two photographs would become one file, or an output would replace an input.
        OutputError: `out` is no usable folder.
    """
    check_folder(out)
    takes, manifest = _taking(part, naming), Manifest(out, part)
    apart_from, real_out = {os.path.realpath(out / output) for output in manifest.outputs()}, os.path.realpath(out)
    if url:
        apart_from = {f"{url}/{output}" for output in manifest.outputs()}
    urls = [argument for argument in arguments if is_url(argument)]
    arguments = [argument for argument in arguments if argument not in urls]
    stores = [each for each in urls if is_stored_folder(each)]
    searched = [os.path.realpath(argument) for argument in arguments if os.path.isdir(argument)]
    if part.of > 1 and (
        any(os.path.commonpath([real_out, folder]) == real_out for folder in searched)
        or any(url and f"{each}/".startswith(f"{url}/") for each in stores)
    ):
        raise ConfigError(
            f"--part: {shown(url or out)} is searched, where other parts write at the same time; choose another"
        )
    if real_out not in searched:
        apart_from.add(real_out)
    given = find_sources(arguments, recursive=recursive, apart_from=apart_from)
    stored = [stored_sources(each, recursive=recursive, apart_from=apart_from) for each in stores]
    alone = [each for each in urls if each not in stores]
    named = listed_sources([*alone, *lines], apart_from=apart_from, takes=takes, tried=manifest.restored)
    found = joined([given, *stored, named])
    plan = plan_sources(filter(takes, found.sources), out, naming, past=Past(manifest), url=url)
    mine = (each for each in found.failures if isinstance(each, Refused) or part.takes(each.path))
    failures = *mine, *plan.failures
    return dataclasses.replace(plan, failures=failures, passed_over=found.passed_over, others=found.others, part=part)


def plan_failed(out: Path, naming: Naming, part: Part = WHOLE, url: str = "") -> Plan:
    """Plan a batch on what failed in `out` when it was last tried (see `plan_batch` for the errors).

    What was piped is left out: it cannot be read again. Neither can a URL that had a query: that fails again.

    Raises:
        ConfigError: no batch has written there.
    """
    check_folder(out)
    takes, manifest = _taking(part, naming), Manifest(out, part)
    if not manifest.inputs():
        raise ConfigError(
            f"{shown(url or out)}: holds no record of a batch, so nothing has failed there; give photos instead"
        )
    failed = (entry for entry in manifest.inputs() if entry.status == "failed")
    tried = [entry for entry in failed if os.path.isabs(entry.input) or is_url(entry.input)]
    sources = [Source.named(entry.input, folder=entry.folder, by_name=entry.by_name) for entry in tried]
    signed = {entry.input for entry in tried if entry.query}
    mine = [source for source in sources if takes(source) and source.known_as not in signed]
    closed = [Failure(source.shown_as, _SIGNED) for source in sources if takes(source) and source.known_as in signed]
    plan = plan_sources(mine, out, naming, past=Past(manifest), url=url)
    return dataclasses.replace(plan, failures=(*plan.failures, *closed), part=part)


def plan_sources(
    sources: Iterable[Source], out: Path, naming: Naming, *, past: Past | None = None, url: str = ""
) -> Plan:
    """Plan a batch on photographs that are already found (see `plan_batch` for the errors).

    A photo keeps the `{index}` it had in an earlier run, and photos that differ in their endings alone get names of
    their own; `past` is read from `out` if it is not given.
    """
    sources, past = list(sources), past or Past(Manifest(out))
    jobs: list[Job] = []
    numbers: list[int] = []
    failures = []
    given = past.numbers(sources, naming.template, task=naming.task, size=naming.size)
    for source, number in zip(sources, given, strict=True):
        try:
            jobs.append(_plan_one(source, number, naming))
            numbers.append(number)
        except (OutputError, ImageError, OSError) as error:
            failures.append(Refused.by(source, error))

    def renamed(place: int, stem: str) -> Job:
        return _plan_one(jobs[place].source, numbers[place], naming, stem)

    for place, job in tell_apart(jobs, past, renamed).items():
        jobs[place] = job
    _refuse_collisions(jobs)
    if url:
        _refuse_overwritten_objects(jobs, url)
    else:
        _refuse_overwritten_inputs(jobs, out)
    return Plan(out=out, settings=naming.settings, jobs=tuple(jobs), failures=tuple(failures), url=url)


def output_kind(source: Source, settings: RestoreSettings) -> tuple[str, str]:
    """The format an output is written in, and its extension with the dot. Reads only the first bytes, if any.

    Raises:
        ImageError: it is no photograph.
        OSError: the file cannot be read.
    """
    found = format_of_name(source.path.name) if source.by_name else None
    if found is None:
        source.state()  # refuses pipes and devices before anybody opens them
        _, _, found = load(source.read(_HEAD_BYTES), source.shown_as, settings.max_megapixels)
    fmt = settings.write.format or output_format(found)
    own = source.path.suffix
    kept = format_of_name(own) == fmt and own.lower() not in _SEVERAL_PICTURES
    return fmt, own if kept else extension_for(fmt)


def check_folder(out: Path) -> None:
    """Raise `OutputError` unless `out` is a folder or could become one."""
    try:
        exists, folder = out.exists() or out.is_symlink(), out.is_dir()
    except (OSError, ValueError) as error:
        raise OutputError(f"{shown(out)}: {reason_of(error)}") from error
    if exists and not folder:
        raise OutputError(f"{shown(out)}: is no folder; give a folder with -o")


def _taking(part: Part, naming: Naming) -> Callable[[Source], bool]:
    """Tells which photographs are of a part: by the names of their outputs, so that rivals for a name are together.

    Raises:
        ConfigError: names need numbers, which nobody can give who sees only a part.
    """
    if part.of > 1 and naming.template.tells_numbers:
        raise ConfigError(
            "--part: {index} counts all photos, and a part sees only its own; use another --name-template"
        )
    return lambda source: part.of == 1 or part.takes(same_file_key(naming.render(source, 0, 0)))


def _plan_one(source: Source, index: int, naming: Naming, stem: str | None = None) -> Job:
    settings, options = naming.settings, naming.settings.restore
    fmt, extension = output_kind(source, settings)

    def name_of(sample: int, ending: str) -> str:
        return checked(naming.render(source, index, sample, stem) + ending)

    numbered = options.samples > 1 and not naming.template.tells_samples_apart
    samples = range(1, options.samples + 1)
    outputs = [name_of(sample, f"-{sample}{extension}" if numbered else extension) for sample in samples]
    if options.uncertainty:
        outputs.append(name_of(1, _MAP))
    return Job(source=source, outputs=tuple(outputs), format=fmt, samples=options.samples)


def _refuse_collisions(jobs: Sequence[Job]) -> None:
    takers: dict[str, Job] = {}
    clashes = []
    for job in jobs:
        for output in job.outputs:
            other = takers.setdefault(same_file_key(output), job)
            if other is not job:
                clashes.append(f"{shown(other.source.shown_as)} and {shown(job.source.shown_as)} -> {shown(output)}")
            if same_file_key(output) == same_file_key(MANIFEST_NAME):
                raise ConfigError(
                    f"{shown(job.source.shown_as)}: would replace the manifest; use another --name-template"
                )
    if clashes:
        more = f", and {len(clashes) - _SHOWN_COLLISIONS} more" if len(clashes) > _SHOWN_COLLISIONS else ""
        remedy = "give --name-template '{parent}-{stem}' or '{index:04d}-{stem}', or another --format"
        raise ConfigError(
            f"several photos would become one file: {'; '.join(clashes[:_SHOWN_COLLISIONS])}{more}; {remedy}"
        )


def _refuse_overwritten_inputs(jobs: Sequence[Job], out: Path) -> None:
    outputs = (output for job in jobs for output in job.outputs)
    standing = [output for output in outputs if os.path.lexists(os.path.join(out, output))] if out.is_dir() else []
    identities: dict[object, Path] = {}
    for job in jobs if standing else ():  # nothing else can be replaced, and inputs need not be looked at
        if job.source.is_file:
            identities.update((key, job.source.path) for key in _identities(job.source.path))
    for output in standing:
        for key in _identities(out / output):
            if key in identities:
                raise ConfigError(f"{shown(identities[key])}: {_OVERWRITTEN}")


def _refuse_overwritten_objects(jobs: Sequence[Job], url: str) -> None:
    inputs = {job.source.url for job in jobs}
    for job in jobs:
        for output in job.outputs:
            if f"{url}/{output}" in inputs:
                raise ConfigError(f"{shown(url)}/{shown(output)}: {_OVERWRITTEN}")


def _identities(path: Path) -> list[object]:
    """What makes a file itself: its real path, and its place on the disk if it exists (hard links, ignored case)."""
    keys: list[object] = [os.path.realpath(path)]
    try:
        status = path.stat()
        keys.append((status.st_dev, status.st_ino))
    except (OSError, ValueError):
        pass
    return keys
