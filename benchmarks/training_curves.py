"""Curves of training runs as one SVG: training_curves.py OUT.svg NAME=RUN ...

L1 as the loss sees it (at the truth's mean, where the recipe aligns), averaged over twentieths of each run. Several
runs joined by + count as one, one after the other: NAME=RUN1+RUN2.
"""

import json
import statistics
import sys
from pathlib import Path

from restorect.evaluate.report.plots import Point, plot, spanning, standalone

PARTS = 20


def points(name: str, runs: list[Path]) -> list[Point]:
    """One point for each twentieth of the runs together."""
    losses: list[tuple[float, float]] = []
    for run in runs:
        before = losses[-1][0] if losses else 0.0
        records = map(json.loads, (run / "log.jsonl").read_text(encoding="utf-8").splitlines())
        losses += [(before + r["step"], r["l1"]) for r in records if r["kind"] == "train" and "l1" in r]
    size = max(1, -(-len(losses) // PARTS))
    found = []
    for start in range(0, len(losses), size):
        steps, values = zip(*losses[start : start + size], strict=True)
        mean = statistics.fmean(values)
        found.append(Point(x=steps[-1], y=mean, title=f"{name}, step {steps[-1]:g}: {mean:.4f}"))
    return found


def main() -> None:
    """Write the plot."""
    out, *named = sys.argv[1:]
    series = {
        name: points(name, [Path(run) for run in runs.split("+")])
        for name, _, runs in (n.partition("=") for n in named)
    }
    together = [point for line in series.values() for point in line]
    x, y = spanning("step", [p.x for p in together]), spanning("L1", [p.y for p in together])
    Path(out).write_text(standalone(plot(series, x, y, lines=True)), encoding="utf-8")


if __name__ == "__main__":
    main()
