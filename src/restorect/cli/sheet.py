"""`restorect sheet`: versions of one photograph side by side, with the options that give them."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from restorect.cli import restore_options as o
from restorect.cli.library_warnings import hush
from restorect.cli.threads import Threads
from restorect.errors import ConfigError, RestorectError, shown

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from restorect.auto.decision import Decision
    from restorect.images.photo import Photo
    from restorect.infer.auto_restorer import AutoRestorer
    from restorect.infer.restorer import Restorer

_FORMATS = ("jpeg", "png", "webp")


def sheet(
    photo: Annotated[Path, typer.Argument(metavar="PHOTO", help="The photograph.", show_default=False)],
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FILE", help="The sheet: .jpg, .png or .webp.", show_default=False)
    ],
    task: o.Task = "auto",
    size: o.Size = "tiny",
    weights: o.Weights = None,
    seed: o.Seed = 0,
    width: Annotated[int, typer.Option(help="Of the sheet, in pixels; a picture on it takes a quarter.")] = 2000,
    device: o.Device = "cpu",
    threads: Threads = None,
    max_megapixels: o.MaxMegapixels = 500.0,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it is there already.")] = False,
) -> None:
    """Draw strengths, styles, brightnesses and samples of one photo side by side, each with the option to type.

    The photo is shrunk before it is restored: light and colour are near those of the full size, fine grain is not.
    """
    import restorect
    from restorect.images.colour import to_network
    from restorect.infer.batch import Failure
    from restorect.infer.options import Options
    from restorect.infer.sheet.cells import rows_of, shrunk
    from restorect.infer.sheet.drawing import drawn, side_of

    hush()
    _check_names(photo, out, force=force)
    side, options = side_of(width), Options(seed=seed)
    networks = restorect.load(task, size, device=device, weights=weights)
    try:
        picture = to_network(_read(photo, max_megapixels))
    except (RestorectError, OSError, MemoryError) as error:
        typer.echo(f"failed: {Failure.of(photo, error)}", err=True)
        raise typer.Exit(1) from error
    restorer, decision = _chosen(networks, picture, photo)
    found = "" if decision is None else f" ({decision})"
    rows = list(rows_of(restorer, shrunk(picture, side), options.seed))
    title = _title(task=task, size=size, weights=weights, seed=seed)
    _write(drawn(title + found, rows, width), out, force=force)
    typer.echo(f"{sum(map(len, rows))} pictures on {shown(out)}{found}")
    if notice := _notice(restorer.task):
        typer.echo(f"restorect: {notice}", err=True)


def _check_names(photo: Path, out: Path, *, force: bool) -> None:
    """Refuse what cannot become a sheet before any work.

    Raises:
        ConfigError: the photo is a folder; the sheet's name is the photo's, taken, of another format, or in no folder.
    """
    from restorect.files import refuse_taken
    from restorect.images.formats import format_of_name

    if photo.is_dir():
        raise ConfigError(f"{shown(photo)}: is a folder, and a sheet shows one photo; name a file in it")
    if format_of_name(out.name) not in _FORMATS:
        raise ConfigError(
            f"-o {shown(out)}: a sheet is a JPEG, PNG or WebP; give a name that ends in .jpg, .png or .webp"
        )
    if not out.parent.is_dir():
        raise ConfigError(f"-o {shown(out)}: there is no such folder; make it, or name another")
    if photo.exists() and out.exists() and out.samefile(photo):
        raise ConfigError(f"-o {shown(out)}: is the photo itself; give the sheet another name")
    refuse_taken(out, force=force)


def _read(path: Path, max_megapixels: float) -> "Photo":
    """The decoded photograph.

    Raises:
        RestorectError: it cannot be read, or does not fit into memory.
        OSError: the file cannot be read.
    """
    from restorect.images.read import open_photo
    from restorect.images.source import check_file_size
    from restorect.infer.batch import MemoryBudget, Source
    from restorect.infer.batch.memory import needed_bytes
    from restorect.infer.fitting import Need

    source = Source(path=path)
    check_file_size(source.state().bytes, str(path), max_megapixels)
    MemoryBudget().check(source.state().bytes)
    data = source.read()
    opened = open_photo(data, max_megapixels=max_megapixels, name=str(path))
    need = Need(info=opened.info, at=partial(needed_bytes, file_bytes=len(data), samples=1))
    MemoryBudget().check(need.bytes, need.remedy)
    return opened.decode()


def _chosen(
    networks: "Restorer | AutoRestorer", picture: "NDArray[np.float32]", photo: Path
) -> "tuple[Restorer, Decision | None]":
    """The networks for a photograph of full size, and what it was taken for where that was asked.

    Raises:
        CheckpointError: there are no networks for what it needs.
        ConfigError: it needs nothing.
    """
    from restorect.infer.restorer import Restorer

    if isinstance(networks, Restorer):
        return networks, None
    decision = networks.decide(picture)
    if decision.nothing_to_restore:
        raise ConfigError(
            f"{shown(photo)}: {decision}; to see all versions of it nevertheless, name a task with --task"
        )
    return networks.restorer_for(decision), decision


def _title(*, task: str, size: str, weights: Path | None, seed: int) -> str:
    """The command that all captions add to; what is left as it is by default does not stand there."""
    own = {"--weights": "FILE"} if weights is not None else {"--task": task, "--size": size}
    given = own | {"--seed": str(seed)}
    usual = {"--task": "auto", "--size": "tiny", "--seed": "0"}
    options = [f"{name} {value}" for name, value in given.items() if usual.get(name) != value]
    return " ".join(["restorect restore PHOTO -o OUT", *options])


def _write(pixels: "NDArray[np.uint8]", out: Path, *, force: bool) -> None:
    from restorect.images.formats import format_of_name
    from restorect.images.photo import Photo
    from restorect.images.write import WriteOptions, encode
    from restorect.infer.batch.atomic import commit

    drawing = Photo(pixels=pixels, format="png", bit_depth=8)
    content = encode(drawing, WriteOptions(format=format_of_name(out.name))).data
    try:
        commit(out, content, replace=force)
    except OSError as error:
        reason = error.strerror or error.__class__.__name__
        raise RestorectError(
            f"{shown(out)}: cannot be written ({reason}); name a file in a folder you may write to"
        ) from error


def _notice(task: str) -> str:
    """What is to be known of a task, for example that retina photographs are not for diagnosis."""
    from restorect.tasks import find_task, task_names

    return find_task(task).notice if task in task_names() else ""
