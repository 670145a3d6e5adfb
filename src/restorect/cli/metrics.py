"""`restorect metrics`: what measures quality, and fitting the metrics that learn from photographs."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from restorect.files import refuse_taken

if TYPE_CHECKING:
    from torch import Tensor

    from restorect.metrics.parameters.fitted import Parameters
    from restorect.metrics.ratings import Rating

app = typer.Typer(no_args_is_help=True, help="List the quality metrics, and fit those that learn from photographs.")

_Output = Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The parameters, *.safetensors.")]
_Force = Annotated[bool, typer.Option("--force", help="Replace the file if it is there already.")]
_Table = Annotated[Path, typer.Argument(help="CSV with the columns file, score and, for biqi, kind.")]


@app.command("list")
def list_metrics() -> None:
    """Show every metric: which way is better, what it compares with, and what it needs."""
    from rich.console import Console
    from rich.table import Table

    from restorect.metrics.registry import METRICS

    table = Table("name", "better", "compares with", "needs", "of a")
    for info in METRICS.values():
        one = "set" if info.per_set else "photo"
        table.add_row(info.name, info.better, info.reference, ", ".join(info.weights), one)
    Console().print(table)


@app.command("fit-niqe")
def fit_niqe(
    folder: Annotated[Path, typer.Argument(help="Natural, undistorted photographs.")],
    output: _Output,
    force: _Force = False,
) -> None:
    """Fit NIQE's model of natural photographs to a folder of them."""
    from restorect.images.find import photos_in
    from restorect.metrics import niqe
    from restorect.metrics.parameters.fitted import Parameters

    refuse_taken(output, force=force)
    photos = photos_in(folder)
    model, blocks = niqe.fit_niqe(_progress(photos))
    origin: dict[str, str | int | float] = {"photographs": len(photos), "blocks": blocks}
    tensors = {"mean": model.mean, "covariance": model.covariance}
    _write(output, Parameters(metric="niqe", tensors=tensors, origin=origin), force)


@app.command("fit-brisque")
def fit_brisque(table: _Table, output: _Output, force: _Force = False) -> None:
    """Fit BRISQUE to photographs with opinion scores."""
    from restorect.metrics import brisque
    from restorect.metrics.parameters.fitted import Parameters

    refuse_taken(output, force=force)
    ratings, features, scores = _learn(table, brisque.brisque_features)
    regressor = brisque.fit_brisque(features, scores)
    origin: dict[str, str | int | float] = {"photographs": len(ratings)}
    _write(output, Parameters(metric="brisque", tensors=regressor.tensors, origin=origin), force)


@app.command("fit-biqi")
def fit_biqi(table: _Table, output: _Output, force: _Force = False) -> None:
    """Fit BIQI to photographs with opinion scores and, in the column kind, their distortion."""
    from restorect.metrics import biqi
    from restorect.metrics.parameters.fitted import Parameters

    refuse_taken(output, force=force)
    ratings, features, scores = _learn(table, biqi.biqi_features)
    kinds = [rating.kind for rating in ratings]
    regressor = biqi.fit_biqi(features, scores, kinds)
    origin: dict[str, str | int | float] = {"photographs": len(ratings), "kinds": ", ".join(sorted(set(kinds)))}
    _write(output, Parameters(metric="biqi", tensors=regressor.tensors, origin=origin), force)


def _learn(table: Path, measure: "Callable[[Tensor], Tensor]") -> "tuple[list[Rating], Tensor, Tensor]":
    """The ratings, and of their photographs the features (N, D) and scores (N,)."""
    import torch

    from restorect.metrics.ratings import read_ratings

    ratings = read_ratings(table)
    features = torch.cat([measure(photo) for photo in _progress([rating.path for rating in ratings])])
    return ratings, features, torch.tensor([rating.score for rating in ratings], dtype=torch.float64)


def _progress(paths: list[Path]) -> "Iterator[Tensor]":
    """Each photograph as (1, 3, H, W) in [0, 1], with a progress bar on standard error."""
    import torch

    from restorect.cli.progress import Progress
    from restorect.images.seen import read_srgb

    with Progress() as progress:
        for path in progress.each(paths, len(paths), "photographs"):
            yield torch.from_numpy(read_srgb(path)).permute(2, 0, 1).unsqueeze(0).float() / 255


def _write(output: Path, parameters: "Parameters", force: bool) -> None:
    from restorect.errors import RestorectError, shown
    from restorect.metrics.parameters.fitted import write_parameters

    try:
        write_parameters(output, parameters, replace=force)
    except FileExistsError:
        raise RestorectError(f"{output}: is there already; name another file or give --force") from None
    except OSError as error:
        reason = error.strerror or error.__class__.__name__
        raise RestorectError(f"{output}: cannot be written ({reason})") from error
    typer.echo(f"{shown(output)}: fitted to {parameters.origin['photographs']} photographs")
