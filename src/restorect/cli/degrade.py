"""`restorect degrade`: make training pairs from clean photos."""

from pathlib import Path
from typing import Annotated

import typer

from restorect.tasks import task_names


def degrade(
    task: Annotated[str, typer.Argument(help=f"What to simulate: {', '.join(task_names())}.", show_default=False)],
    photos: Annotated[Path, typer.Argument(metavar="IN", help="A clean photo, or a folder of them.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to fill: low/ and high/.", show_default=False)],
    seed: Annotated[int, typer.Option(help="Another seed makes other pairs.")] = 0,
    count: Annotated[int, typer.Option(min=1, max=100_000, help="Pairs to make of each photo.")] = 1,
    force: Annotated[bool, typer.Option("--force", help="Replace pairs that are there already.")] = False,
) -> None:
    """Degrade clean photos into pairs for training: OUT/low holds what a bad photo shows, OUT/high a good one.

    The same photo name, number and seed give the same pair. Bad files are reported, the others still done (exit 1).
    """
    from restorect.cli.progress import Progress
    from restorect.data.degrade.make_pairs import write_pairs
    from restorect.errors import DataError, shown
    from restorect.images.find import photos_in
    from restorect.tasks import find_task

    simulate = find_task(task).simulate
    if not photos.exists():
        raise DataError(f"{shown(photos)}: no such file or folder")
    files = [photos] if photos.is_file() else photos_in(photos)
    outcomes = write_pairs(files, out, simulate, seed=seed, count=count, overwrite=force)
    made = failed = 0
    with Progress() as progress:
        for outcome in progress.each(outcomes, len(files), task):
            if outcome.error is not None:
                progress.line(f"restorect: {shown(outcome.error)}")
                failed += 1
            made += len(outcome.written) // 2
    pairs = "pair" if made == 1 else "pairs"
    typer.echo(f"{made} {pairs} in {shown(out)}" + (f", {failed} failed" if failed else ""))
    if failed:
        raise typer.Exit(1)
