"""`restorect export`: a network for other runtimes, as ONNX."""

from pathlib import Path
from typing import Annotated

import typer

from restorect.cli.sides import parse_sides
from restorect.cli.threads import Threads


def export(
    task: Annotated[str, typer.Argument(help="What the network restores.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write to.", show_default=False)],
    size: Annotated[str, typer.Option(help="A shipped size.")] = "tiny",
    weights: Annotated[Path | None, typer.Option(help="A checkpoint of one's own, of this task.")] = None,
    fix: Annotated[
        str | None, typer.Option(metavar="HxW", help="Take images of this size only. [default: any]")
    ] = None,
    fp16: Annotated[bool, typer.Option("--fp16", help="Store weights as float16: half the file.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there already.")] = False,
    threads: Threads = None,
) -> None:
    """Write encoder.onnx and decoder.onnx: a thumbnail to codes, an image and codes to the restoration.

    And fusion.onnx, if that is a step: the photo and its restoration to what --style natural gives. Beside them what
    onnxruntime makes of each, which loads in a fraction of the time. Nothing is written unless the graphs give what
    torch gives. See docs/onnx.md.
    """
    from restorect.errors import ConfigError, shown
    from restorect.export.check import BOUND, HALF_BOUND
    from restorect.export.export import export as write
    from restorect.infer.restorer import Restorer

    sides = None if fix is None else parse_sides("--fix", fix)
    restorer = Restorer.load(task, size, weights=weights)
    if restorer.task != task:
        raise ConfigError(f"{shown(weights)}: its task is {shown(restorer.task)}, not {shown(task)}; name that one")
    exported = write(restorer, out, sides=sides, half=fp16, force=force)
    for path in exported.files:
        typer.echo(f"{shown(path)}  {path.stat().st_size:,} bytes")
    bound = HALF_BOUND if fp16 else BOUND
    typer.echo(f"differs from torch by {exported.difference:.1e} at most (up to {bound:g} is let through)")
    for name, reason in exported.card.omitted.items():
        typer.echo(f"decoder without {name}, which {reason}")
