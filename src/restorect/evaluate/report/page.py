"""The page: every figure with its protocol, beside what others published, and pictures to check it by eye."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from restorect.errors import shown
from restorect.evaluate.bootstrap import estimate
from restorect.evaluate.journal import Result
from restorect.evaluate.judge import Pictures
from restorect.evaluate.report.pictures import FULL_ERROR, data_uri, error_map
from restorect.evaluate.report.plots import Axis, Point, plot, spanning
from restorect.evaluate.summary import Evaluation, digits_of

_TEMPLATE = "report.html"
_PUBLISHED = ("psnr", "ssim", "lpips", "niqe", "brisque")
_FACTS = ("weights_sha256", "size", "steps", "seed", "strength")


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A case to be shown: its result, and what it looks like."""

    result: Result
    pictures: Pictures


@dataclass(frozen=True)
class _Plot:
    """A plot with its heading and what is to be said of it."""

    heading: str
    svg: Markup
    note: str = ""


def page(evaluation: Evaluation, summary: Mapping[str, Any], worst: Sequence[Shown], best: Sequence[Shown]) -> str:
    """The whole report as one HTML document.

    Args:
        evaluation: what was measured; its first outcome is the method under test.
        summary: of `summarise`.
        worst: cases to show, worst first.
        best: cases to show, best first.
    """
    method, published = summary["methods"][0], summary["set"]["published"]
    names = [*evaluation.columns, *(n for n in _PUBLISHED if any(n in figure for figure in published))]
    return _template().render(
        summary,
        title=f"{method['name']} on {summary['set']['title']}",
        label=evaluation.protocol.label,
        stamps=_stamps(summary),
        shown_columns={name: digits_of(summary, name) for name in names},
        plots=_plots(evaluation),
        shown_cases={"Worst": [*map(_case, worst)], "Best": [*map(_case, best)]},
        worst_first=evaluation.worst_first,
        facts=summary["environment"] | {name: method[name] for name in _FACTS if name in method},
        empty=Markup("<td></td>"),
    )


def _template() -> Template:
    """Nothing in names and messages is markup, and nothing turns the lines around them."""
    return Environment(
        loader=PackageLoader("restorect.evaluate", "report"),
        autoescape=True,
        finalize=lambda value: shown(value) if isinstance(value, str) and not isinstance(value, Markup) else value,
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    ).get_template(_TEMPLATE)


def _stamps(summary: Mapping[str, Any]) -> list[str]:
    stamps = list(summary["set"]["stamps"])
    if not summary["protocol"]["comparable"]:
        stamps.append(f"NOT COMPARABLE: {summary['protocol']['summary']}")
    stamps += [
        f"INCOMPLETE: {len(m['failed'])} of {summary['set']['images']} images failed with {m['name']}; see below"
        for m in summary["methods"]
        if m["failed"]
    ]
    return stamps + [f"No {name}: {reason}" for name, reason in summary["unavailable"].items()]


def _plots(evaluation: Evaluation) -> list[_Plot]:
    column = next(iter(evaluation.columns))
    judged = {o.method.name: {r.name: r for r in o.judged if column in r.scores} for o in evaluation.outcomes}
    main = next((name for name, results in judged.items() if results), None)
    if main is None:
        return []
    first = judged[main]
    order = {name: rank for rank, name in enumerate(sorted(first, key=lambda n: first[n].scores[column]), 1)}
    series = {
        method: [
            Point(x=rank, y=results[name].scores[column], title=f"{name}: {results[name].scores[column]:.4g}")
            for name, rank in order.items()
            if name in results
        ]
        for method, results in judged.items()
    }
    values = [point.y for points in series.values() for point in points]
    x = Axis(label=f"images, by {column} of {main}", low=0, high=len(order) + 1)
    each = _Plot("Each image", Markup(plot(series, x, spanning(column, values))))  # noqa: S704 - it escapes by itself
    return [each, *_quality(evaluation, column)]


def _quality(evaluation: Evaluation, column: str) -> list[_Plot]:
    series: dict[str, list[Point]] = {outcome.method.name: [] for outcome in evaluation.outcomes}
    for outcome in evaluation.outcomes:
        timed = [(r.seconds, r.scores[column]) for r in outcome.judged if r.seconds and column in r.scores]
        if timed:
            seconds = sum(s for s, _ in timed) / len(timed)
            e = estimate([score for _, score in timed], seed=evaluation.seed)
            title = f"{outcome.method.name}: {e.mean:.4g} in {seconds:.3g} s"
            series[outcome.method.name] = [Point(x=seconds, y=e.mean, title=title, low=e.low, high=e.high)]
    points = [point for line in series.values() for point in line]
    if not points:
        return []
    x = spanning("seconds an image", [p.x for p in points], log=True)
    y = spanning(column, [end for p in points for end in (p.low or p.y, p.high or p.y)])
    note = f"Wall time of the method alone, {evaluation.workers} photo(s) at a time, {evaluation.threads} thread(s)."
    return [_Plot("Quality against seconds", Markup(plot(series, x, y)), note)]  # noqa: S704 - see above


def _case(case: Shown) -> tuple[Result, dict[str, str]]:
    """A result, and its pictures' addresses by their captions."""
    pictures = case.pictures
    found = {} if pictures.low is None else {"before": data_uri(pictures.low)}
    found["after"] = data_uri(pictures.output)
    if pictures.high is not None:
        found["ground truth"] = data_uri(pictures.high)
        found[f"error, 0 to {FULL_ERROR}"] = error_map(pictures.output, pictures.high)
    return case.result, found
