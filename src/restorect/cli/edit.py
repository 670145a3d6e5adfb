"""`restorect edit`: photographs restored where they lie, for programs that call an external editor and wait."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from restorect.cli import restore_options as o
from restorect.cli.library_warnings import hush
from restorect.cli.preparation import prepared
from restorect.cli.threads import Threads
from restorect.errors import shown

if TYPE_CHECKING:
    from restorect.infer.batch.edit import Edited


def edit(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Photographs.", show_default=False)],
    backup: Annotated[
        bool, typer.Option("--backup/--no-backup", help="Keep the original beside it, as FILE.orig.")
    ] = True,
    task: o.Task = "auto",
    size: o.Size = "tiny",
    weights: o.Weights = None,
    strength: o.Strength = 1.0,
    brightness: o.Brightness = 0.0,
    seed: o.Seed = 0,
    steps: o.Steps = None,
    style: o.Style = "natural",
    fast: o.Fast = False,
    precision: o.Precision = "float32",
    engine: o.Engine = "torch",
    device: o.Device = "cpu",
    threads: Threads = None,
    quality: o.Quality = None,
    subsampling: o.Subsampling = None,
    max_megapixels: o.MaxMegapixels = 500.0,
    quiet: o.Quiet = False,
) -> None:
    """Restore photographs in place, for example: restorect edit photo.tif.

    Format, depth, size, profile and metadata stay. Programs can call it as an external editor (docs/editors.md).
    Exit code: 0 only if all is done; 1 some photos failed and are as they were, 2 wrong usage, 130 interrupted.
    """
    hush()
    from restorect.cli.interrupt import INTERRUPTED, stopping
    from restorect.infer.batch import Failure, Stop
    from restorect.infer.batch.edit import edit_photo

    settings, _, load, notices, _, _ = prepared(context)
    networks, stop, failed = load(), Stop(), False
    left = list(dict.fromkeys(files))
    with stopping(stop):
        while left and not stop.is_set():
            path = left.pop(0)
            try:
                edited = edit_photo(path, networks, settings, backup=backup)
            except Exception as error:  # whatever is wrong with one photo
                reason = Failure.of(path.resolve(), error).reason
                typer.echo(f"failed: {Failure(str(path), reason)}", err=True)
                failed = True
                continue
            notices.see(edited.task)
            if not quiet:
                typer.echo(f"restorect: {_told(path, edited)}", err=True)
    raise typer.Exit(INTERRUPTED if left else int(failed))


def _told(path: Path, edited: "Edited") -> str:
    """One photograph as one line."""
    if not edited.changed:
        return f"{shown(path)}: {edited.decision or 'nothing to change'}; the file is untouched"
    chosen = f" ({edited.decision})" if edited.decision is not None else ""
    kept = f"; the original is {shown(edited.original.name)}" if edited.original is not None else ""
    notes = "".join(f" (note: {shown(warning)})" for warning in edited.warnings)
    return f"{shown(path)}: restored{chosen} in {edited.seconds:.1f} s{kept}{notes}"
