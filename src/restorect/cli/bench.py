"""`restorect bench`: what a network costs on this machine."""

import json
import platform
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from restorect import __version__

if TYPE_CHECKING:
    from rich.table import Table

    from restorect.infer.bench import Case
    from restorect.infer.costs import Figures

_NOTE = (
    "CPU: processor seconds of one pass, summed over threads. GFLOPs: 2 for a multiply-add. "
    "Memory: resident set of a fresh process, in MiB, after loading and at its peak."
)
_FORMAT_VERSION = 1


def bench(
    size: Annotated[list[str] | None, typer.Option(help="A shipped size; repeatable. [default: tiny]")] = None,
    preset: Annotated[list[str] | None, typer.Option(help="A net with random weights; repeatable.")] = None,
    weights: Annotated[list[Path] | None, typer.Option(help="A checkpoint file; repeatable.")] = None,
    resolution: Annotated[
        list[str] | None, typer.Option(metavar="HxW", help="Photo size; repeatable. [default: 400x600]")
    ] = None,
    task: Annotated[str, typer.Option(help="What the shipped sizes restore.")] = "low-light",
    threads: Annotated[int, typer.Option(min=1, help="CPU threads.")] = 1,
    runs: Annotated[int, typer.Option(min=1, max=10_000, help="Timed passes; the median counts.")] = 5,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1, mps or auto.")] = "cpu",
    out: Annotated[
        str | None, typer.Option("--json", metavar="FILE", help="Write the figures as JSON; - prints only them.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the JSON file if it is there already.")] = False,
) -> None:
    """Measure CPU-seconds, wall time, peak memory and GFLOPs of networks at given photo sizes.

    Each line is measured in a process of its own, on one thread unless told otherwise.
    """
    from rich.console import Console

    from restorect.cli.progress import Progress
    from restorect.infer.bench import Case, measure_all

    nets: list[dict[str, Any]] = [{"size": name} for name in size or []]
    nets += [{"preset": name} for name in preset or []]
    nets += [{"weights": str(file)} for file in weights or []]
    how: dict[str, Any] = {"task": task, "threads": threads, "runs": runs, "device": device}
    sides = [_parse(text) for text in resolution or ["400x600"]]
    cases = [Case(height=h, width=w, **net, **how) for net in nets or [{"size": "tiny"}] for h, w in sides]
    with Progress() as progress:
        figures = measure_all(cases, progress.show)
    if out != "-":
        Console().print(_table(cases, figures))
    if out is not None:
        _write(out, cases, figures, force)


def _parse(text: str) -> tuple[int, int]:
    """Height and width of "400x600".

    Raises:
        ConfigError: the text is no such size.
    """
    from restorect.errors import ConfigError

    found = re.fullmatch(r"(\d{1,6})[xX×](\d{1,6})", text.strip())
    if found is None:
        raise ConfigError(f"--resolution {text}: write height x width in pixels, for example 400x600")
    return int(found[1]), int(found[2])


def _table(cases: "list[Case]", figures: "list[Figures]") -> "Table":
    from rich.markup import escape
    from rich.table import Table

    from restorect.errors import shown

    first = cases[0]
    table = Table(title=f"{first.device}, {first.threads} thread(s), median of {first.runs}", caption=_NOTE)
    table.add_column("network", no_wrap=True)
    for heading in ("photo", "CPU s", "wall s", "loaded MiB", "peak MiB", "GFLOPs"):
        table.add_column(heading, justify="right")
    on_gpu = any(figure.device_peak_mib is not None for figure in figures)
    if on_gpu:
        table.add_column("GPU MiB", justify="right")
    for case, figure in zip(cases, figures, strict=True):
        cells = [f"{figure.cpu_seconds:.3f}", f"{figure.wall_seconds:.3f}"]
        cells += [_whole(figure.loaded_mib), _whole(figure.peak_mib), f"{figure.gflops:.2f}"]
        cells += [_whole(figure.device_peak_mib)] if on_gpu else []
        table.add_row(escape(shown(case.name)), f"{case.height}x{case.width}", *cells)
    return table


def _whole(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"


def _write(out: str, cases: "list[Case]", figures: "list[Figures]", force: bool) -> None:
    from dataclasses import asdict
    from importlib.metadata import version

    results = [{**asdict(case), **asdict(figure)} for case, figure in zip(cases, figures, strict=True)]
    report = {
        "format_version": _FORMAT_VERSION,
        "restorect": __version__,
        "torch": version("torch"),
        "machine": platform.machine(),
        "system": platform.system(),
        "note": _NOTE,
        "results": results,
    }
    text = json.dumps(report, indent=2) + "\n"
    if out == "-":
        sys.stdout.write(text)
        return
    from restorect.errors import RestorectError
    from restorect.infer.batch.atomic import commit

    try:
        commit(Path(out), text.encode(), replace=force)
    except OSError as error:
        reason = error.strerror or error.__class__.__name__
        raise RestorectError(
            f"{out}: cannot be written ({reason}); name a file in a folder you may write to"
        ) from error
