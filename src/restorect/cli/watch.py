"""`restorect watch`: a folder whose photographs are restored as they come."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from restorect.cli import restore_options as o
from restorect.cli.library_warnings import hush
from restorect.cli.preparation import prepared, template
from restorect.cli.threads import Threads
from restorect.errors import shown

if TYPE_CHECKING:
    from restorect.infer.batch import Event, Failure
    from restorect.infer.batch.watch import Folder


def watch(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="IN", help="The folder to watch.", show_default=False)],
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="OUT", help="Output folder: another one.", show_default=False)
    ],
    every: Annotated[float, typer.Option(min=0.1, metavar="SECONDS", help="From one look to the next.")] = 2.0,
    patience: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="A file that cannot be read may be on its way so long.")
    ] = 30.0,
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
    format: o.Format = None,
    quality: o.Quality = None,
    subsampling: o.Subsampling = None,
    lossless: o.Lossless = None,
    bit_depth: o.BitDepth = None,
    strip_metadata: o.StripMetadata = False,
    keep_date: o.KeepDate = True,
    max_megapixels: o.MaxMegapixels = 500.0,
    quiet: o.Quiet = False,
    json: o.Json = False,
) -> None:
    """Restore what comes to a folder, for example: restorect watch incoming -o restored.

    A photo is taken when its size and date rest, and again when it changes; OUT has the record of restorect restore.
    Ctrl-C or SIGTERM ends it after the photo at work, with exit code 0; 1 where OUT cannot be written any more.
    """
    hush()
    from restorect.infer.batch.watch import Folder

    watched = Folder(path=folder, recursive=recursive, every=every, patience=patience)
    raise typer.Exit(_until_stopped(context, watched, out, suffix, quiet=quiet, as_json=json))


def _until_stopped(
    context: typer.Context, folder: "Folder", out: Path, suffix: str, *, quiet: bool, as_json: bool
) -> int:
    """The exit code."""
    from restorect.cli.batch_display import coming
    from restorect.cli.interrupt import stopping
    from restorect.infer.batch import Naming, Restored, Stop, Summary
    from restorect.infer.batch.watch import watch as run

    settings, _, load, notices, task, size = prepared(context)
    naming = Naming(task=task, size=size, settings=settings, template=template(None, suffix))
    display, stop, done = coming(quiet=quiet, as_json=as_json), Stop(), Summary()
    notices.say = display.notice

    def show(event: "Event") -> None:
        done.count(event)
        if isinstance(event, Restored):
            notices.see(event.task)
        display.event(event)

    def lament(trouble: "Failure") -> None:
        display.notice(str(trouble))

    if not quiet:
        display.notice(f"watching {shown(folder.path)} every {folder.every:g} s -> {shown(out)}; Ctrl-C ends it")
    with stopping(stop):
        run(folder, out, naming, load, on_event=show, on_trouble=lament, stop=stop)
    if not quiet:
        display.notice(f"ended; {done.restored} restored, {len(done.failures)} failed")
    return 0 if stop.asked else 1
