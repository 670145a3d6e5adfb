"""What `restorect evaluate` shows in the terminal: progress, and tables that are no wider than it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from restorect.errors import shown

if TYPE_CHECKING:
    from rich.table import Table

_REASON_WIDTH = 15  # characters of a heading that says what a metric lacks
_FRAME = 3  # characters that a column takes beside its text


@dataclass(frozen=True, kw_only=True)
class _Column:
    """A heading, and what stands under it for each method."""

    head: str
    cells: Sequence[str]
    folds: bool = False

    @property
    def width(self) -> int:
        """In characters, with its share of the frame."""
        if self.folds:
            return max(_REASON_WIDTH, len(self.head.partition("\n")[0])) + _FRAME
        return max(len(line) for text in (self.head, *self.cells) for line in text.split("\n")) + _FRAME


def tell(summary: dict[str, Any], out: Path) -> int:
    """Show the figures and what their reader must know; gives the number of images that could not be judged."""
    from rich.console import Console

    from restorect.evaluate.summary import REPORT_NAME

    console = Console()
    for table in tables(summary, console.width):
        console.print(table)
    for stamp in [*summary["set"]["stamps"], *(f"no {n}: {why}" for n, why in summary["unavailable"].items())]:
        typer.echo(shown(stamp))
    failed = [(method["name"], failure) for method in summary["methods"] for failure in method["failed"]]
    for method, failure in failed:
        typer.echo(shown(f"failed: {method}, {failure['name']}: {failure['error']}"), err=True)
    typer.echo(shown(out / REPORT_NAME))
    return len(failed)


def plain(name: str) -> str:
    """A name from elsewhere as rich shows it letter by letter, brackets and all."""
    from rich.markup import escape

    return escape(shown(name))


def tables(summary: dict[str, Any], width: int) -> list[Table]:
    """The figures as one table or, where they do not fit into `width` characters, several below each other."""
    from rich.table import Table

    test_set, protocol = summary["set"], summary["protocol"]
    label = f"{protocol['name']}/{protocol['version']}"
    note = f"{label}: mean over images with its {summary['confidence']['level']:.0%} confidence interval"
    if not protocol["comparable"]:
        note += "; NOT COMPARABLE with other protocols"
    first = _Column(head="method", cells=[plain(method["name"]) for method in summary["methods"]])
    groups = _groups(_columns(summary), width - first.width - 1)
    found = []
    for number, group in enumerate(groups):
        table = Table()
        if number == 0:
            table.title = f"{plain(test_set['title'])}, {test_set['images']} images"
        if number == len(groups) - 1:
            table.caption = note
        for column in (first, *group):
            overflow, least = ("fold", _REASON_WIDTH) if column.folds else ("ellipsis", None)
            justify = "left" if column is first else "right"
            table.add_column(column.head, justify=justify, no_wrap=not column.folds, overflow=overflow, min_width=least)  # type: ignore[arg-type]
        for row in zip(*(column.cells for column in (first, *group)), strict=True):
            table.add_row(*row)
        found.append(table)
    return found


def _columns(summary: dict[str, Any]) -> list[_Column]:
    """All but the methods' names."""
    from restorect.evaluate.summary import digits_of

    methods = summary["methods"]
    found = []
    for name in summary["columns"]:
        digits = digits_of(summary, name)
        found.append(_Column(head=name, cells=[_cell(method, name, digits) for method in methods]))
    for name in summary["set_columns"]:
        found.append(_Column(head=name, cells=[_set_cell(method["set_scores"].get(name)) for method in methods]))
    for name, reason in summary["unavailable"].items():
        head = f"{name}\n{plain(reason.partition(' (')[0])}"
        found.append(_Column(head=head, cells=["-"] * len(methods), folds=True))
    seconds = ["-" if method["seconds"] is None else f"{method['seconds']:.3f}" for method in methods]
    return [*found, _Column(head="seconds", cells=seconds)]


def _groups(columns: Sequence[_Column], width: int) -> list[list[_Column]]:
    """The columns in their order, as many together as fit; one that never fits stands alone."""
    groups: list[list[_Column]] = [[]]
    for column in columns:
        if groups[-1] and sum(c.width for c in groups[-1]) + column.width > width:
            groups.append([])
        groups[-1].append(column)
    return groups


def _cell(method: dict[str, Any], column: str, digits: int) -> str:
    score = method["scores"].get(column)
    if score is None:
        return "-"
    some = f"\nof {score['count']} images" if score["count"] < method["images"] else ""
    return f"{score['mean']:.{digits}f}\n({score['low']:.{digits}f} to {score['high']:.{digits}f}){some}"


def _set_cell(score: dict[str, float] | None) -> str:
    return "-" if score is None else f"{score['value']:.2f}\n({score['images']} images)"


class Progress:
    """A bar for each stage."""

    def __enter__(self) -> Progress:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bars

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Bars(*columns, console=Console(stderr=True), transient=True)
        self._tasks: dict[str, Any] = {}
        self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.stop()

    def show(self, done: int, total: int, stage: str) -> None:
        """Bring the stage's bar up to date."""
        if stage not in self._tasks:
            self._tasks[stage] = self._bar.add_task(plain(stage), total=total)
        self._bar.update(self._tasks[stage], completed=done)
