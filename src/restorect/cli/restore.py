"""`restorect restore`: photographs in, restored photographs out."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from restorect.cli import executors as e
from restorect.cli import restore_options as o
from restorect.cli.library_warnings import hush
from restorect.cli.piped import PIPE, read_piped, write_piped
from restorect.cli.preparation import chosen, prepared, template
from restorect.cli.restore_plan import Wanted, planned
from restorect.cli.threads import Threads
from restorect.errors import ConfigError, RestorectError, shown

if TYPE_CHECKING:
    from restorect.cli.batch_display import Display
    from restorect.cli.preparation import Notices
    from restorect.infer.batch import Event, NameTemplate, Naming, Plan, RestoreSettings
    from restorect.infer.batch.photo_job import Record
    from restorect.infer.networks import Networks
    from restorect.workers.crew import Crew


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
    raise typer.Exit(_carried_out(chosen(_Call, context), context))


@dataclass(frozen=True, kw_only=True)
class _Call:
    """The options that are no settings of the photographs, by their names."""

    paths: Sequence[str] | None
    files_from: str | None
    part: str | None
    out: str
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
    crew, paths = e.crew_of(chosen(e.Wish, context)), call.paths or []
    settings, anew, load, notices, task, size = prepared(context, alone=crew is None)
    naming = _naming(task, size, settings, template(call.name_template, call.suffix))
    batch = call.files_from is not None or call.part is not None or call.dry_run or call.retry_failed
    if call.out == PIPE and not batch:
        return _to_stdout(paths, settings, load, notices, quiet=call.quiet)
    plan = planned(chosen(Wanted, context, paths=paths), call.out, naming)
    if call.dry_run:
        return _foretold(plan, load, as_json=call.json, force=call.force)
    display = _display(plan, notices, quiet=call.quiet, as_json=call.json)
    work = anew if crew else load
    return _run(plan, work, crew, display, notices, force=call.force, fail_fast=call.fail_fast)


def _naming(task: str, size: str, settings: "RestoreSettings", template: "NameTemplate") -> "Naming":
    from restorect.infer.batch import Naming

    return Naming(task=task, size=size, settings=settings, template=template)


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


def _display(plan: "Plan", notices: "Notices", *, quiet: bool, as_json: bool) -> "Display":
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
    notices: "Notices",
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
    notices: "Notices",
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
