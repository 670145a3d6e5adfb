"""The outcome of an evaluation as plain data: what was measured, how, with what, how sure; and its files."""

import csv
import io
import json
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from restorect import __version__
from restorect.configs import read_json
from restorect.errors import DataError, shown
from restorect.evaluate.bootstrap import LEVEL, RESAMPLES, estimate
from restorect.evaluate.journal import Result
from restorect.evaluate.methods import Method
from restorect.evaluate.protocols import Protocol
from restorect.evaluate.set_scores import SetScore
from restorect.files import open_regular, write_atomically
from restorect.metrics.pretrained import WeightsSource
from restorect.metrics.registry import Better

FORMAT_VERSION = 1
KIND = "evaluation"
SUMMARY_NAME, CSV_NAME, REPORT_NAME = "summary.json", "images.csv", "report.html"
_DIGITS = 5
_FORMULAS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # the last four are the wide letters of Asia


@dataclass(frozen=True, kw_only=True)
class TestSet:
    """What was judged on.

    Attributes:
        name: of the benchmark, or of the folder.
        title: for people.
        images: in the set.
        paired: it has ground truth.
        split: which part of the data set, or "".
        citation: of the data set, or "".
        stamps: what a reader must know before any figure, for example that the copy is incomplete.
        published: figures of others on this set, with their protocol and source.
    """

    __test__ = False  # no test class, whatever pytest thinks of its name

    name: str
    title: str
    images: int
    paired: bool
    split: str = ""
    citation: str = ""
    stamps: tuple[str, ...] = ()
    published: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One method on the set.

    Attributes:
        method: what was judged.
        results: one a case.
        set_scores: metrics of whole sets to their figures.
    """

    method: Method
    results: Sequence[Result]
    set_scores: Mapping[str, SetScore] = field(default_factory=dict)

    @property
    def judged(self) -> list[Result]:
        """The results that have scores."""
        return [result for result in self.results if not result.error]

    @property
    def failed(self) -> list[Result]:
        """The others."""
        return [result for result in self.results if result.error]


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Everything that was measured.

    Attributes:
        test_set: what was judged on.
        protocol: how.
        columns: the scores of images, and which way each is better.
        set_columns: the same for metrics of whole sets.
        metric_sources: the files that metrics were loaded from.
        outcomes: the method under test first, then the others.
        unavailable: metrics that were asked for and what they lack.
        workers: photographs in work at a time.
        threads: CPU threads of one operation.
        seed: of the bootstrap.
    """

    test_set: TestSet
    protocol: Protocol
    columns: Mapping[str, Better]
    outcomes: Sequence[Outcome]
    set_columns: Mapping[str, Better] = field(default_factory=dict)
    metric_sources: Mapping[str, Sequence[WeightsSource]] = field(default_factory=dict)
    unavailable: Mapping[str, str] = field(default_factory=dict)
    workers: int = 1
    threads: int = 1
    seed: int = 0

    @property
    def worst_first(self) -> list[Result]:
        """What was judged of the method under test by the first column; "near": the smallest figure first."""
        column, better = next(iter(self.columns.items()))
        judged = (result for result in self.outcomes[0].judged if column in result.scores)
        return sorted(judged, key=lambda r: (r.scores[column], r.name), reverse=better == "lower")


def summarise(evaluation: Evaluation) -> dict[str, Any]:
    """The summary, ready for JSON; no path of this machine is in it."""
    protocol, test_set = evaluation.protocol, asdict(evaluation.test_set)
    return {
        "format_version": FORMAT_VERSION,
        "kind": KIND,
        "set": test_set,
        "protocol": {
            "name": protocol.name,
            "version": protocol.version,
            "summary": protocol.summary,
            "comparable": protocol.comparable,
        },
        "columns": dict(evaluation.columns),
        "set_columns": dict(evaluation.set_columns),
        "metric_files": {
            name: [asdict(source) for source in sources] for name, sources in evaluation.metric_sources.items()
        },
        "unavailable": dict(evaluation.unavailable),
        "confidence": {"level": LEVEL, "method": "percentile bootstrap over images", "resamples": RESAMPLES},
        "methods": [_method(outcome, evaluation) for outcome in evaluation.outcomes],
        "environment": environment(evaluation.workers, evaluation.threads),
    }


def environment(workers: int, threads: int) -> dict[str, Any]:
    """What the figures were measured with."""
    packages = {name: version(name) for name in ("torch", "numpy", "opencv-python-headless", "pillow")}
    return {
        "restorect": __version__,
        "python": platform.python_version(),
        "system": platform.system(),
        "machine": platform.machine(),
        **packages,
        "workers": workers,
        "threads": threads,
    }


def write_files(evaluation: Evaluation, folder: Path) -> dict[str, Any]:
    """Write summary and per-image table into an existing folder; gives the summary.

    Raises:
        DataError: the folder cannot be written to.
    """
    summary = summarise(evaluation)
    write(folder / SUMMARY_NAME, json.dumps(summary, indent=1) + "\n")
    write(folder / CSV_NAME, table(evaluation))
    return summary


def write(path: Path, text: str) -> None:
    """Write a text file atomically.

    Raises:
        DataError: it cannot be written.
    """
    try:
        write_atomically(path, text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror}); give another --out") from error


def table(evaluation: Evaluation) -> str:
    """All results as CSV: protocol, method, name, size, seconds, scores, and why there are none."""
    text = io.StringIO()
    names = ["protocol", "method", "name", "width", "height", "seconds", *evaluation.columns, "error"]
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    for outcome in evaluation.outcomes:
        for result in outcome.results:
            row: dict[str, Any] = {name: _cell(getattr(result, name)) for name in ("method", "name", "error")}
            row |= {"protocol": evaluation.protocol.label, "width": result.width, "height": result.height}
            seconds = "" if result.seconds is None else round(result.seconds, 4)
            writer.writerow({**row, "seconds": seconds, **_rounded(result.scores)})
    return text.getvalue()


def _cell(text: str) -> str:
    """Text on one line that a spreadsheet takes for text: it would run `=cmd|...` of a photo's name as a formula."""
    text = shown(text)
    return f"'{text}" if text.lstrip().startswith(_FORMULAS) else text


def digits_of(summary: Mapping[str, Any], column: str) -> int:
    """Digits after the point that show all means of a column alike: 2 where one of them is 10 or more, else 4."""
    scores = (method["scores"].get(column) for method in summary["methods"])
    return 2 if any(score is not None and abs(score["mean"]) >= 10 for score in scores) else 4


def _method(outcome: Outcome, evaluation: Evaluation) -> dict[str, Any]:
    judged = outcome.judged
    seconds = [result.seconds for result in judged if result.seconds is not None]
    scores = {}
    for column in evaluation.columns:
        values = [result.scores[column] for result in judged if column in result.scores]
        if values:
            scores[column] = _rounded(asdict(estimate(values, seed=evaluation.seed)))
    return {
        "name": outcome.method.name,
        **dict(outcome.method.facts),
        "images": len(judged),
        "failed": [{"name": result.name, "error": result.error} for result in outcome.failed],
        "scores": scores,
        "set_scores": {name: _rounded(asdict(score)) for name, score in outcome.set_scores.items()},
        "seconds": round(statistics.fmean(seconds), _DIGITS) if seconds else None,
        "parts": _parts(judged, evaluation.columns),
    }


def _parts(judged: Sequence[Result], columns: Mapping[str, Better]) -> dict[str, dict[str, float]]:
    """Means by what stands before "-" in a name, where that divides the set into a few sources."""
    sources: dict[str, list[Result]] = {}
    for result in judged:
        sources.setdefault(result.name.partition("-")[0], []).append(result)
    if not 1 < len(sources) <= len(judged) / 4:
        return {}
    return {
        source: {"images": len(results), **_rounded(_means(results, columns))}
        for source, results in sorted(sources.items())
    }


def _means(results: Sequence[Result], columns: Mapping[str, Better]) -> dict[str, float]:
    """The mean of each column that has a figure."""
    values = {column: [r.scores[column] for r in results if column in r.scores] for column in columns}
    return {column: statistics.fmean(figures) for column, figures in values.items() if figures}


def _rounded(values: Mapping[str, float]) -> dict[str, float]:
    return {name: value if isinstance(value, int) else round(value, _DIGITS) for name, value in values.items()}


def read_summary(path: Path) -> dict[str, Any]:
    """Read a summary that `write_files` wrote.

    Raises:
        DataError: it is missing, no JSON, or of another kind or version.
    """
    try:
        with open_regular(path) as file:
            summary = read_json(file.read())
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read as JSON ({type(error).__name__}); evaluate again") from error
    if not isinstance(summary, dict) or summary.get("kind") != KIND or summary.get("format_version") != FORMAT_VERSION:
        raise DataError(f"{path}: is no summary of this version of `restorect evaluate`; evaluate again")
    return summary
