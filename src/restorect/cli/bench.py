"""`restorect bench`: what a network costs on this machine."""

import json
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from restorect import __version__
from restorect.cli.sides import parse_sides

if TYPE_CHECKING:
    from restorect.bench.costs import Figures
    from restorect.bench.networks import Workload

_NOTE = (
    "User and system: processor seconds of one pass, over all threads; the system hands out memory. "
    "CPU s/MP: both together, for a megapixel. "
    "GFLOPs: 2 for a multiply-add. Memory: resident set of a fresh process, in MiB, after loading and at its peak."
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
    plot: Annotated[
        str | None, typer.Option(metavar="FILE", help="Draw CPU-seconds and memory over megapixels as SVG.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there already.")] = False,
) -> None:
    """Measure CPU-seconds, wall time, peak memory and GFLOPs of networks at given photo sizes.

    Each line is measured in a process of its own, on one thread unless told otherwise.
    """
    from restorect.bench.networks import Workload, measure_all
    from restorect.cli.progress import Progress

    nets: list[dict[str, Any]] = [{"size": name} for name in size or []]
    nets += [{"preset": name} for name in preset or []]
    nets += [{"weights": str(file)} for file in weights or []]
    how: dict[str, Any] = {"task": task, "threads": threads, "runs": runs, "device": device}
    sides = [parse_sides("--resolution", text) for text in resolution or ["400x600"]]
    cases = [Workload(height=h, width=w, **net, **how) for net in nets or [{"size": "tiny"}] for h, w in sides]
    lines = _Lines(cases)
    with Progress() as progress:

        def tell(case: "Workload", figures: "Figures") -> None:
            with progress.paused():
                sys.stdout.write(lines.line(case, figures))
                sys.stdout.flush()

        figures = measure_all(cases, progress.show, None if out == "-" else tell)
    if out != "-":
        sys.stdout.write(lines.note())
    if out is not None:
        _write(out, _report(cases, figures), force)
    if plot is not None:
        from restorect.cli.bench_plot import drawing

        _write(plot, drawing(cases, figures), force)


class _Lines:
    """The table, line by line as it is measured; the heading comes with the first."""

    _HEADINGS = ("photo", "user s", "system s", "wall s", "CPU s/MP", "loaded MiB", "peak MiB", "GFLOPs")

    def __init__(self, cases: "list[Workload]") -> None:
        from restorect.errors import shown

        first = cases[0]
        self._names = {case: shown(case.name) for case in cases}
        self._width = max(len("network"), *map(len, self._names.values()))
        self._gpu = first.device != "cpu"
        self._title = f"{first.device}, {first.threads} thread(s), median of {first.runs}"
        self._begun = False

    def line(self, case: "Workload", figures: "Figures") -> str:
        """The line of a case, with its end."""
        seconds = (figures.user_seconds, figures.system_seconds, figures.wall_seconds)
        cells = [f"{case.height}x{case.width}", *(f"{each:.3f}" for each in seconds)]
        cells.append(f"{figures.cpu_seconds * 1e6 / (case.height * case.width):.2f}")
        cells += [_whole(figures.loaded_mib), _whole(figures.peak_mib), f"{figures.gflops:.2f}"]
        heading = "" if self._begun else f"{self._title}\n{self._row('network', (*self._HEADINGS, 'GPU MiB'))}"
        self._begun = True
        return heading + self._row(self._names[case], (*cells, _whole(figures.device_peak_mib)))

    def note(self) -> str:
        """What the columns mean."""
        return f"{_NOTE}\n"

    def _row(self, name: str, cells: tuple[str, ...]) -> str:
        shown = cells if self._gpu else cells[:-1]
        return "  ".join([name.ljust(self._width), *(cell.rjust(11) for cell in shown)]) + "\n"


def _whole(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"


def _report(cases: "list[Workload]", figures: "list[Figures]") -> str:
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
    return json.dumps(report, indent=2) + "\n"


def _write(out: str, text: str, force: bool) -> None:
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
