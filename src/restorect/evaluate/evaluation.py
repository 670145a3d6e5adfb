"""A whole evaluation: methods on a set, the files of its outcome, and the report."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from restorect.configs import require
from restorect.errors import DataError
from restorect.evaluate.cases import Case
from restorect.evaluate.journal import JOURNAL_NAME, Journal, Result
from restorect.evaluate.judge import Judges, Ruler, evaluate, look
from restorect.evaluate.methods import Method
from restorect.evaluate.report.page import Shown, page
from restorect.evaluate.scores import columns
from restorect.evaluate.set_scores import caution, compare
from restorect.evaluate.shared import Sharing, judges
from restorect.evaluate.summary import REPORT_NAME, Evaluation, Outcome, TestSet, write, write_files
from restorect.metrics.pretrained import PRETRAINED
from restorect.progress import OnProgress, silent

Judging = Callable[[Sequence[Case], Method, Ruler], list[Result]]


@dataclass(frozen=True, kw_only=True)
class EvaluationPlan:
    """What is to be evaluated.

    Attributes:
        test_set: what reports say of the set.
        cases: its photographs, checked.
        methods: the method under test first.
        ruler: protocol and metrics.
        unavailable: metrics that were asked for and what they lack.
        against: good photos that metrics of whole sets compare with; by default the ground truths.
        out: folder of the outcome; made if need be.
        workers: photographs in work at a time.
        sharing: who works in place of this process; None for this one.
        shown: cases shown in the report, worst and best each.
    """

    test_set: TestSet
    cases: Sequence[Case]
    methods: Sequence[Method]
    ruler: Ruler
    out: Path
    unavailable: Mapping[str, str] = field(default_factory=dict)
    against: Sequence[Path] = ()
    workers: int = 1
    sharing: Sharing | None = None
    shown: int = 4

    @property
    def good(self) -> list[Case]:
        """What metrics of whole sets compare with, each photo as an output."""
        if self.against:
            return [Case(name=path.name, output=path) for path in self.against]
        return [Case(name=case.name, output=case.high) for case in self.cases if case.high is not None]

    def judges(self, journal: Journal) -> contextlib.AbstractContextManager[int | Judges]:
        """Who works, as `evaluate` takes it."""
        return judges(self.sharing, journal) if self.sharing else contextlib.nullcontext(self.workers)


def carry_out(plan: EvaluationPlan, on_progress: OnProgress = silent) -> dict[str, Any]:
    """Evaluate, and write `images.csv`, `summary.json` and `report.html`; gives the summary.

    A run that was stopped goes on from `journal.jsonl` of the folder.

    Raises:
        ConfigError: two methods have one name, or a metric of whole sets has fewer than two images.
        DataError: the folder cannot be written to, or a photo of `against` cannot be used.
    """
    names = [method.name for method in plan.methods]
    require(len(set(names)) == len(names), f"two methods are called {max(names, key=names.count)}; use --name")
    for measure in plan.ruler.set_measures:
        fewest = min(len(plan.cases), len(plan.good))
        require(fewest >= 2, f"metric {measure.name} compares whole sets, and one has {fewest} image(s); leave it out")
    try:
        plan.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{plan.out}: cannot be made ({error.strerror}); give another --out") from error
    journal = Journal(plan.out / JOURNAL_NAME)
    with plan.judges(journal) as workers:
        judged = partial(evaluate, journal=journal, workers=workers, on_progress=on_progress)
        good = _good(plan, judged)
        outcomes = [_outcome(plan, method, good, judged) for method in plan.methods]
    evaluation = Evaluation(
        test_set=replace(plan.test_set, stamps=(*plan.test_set.stamps, *_cautions(plan))),
        protocol=plan.ruler.protocol,
        columns=columns(plan.ruler.measures, plan.ruler.protocol, paired=plan.test_set.paired),
        set_columns={measure.name: measure.better for measure in plan.ruler.set_measures},
        metric_sources=plan.ruler.sources,
        outcomes=outcomes,
        unavailable=plan.unavailable,
        workers=plan.workers,
        threads=plan.sharing.crew.threads if plan.sharing else torch.get_num_threads(),
    )
    summary = write_files(evaluation, plan.out)
    worst, best = extremes(evaluation, plan)
    write(plan.out / REPORT_NAME, page(evaluation, summary, worst, best))
    return summary


def _good(plan: EvaluationPlan, judged: Judging) -> list[Result]:
    """The good photos of metrics of whole sets, looked at once for all methods."""
    ruler = replace(plan.ruler, measures=())
    if not ruler.set_measures:
        return []
    method = Method(name="good photos", identity="outputs")
    results = judged(plan.good, method, ruler)
    failed = [result for result in results if result.error]
    if failed and plan.against:  # ground truths that cannot be used are told with their pairs
        raise DataError(f"--fid-against: {len(failed)} of {len(results)} cannot be used: {failed[0].error}")
    return [result for result in results if not result.error]


def _outcome(plan: EvaluationPlan, method: Method, good: Sequence[Result], judged: Judging) -> Outcome:
    results = judged(plan.cases, method, plan.ruler)
    usable = [result for result in results if not result.error]
    return Outcome(method=method, results=results, set_scores=compare(plan.ruler.set_measures, usable, good))


def _cautions(plan: EvaluationPlan) -> tuple[str, ...]:
    """What a reader must know of the metrics."""
    other = [
        f"{name}: weights {source.name} are not the published file but one with sha256 {source.sha256}"
        for name, sources in plan.ruler.sources.items()
        for source in sources
        if source.name in PRETRAINED and not source.published
    ]
    return (*other, *caution(plan.ruler.set_measures, len(plan.cases), len(plan.good)))


def extremes(evaluation: Evaluation, plan: EvaluationPlan) -> tuple[list[Shown], list[Shown]]:
    """The worst and the best cases of the method under test by the first column, restored again to be shown."""
    outcome = evaluation.outcomes[0]
    ranked = evaluation.worst_first
    count = min(plan.shown, len(ranked) // 2) if len(ranked) > 1 else len(ranked)
    cases = {case.name: case for case in plan.cases}
    worst, best = ranked[:count], ranked[::-1][:count] if len(ranked) > 1 else []
    return tuple(  # type: ignore[return-value]
        [Shown(result=r, pictures=look(cases[r.name], outcome.method)) for r in group] for group in (worst, best)
    )
