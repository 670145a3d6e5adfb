"""`restorect restore`: photographs in, restored photographs out."""

import contextlib
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import typer

import restorect
from restorect.cli import executors as e
from restorect.cli import restore_options as o
from restorect.cli.collector import resting
from restorect.cli.library_warnings import hush
from restorect.cli.piped import PIPE, read_piped, write_piped
from restorect.cli.restore_plan import Wanted, planned
from restorect.cli.threads import Threads
from restorect.errors import ConfigError, RestorectError, shown

if TYPE_CHECKING:
    from restorect.cli.batch_display import Display
    from restorect.infer.batch import Event, NameTemplate, Naming, Options, Plan, RestoreSettings, WriteOptions
    from restorect.infer.batch.crew import Crew
    from restorect.infer.batch.photo_job import Record
    from restorect.infer.networks import Networks

Settings = TypeVar("Settings", "Options", "WriteOptions", "RestoreSettings", Wanted, e.Wish, "_Call")


def restore(
    context: typer.Context,
    out: o.Out,
    paths: o.Paths = None,
    files_from: o.FilesFrom = None,
    part: o.Part = None,
    rate: o.Rate = None,
    executor: e.Executor = e.LOCAL,
    workers: e.Workers = None,
    address: e.Address = None,
    recursive: o.Recursive = False,
    task: o.Task = "auto",
    size: o.Size = "tiny",
    weights: o.Weights = None,
    strength: o.Strength = 1.0,
    brightness: o.Brightness = 0.0,
    seed: o.Seed = 0,
    samples: o.Samples = 1,
    uncertainty: o.Uncertainty = False,
    steps: o.Steps = None,
    style: o.Style = "natural",
    fast: o.Fast = False,
    precision: o.Precision = "float32",
    engine: o.Engine = "torch",
    device: o.Device = "cpu",
    threads: Threads = None,
    suffix: o.Suffix = "",
    name_template: o.NameTemplate = None,
    format: o.Format = None,
    quality: o.Quality = None,
    subsampling: o.Subsampling = None,
    lossless: o.Lossless = None,
    bit_depth: o.BitDepth = None,
    strip_metadata: o.StripMetadata = False,
    page: o.Page = 0,
    salvage: o.Salvage = False,
    keep_date: o.KeepDate = True,
    max_megapixels: o.MaxMegapixels = 500.0,
    force: o.Force = False,
    fail_fast: o.FailFast = False,
    retry_failed: o.RetryFailed = False,
    dry_run: o.DryRun = False,
    quiet: o.Quiet = False,
    json: o.Json = False,
) -> None:
    """Restore photographs, for example: restorect restore night.jpg -o out.

    Each photo is looked at and restored for what it needs; a good one is copied. --task skips the look.
    The same command given again does only what is missing, changed or broken. Inputs are never modified.
    Exit code: 0 all is well, 1 some photos failed, 2 wrong usage, 130 interrupted.
    """
    hush()
    raise typer.Exit(_carried_out(_chosen(_Call, context), context))


@dataclass(frozen=True, kw_only=True)
class _Call:
    """The options that are no settings of the photographs, by their names."""

    paths: Sequence[str] | None
    files_from: str | None
    part: str | None
    out: str
    task: str
    size: str
    weights: Path | None
    fast: bool
    precision: str
    engine: str
    device: str
    suffix: str
    name_template: str | None
    force: bool
    fail_fast: bool
    retry_failed: bool
    dry_run: bool
    quiet: bool
    json: bool


def _carried_out(call: _Call, context: typer.Context) -> int:
    """The exit code."""
    settings, paths = _settings(context), call.paths or []
    notices = _Notices(by_task=call.engine == "torch")
    crew = e.crew_of(_chosen(e.Wish, context), call.out)
    choose = _engine(call.engine, settings.restore, notices.tell if crew is None else _say_nothing)
    networks = {"device": call.device, "weights": call.weights, "precision": call.precision}
    anew = functools.partial(choose, call.task, call.size, **networks)
    load = functools.cache(anew)
    task, size = _named(call.task, call.size, load, on_card=call.weights is not None, fast=call.fast)
    naming = _naming(task, size, settings, _template(call.name_template, call.suffix))
    batch = call.files_from is not None or call.part is not None or call.dry_run or call.retry_failed
    if call.out == PIPE and not batch:
        return _to_stdout(paths, settings, load, notices, quiet=call.quiet)
    plan = planned(_chosen(Wanted, context, paths=paths), call.out, naming)
    if call.dry_run:
        return _foretold(plan, load, as_json=call.json, force=call.force)
    display = _display(plan, notices, quiet=call.quiet, as_json=call.json)
    work = anew if crew else load
    return _run(plan, work, crew, display, notices, force=call.force, fail_fast=call.fail_fast)


def _settings(context: typer.Context) -> "RestoreSettings":
    with resting():
        from restorect.infer.batch import Options, RestoreSettings, WriteOptions
    return _chosen(RestoreSettings, context, restore=_chosen(Options, context), write=_chosen(WriteOptions, context))


def _chosen(kind: type[Settings], context: typer.Context, **given: object) -> Settings:
    """Settings whose fields are options of the command, by their names; others are given, or as they are by default."""
    options = context.params
    chosen: dict[str, Any] = {field.name: options[field.name] for field in fields(kind) if field.name in options}
    chosen.update(given)
    return kind(**chosen)


def _engine(name: str, options: "Options", tell: Callable[[str], None]) -> "Callable[..., Networks]":
    """What loads the networks, for an engine that can do what the options ask for."""
    if name == "onnx":
        from restorect.engine.limits import check_options

        check_options(options)
        return functools.partial(_load_onnx, tell=tell)
    if name != "torch":
        raise ConfigError(f"--engine {shown(name)}: choose torch or onnx")
    return _load


def _load(task: str, size: str, *, device: str, weights: Path | None, precision: str) -> "Networks":
    with resting():
        return restorect.load(task, size, device=device, weights=weights, precision=cast(Any, precision))


def _load_onnx(task: str, size: str, **options: Any) -> "Networks":  # noqa: ANN401 - those of `engine.load`
    with resting():
        from restorect.engine.load import load

        return load(task, size, **options)


def _named(task: str, size: str, load: "Callable[[], Networks]", *, on_card: bool, fast: bool) -> tuple[str, str]:
    """Task and size as names and notes say them: of given weights those on their card."""
    if on_card:
        task, size = load().task, load().size
    if fast:
        from restorect.tasks import check_fast

        check_fast(task)
    return task, size


def _naming(task: str, size: str, settings: "RestoreSettings", template: "NameTemplate") -> "Naming":
    from restorect.infer.batch import Naming

    return Naming(task=task, size=size, settings=settings, template=template)


def _template(text: str | None, suffix: str) -> "NameTemplate":
    from restorect.infer.batch import NameTemplate

    if text is not None and suffix:
        raise ConfigError("--suffix and --name-template: give one of them; the template can hold the suffix")
    if any(sign in suffix for sign in "/\\\0"):
        raise ConfigError(f"--suffix {suffix!r}: give letters that can stand in a file name")
    return NameTemplate(text="{stem}" + suffix.replace("{", "{{").replace("}", "}}") if text is None else text)


def _foretold(plan: "Plan", load: "Callable[[], Networks]", *, as_json: bool, force: bool) -> int:
    """What a batch would do, on standard output; failures as in the batch itself."""
    from dataclasses import asdict

    from restorect.cli.batch_display import foretold
    from restorect.infer.batch.estimate import estimate

    for failure in plan.failures:
        typer.echo(f"failed: {failure}", err=True)
    expected = estimate(plan, load(), force=force)
    out = plan.shown_out
    typer.echo(dumps({"event": "estimate"} | asdict(expected) | {"out": out}) if as_json else foretold(expected, out))
    return 1 if expected.failed else 0


def _display(plan: "Plan", notices: "_Notices", *, quiet: bool, as_json: bool) -> "Display":
    from restorect.cli.batch_display import choose

    display = choose(quiet=quiet, as_json=as_json)
    for path in plan.passed_over:
        display.notice(f"{shown(path)} was written by an earlier run, so it is no input of this one")
    notices.say = display.notice
    return display


def _run(
    plan: "Plan",
    load: "Callable[[], Networks]",
    crew: "Crew | None",
    display: "Display",
    notices: "_Notices",
    *,
    force: bool,
    fail_fast: bool,
) -> int:
    from restorect.cli.interrupt import stopping
    from restorect.infer.batch import Restored, Stop, run_batch

    stop = Stop()

    def show(event: "Event") -> None:
        if isinstance(event, Restored):
            notices.see(event.task)
        display.event(event)

    with contextlib.closing(display), stopping(stop):
        summary = run_batch(plan, load, on_event=show, stop=stop, force=force, fail_fast=fail_fast, workers=crew)
    display.end(summary, plan.shown_out)
    return summary.exit_code


def _to_stdout(
    paths: Sequence[str],
    settings: "RestoreSettings",
    load: "Callable[[], Networks]",
    notices: "_Notices",
    *,
    quiet: bool,
) -> int:
    """One photo to standard output; an unusable photo is one line and exit code 1."""
    from restorect.infer.batch import Failure, Job, Source, output_kind, restore_one

    if len(paths) != 1 or settings.restore.samples != 1 or settings.restore.uncertainty:
        raise ConfigError("-o -: standard output takes one photo and one sample; give a folder for more")
    piped = paths[0] == PIPE
    source = Source(path=Path("stdin" if piped else paths[0]))
    networks = load()
    seen: list[Record] = []
    try:
        source = Source(path=source.path, data=read_piped(settings)) if piped else source
        job = Job(source=source, format=output_kind(source, settings)[0])
        (content,) = restore_one(job, networks, settings, on_restored=seen.append)
    except (RestorectError, OSError, MemoryError) as error:
        typer.echo(f"failed: {Failure.of(source.path, error)}", err=True)
        return 1
    for record in seen:
        lines = [] if quiet else [*([str(record.decision)] if record.decision else []), *record.warnings]
        for line in lines:
            typer.echo(f"restorect: {shown(source.path)}: {shown(line)}", err=True)
        notices.see(record.task)
    return write_piped(content)


def _say_nothing(text: str) -> None:
    """For workers, whose driver says it."""


class _Notices:
    """Says once what is to be known of a task, for example that retina photographs are not for diagnosis.

    Args:
        by_task: look tasks up; an engine without torch tells what there is by itself.
    """

    def __init__(self, *, by_task: bool) -> None:
        self._by_task, self._said = by_task, {""}
        self.say: Callable[[str], None] = lambda text: typer.echo(f"restorect: {text}", err=True)

    def see(self, task: str) -> None:
        """Take note of what a photo was restored for."""
        from restorect.tasks import find_task, task_names

        if self._by_task and task in task_names():
            self.tell(find_task(task).notice)

    def tell(self, text: str) -> None:
        """Say it, unless it was said."""
        if text not in self._said:
            self._said.add(text)
            self.say(text)
