"""The page: every figure with its protocol, beside what others published, and pictures to check it by eye."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from restorect.evaluate.journal import Result
from restorect.evaluate.report.pictures import FULL_ERROR, data_uri, error_map
from restorect.evaluate.report.plots import Axis, Point, plot, spanning
from restorect.evaluate.report.text import text
from restorect.evaluate.run import Pictures
from restorect.evaluate.statistics import estimate
from restorect.evaluate.summary import Evaluation, digits_of

_STYLE = """
:root{color-scheme:light dark;background:Canvas;color:CanvasText;--line:#8884;--soft:#8882;--grey:#666}
@media(prefers-color-scheme:dark){:root{--grey:#a8a8a8}}
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;overflow-wrap:anywhere}
.wide{overflow-x:auto;overflow-wrap:normal;margin:1rem 0}
table{border-collapse:collapse}td,th{padding:.25rem .7rem;border-bottom:1px solid var(--line);text-align:left}
th{vertical-align:bottom}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
th.n small{display:inline-block;max-width:15rem;white-space:normal}
small,.grey{color:var(--grey);font-weight:400}
tr.ours{background:var(--soft);font-weight:600}.stamp{border-left:4px solid #d55e00;padding:.3rem .8rem;margin:.3rem 0}
.case{display:grid;grid-template-columns:repeat(auto-fit,minmax(10rem,1fr));gap:.5rem;max-width:84rem}
figure{margin:0;max-width:20rem}figcaption{font-size:.8rem;color:var(--grey)}
img{display:block;width:100%;border-radius:3px}
svg{width:100%;min-width:40rem;max-width:48rem;font-size:11px;fill:currentColor}
svg .axis{stroke:currentColor}svg .grid{stroke:var(--line);stroke-width:.5}h3{margin:1rem 0 0}
"""
# With this policy a browser would refuse to fetch anything, so the page cannot come to depend on it.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_ARROWS = {"higher": "↑", "lower": "↓", "near": "≈"}
_PUBLISHED = ("psnr", "ssim", "lpips", "niqe", "brisque")


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A case to be shown: its result, and what it looks like."""

    result: Result
    pictures: Pictures


def page(evaluation: Evaluation, summary: Mapping[str, Any], worst: Sequence[Shown], best: Sequence[Shown]) -> str:
    """The whole report as one HTML document.

    Args:
        evaluation: what was measured; its first outcome is the method under test.
        summary: of `summarise`.
        worst: cases to show, worst first.
        best: cases to show, best first.
    """
    test_set = summary["set"]
    title = text(f"{evaluation.outcomes[0].method.name} on {test_set['title']}")
    kind = "pairs" if test_set["paired"] else "photographs without ground truth"
    parts = [
        f"<h1>{title}</h1>",
        f"<p>{test_set['images']} {kind}. {text(test_set['split'])}</p>",
        *(f'<p class="stamp">{text(stamp)}</p>' for stamp in _stamps(summary)),
        f"<p>Protocol <b>{text(evaluation.protocol.label)}</b>: {text(evaluation.protocol.summary)}.</p>",
        _table(evaluation, summary),
        _parts(evaluation, summary),
        *_plots(evaluation),
        _cases("Worst", worst, evaluation),
        _cases("Best", best, evaluation),
        _failures(summary),
        _images(evaluation),
        _colophon(summary),
    ]
    head = f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    head += f'<meta name="viewport" content="width=device-width"><title>{title}</title><style>{_STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(parts)}</body></html>\n'


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


def _table(evaluation: Evaluation, summary: Mapping[str, Any]) -> str:
    published = summary["set"]["published"]
    columns = list(evaluation.columns)
    columns += [c for c in _PUBLISHED if c not in columns and any(c in p for p in published)]
    heads = "".join(_head(c, evaluation.columns.get(c, "")) for c in columns)
    heads += "".join(_head(c, better) for c, better in evaluation.set_columns.items())
    heads += "".join(_head(c, "", reason) for c, reason in summary["unavailable"].items())
    digits = {c: digits_of(summary, c) for c in columns}
    rows = []
    for number, method in enumerate(summary["methods"]):
        cells = "".join(f'<td class="n">{_estimate(method, c, digits[c])}</td>' for c in columns)
        seconds = "" if method["seconds"] is None else f"{method['seconds']:.3f}"
        kind = ' class="ours"' if number == 0 else ""
        cells += "".join(f'<td class="n">{_distance(method["set_scores"].get(c))}</td>' for c in evaluation.set_columns)
        cells += "<td></td>" * len(summary["unavailable"])
        cells += f'<td class="n">{seconds}</td><td>{text(evaluation.protocol.label)}</td>'
        rows.append(f"<tr{kind}><td>{text(method['name'])}</td>{cells}</tr>")
    for figure in published:
        cells = "".join(f'<td class="n">{figure.get(c, "")}</td>' for c in columns)
        cells += "<td></td>" * (len(evaluation.set_columns) + len(summary["unavailable"]))
        note = text(figure["protocol"]) + ("" if figure["comparable"] else "; <b>not comparable</b>")
        source = f"<br><small>{text(figure['source'])}</small>"
        rows.append(
            f'<tr class="grey"><td>{text(figure["method"])}, published</td>{cells}<td></td><td>{note}{source}</td></tr>'
        )
    level = f"{summary['confidence']['level']:.0%}"
    interval = f"[its {level} confidence interval] ({summary['confidence']['method']})"
    note = (
        f"Mean over images (of fewer where the others have nothing to judge), below it {interval} and ± their spread."
    )
    head = f'<tr><th>method</th>{heads}<th class="n">seconds</th><th>protocol</th></tr>'
    return f"<h2>Figures</h2>{_wide_table(head, rows)}<p><small>{note}</small></p>"


def _wide_table(head: str, rows: Sequence[str]) -> str:
    """A table that scrolls by itself where it is wider than the page."""
    return f'<div class="wide"><table>{head}{"".join(rows)}</table></div>'


def _wide_plot(svg: str) -> str:
    return f'<div class="wide">{svg}</div>'


def _head(name: str, better: str, reason: str = "") -> str:
    """The heading of a column; what a metric lacks stands in it."""
    lacks = f"<br><small>{text(reason.partition(' (')[0])}</small>" if reason else ""
    return f'<th class="n">{text(name)} {_ARROWS.get(better, "")}{lacks}</th>'


def _distance(score: Mapping[str, float] | None) -> str:
    if score is None:
        return ""
    return f"{score['value']:.2f}<br><small>{score['images']} images against {score['references']}</small>"


def _estimate(method: Mapping[str, Any], column: str, digits: int) -> str:
    score = method["scores"].get(column)
    if score is None:
        return ""
    low, high, std = (f"{score[name]:.{digits}f}" for name in ("low", "high", "std"))
    some = f"<br>of {score['count']} images" if score["count"] < method["images"] else ""
    return f"{score['mean']:.{digits}f}<br><small>[{low}, {high}]<br>± {std}{some}</small>"


def _parts(evaluation: Evaluation, summary: Mapping[str, Any]) -> str:
    parts = summary["methods"][0]["parts"]
    if not parts:
        return ""
    heads = "".join(f'<th class="n">{text(c)}</th>' for c in evaluation.columns)
    rows = [
        f"<tr><td>{text(name)}</td><td class='n'>{row['images']}</td>"
        + "".join(f'<td class="n">{_four(row.get(c))}</td>' for c in evaluation.columns)
        + "</tr>"
        for name, row in parts.items()
    ]
    head = f'<tr><th>source</th><th class="n">images</th>{heads}</tr>'
    return f"<h2>By source</h2>{_wide_table(head, rows)}"


def _four(value: float | None) -> str:
    """Four digits, or nothing."""
    return "" if value is None else f"{value:.4g}"


def _plots(evaluation: Evaluation) -> list[str]:
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
    parts = [f"<h2>Each image</h2>{_wide_plot(plot(series, x, spanning(column, values)))}"]
    return parts + _quality(evaluation, column)


def _quality(evaluation: Evaluation, column: str) -> list[str]:
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
    return [f"<h2>Quality against seconds</h2>{_wide_plot(plot(series, x, y))}<p><small>{note}</small></p>"]


def _cases(heading: str, shown: Sequence[Shown], evaluation: Evaluation) -> str:
    if not shown:
        return ""
    parts = [f"<h2>{heading} by {next(iter(evaluation.columns))}</h2>"]
    for item in shown:
        scores = ", ".join(f"{name} {value:.4g}" for name, value in item.result.scores.items())
        parts.append(f'<h3>{text(item.result.name)}</h3><small>{text(scores)}</small><div class="case">')
        pictures = item.pictures
        if pictures.low is not None:
            parts.append(_figure(data_uri(pictures.low), "before"))
        parts.append(_figure(data_uri(pictures.output), "after"))
        if pictures.high is not None:
            parts.append(_figure(data_uri(pictures.high), "ground truth"))
            parts.append(_figure(error_map(pictures.output, pictures.high), f"error, 0 to {FULL_ERROR}"))
        parts.append("</div>")
    return "".join(parts)


def _figure(uri: str, caption: str) -> str:
    return f'<figure><img src="{uri}" alt="{caption}"><figcaption>{caption}</figcaption></figure>'


def _failures(summary: Mapping[str, Any]) -> str:
    rows = [
        f"<li>{text(method['name'])}, {text(failure['name'])}: {text(failure['error'])}</li>"
        for method in summary["methods"]
        for failure in method["failed"]
    ]
    return f"<h2>Not judged</h2><ul>{''.join(rows)}</ul>" if rows else ""


def _images(evaluation: Evaluation) -> str:
    columns = evaluation.columns
    heads = "".join(f'<th class="n">{text(c)}</th>' for c in columns)
    rows = [
        f'<tr><td>{text(r.name)}</td><td class="n">{r.width}x{r.height}</td>'
        + "".join(f'<td class="n">{r.scores[c]:.4f}</td>' if c in r.scores else "<td></td>" for c in columns)
        + "</tr>"
        for r in evaluation.worst_first
    ]
    head = f'<tr><th>image</th><th class="n">size</th>{heads}</tr>'
    name = f"{text(evaluation.outcomes[0].method.name)}, worst first"
    return f"<h2>Every image</h2><details><summary>{name}</summary>{_wide_table(head, rows)}</details>"


def _colophon(summary: Mapping[str, Any]) -> str:
    facts = {**summary["environment"]}
    method = summary["methods"][0]
    facts |= {key: method[key] for key in ("weights_sha256", "size", "steps", "seed", "strength") if key in method}
    listed = ", ".join(f"{text(key)} {text(value)}" for key, value in facts.items())
    citation = summary["set"]["citation"]
    return f"<h2>Made with</h2><p><small>{listed}</small></p>" + (f"<p>{text(citation)}</p>" if citation else "")
