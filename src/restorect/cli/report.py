"""`restorect report`: what came of a batch, from the records in its output folder."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from restorect.cli.restore_plan import listed, place_of
from restorect.errors import shown

if TYPE_CHECKING:
    from restorect.infer.batch.report import Totals

_REASONS = 12  # that are told one by one


def report(
    out: Annotated[str, typer.Argument(metavar="OUT", help="Output folder of restorect restore.", show_default=False)],
    to: Annotated[
        list[Path] | None,
        typer.Option("--to", metavar="FILE", help="A row for each photo, as .jsonl or .parquet; may be repeated."),
    ] = None,
    files_from: Annotated[
        str | None, typer.Option(metavar="LIST", help="What was to be restored: tells what is left, too.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The figures as a JSON object.")] = False,
) -> None:
    """Tell what came of a batch, for example: restorect report out --to report.parquet.

    All records in OUT count, of all runs and parts: each photo as it was last done or failed.
    Exit code: 0 all is well, 1 photos failed or are left, 2 wrong usage.
    """
    from restorect.infer.batch import Part
    from restorect.infer.batch.lists import listed_sources
    from restorect.infer.batch.report import report, write_report

    wanted = listed_sources(listed(files_from), tried=lambda name: True).sources if files_from is not None else ()
    folder, _ = place_of(out, Part())
    rows, totals = report(folder, wanted)
    for path in to or []:
        write_report(rows, path)
    figures = asdict(totals) | {"photos_a_second": round(totals.photos_a_second, 3), "exit_code": totals.exit_code}
    typer.echo(json.dumps({"event": "report"} | figures) if as_json else _told(totals, out))
    raise typer.Exit(totals.exit_code)


def _told(totals: "Totals", out: str) -> str:
    from restorect.cli.batch_display import clock

    parts = [f"{totals.done - totals.unchanged} restored"]
    parts += [f"{totals.unchanged} good already and copied"] if totals.unchanged else []
    parts += [f"{totals.failed} failed"] if totals.failed else []
    parts += [f"{totals.left} left"] if totals.left else []
    speed = f", {clock(totals.seconds)} of work in {clock(totals.busy)}, {totals.photos_a_second:.3g} photos/s"
    ranked = sorted(totals.reasons.items(), key=lambda item: (-item[1], item[0]))
    lines = [f"{count} failed: {shown(reason)}" for reason, count in ranked[:_REASONS]]
    rest = sum(count for _, count in ranked[_REASONS:])
    lines += [f"{rest} failed for other reasons"] if rest else []
    return "\n".join([*lines, f"{', '.join(parts)}{speed if totals.done else ''} -> {shown(out)}"])
