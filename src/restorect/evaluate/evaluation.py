"""A whole evaluation: methods on a set, the files of its outcome, and the report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from restorect.configs import require
from restorect.errors import DataError
from restorect.evaluate.journal import JOURNAL_NAME, Journal
from restorect.evaluate.methods import Method
from restorect.evaluate.pairs import Case
from restorect.evaluate.report.page import Shown, page
from restorect.evaluate.run import OnProgress, Ruler, evaluate, look
from restorect.evaluate.scores import columns
from restorect.evaluate.summary import REPORT_NAME, Evaluation, Outcome, TestSet, write, write_files


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be evaluated.

    Attributes:
        test_set: what reports say of the set.
        cases: its photographs, checked.
        methods: the method under test first.
        ruler: protocol and metrics.
        unavailable: metrics that were asked for and what they lack.
        out: folder of the outcome; made if need be.
        workers: photographs in work at a time.
        shown: cases shown in the report, worst and best each.
    """

    test_set: TestSet
    cases: Sequence[Case]
    methods: Sequence[Method]
    ruler: Ruler
    out: Path
    unavailable: Mapping[str, str] = field(default_factory=dict)
    workers: int = 1
    shown: int = 4


def carry_out(plan: Plan, on_progress: OnProgress | None = None) -> dict[str, Any]:
    """Evaluate, and write `images.csv`, `summary.json` and `report.html`; gives the summary.

    A run that was stopped goes on from `journal.jsonl` of the folder.

    Raises:
        ConfigError: two methods have one name.
        DataError: the folder cannot be written to.
    """
    names = [method.name for method in plan.methods]
    require(len(set(names)) == len(names), f"two methods are called {max(names, key=names.count)}; use --name")
    try:
        plan.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{plan.out}: cannot be made ({error.strerror}); give another --out") from error
    journal = Journal(plan.out / JOURNAL_NAME)
    try:
        outcomes = [
            Outcome(
                method=method,
                results=evaluate(
                    plan.cases, method, plan.ruler, journal, workers=plan.workers, on_progress=on_progress
                ),
            )
            for method in plan.methods
        ]
    finally:
        journal.close()
    evaluation = Evaluation(
        test_set=plan.test_set,
        protocol=plan.ruler.protocol,
        columns=columns(plan.ruler.measures, plan.ruler.protocol, paired=plan.test_set.paired),
        outcomes=outcomes,
        unavailable=plan.unavailable,
        workers=plan.workers,
        threads=torch.get_num_threads(),
    )
    summary = write_files(evaluation, plan.out)
    worst, best = extremes(evaluation, plan)
    write(plan.out / REPORT_NAME, page(evaluation, summary, worst, best))
    return summary


def extremes(evaluation: Evaluation, plan: Plan) -> tuple[list[Shown], list[Shown]]:
    """The worst and the best cases of the method under test by the first column, restored again to be shown."""
    outcome = evaluation.outcomes[0]
    column, better = next(iter(evaluation.columns.items()))
    ranked = sorted(outcome.judged, key=lambda r: (r.scores[column], r.name), reverse=better == "lower")
    count = min(plan.shown, len(ranked) // 2) if len(ranked) > 1 else len(ranked)
    cases = {case.name: case for case in plan.cases}
    worst, best = ranked[:count], ranked[::-1][:count] if len(ranked) > 1 else []
    return tuple(  # type: ignore[return-value]
        [Shown(result=r, pictures=look(cases[r.name], outcome.method)) for r in group] for group in (worst, best)
    )
