"""The table of results in the README, made from the summaries kept with the project, so that it cannot drift."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from restorect.errors import DataError, shown
from restorect.evaluate.summary import KIND, read_summary, write
from restorect.files import open_regular

BEGIN, END = "<!-- results -->", "<!-- /results -->"
_NAMES = {"psnr": "PSNR", "ssim": "SSIM", "lpips": "LPIPS", "niqe": "NIQE"}


def update(readme: Path, results: Path) -> bool:
    """Write the table of all summaries of a folder between the markers of a README.

    Args:
        readme: the file to change.
        results: folder with summaries of `restorect evaluate`, one JSON file a set.

    Returns:
        Whether anything changed.

    Raises:
        DataError: the README or a summary cannot be read, or the markers are missing.
    """
    try:
        with open_regular(readme) as file:
            text = file.read().decode("utf-8")
    except (OSError, ValueError) as error:
        raise DataError(f"{readme}: cannot be read ({type(error).__name__}); give a Markdown file") from error
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise DataError(f"{readme}: add the lines {BEGIN} and {END} where the table belongs")
    changed = f"{before}{BEGIN}\n{render(results)}{END}{after}"
    if changed != text:
        write(readme, changed)
    return changed != text


def summaries(results: Path) -> list[Path]:
    """The summaries in a folder, by name; files of other kinds are left alone."""
    marker = f'"kind": "{KIND}"'.encode()
    return [path for path in sorted(results.glob("*.json")) if path.is_file() and marker in path.read_bytes()]


def render(results: Path) -> str:
    """The Markdown between the markers: one table for each set and protocol, the methods of all its summaries in it.

    Raises:
        DataError: a summary cannot be read.
    """
    sets: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for summary in map(read_summary, summaries(results)):
        test_set, protocol = summary["set"], summary["protocol"]
        key = test_set["title"], test_set["images"], protocol["name"], protocol["version"], tuple(summary["columns"])
        sets.setdefault(key, []).append(summary)
    return "\n".join(map(_section, sets.values()))


def _section(group: Sequence[Mapping[str, Any]]) -> str:
    first = group[0]
    test_set, protocol, columns = first["set"], first["protocol"], list(first["columns"])
    kind = "pairs" if test_set["paired"] else "photos"
    lines = [
        f"**{shown(test_set['title'])}**, {test_set['images']} {kind}, "
        f"protocol `{protocol['name']}/{protocol['version']}`"
    ]
    lines += [f"({stamp})" for stamp in dict.fromkeys(stamp for summary in group for stamp in summary["set"]["stamps"])]
    heads = [_NAMES.get(column, column) for column in columns]
    lines += ["", f"| method | {' | '.join(heads)} | seconds |", "|---" * (len(columns) + 2) + "|"]
    methods = {method["name"]: method for summary in group for method in summary["methods"]}
    lines += [_row(method, columns) for method in _shown(list(methods.values()), first["columns"], test_set["paired"])]
    lines += [_published(figure, columns) for figure in test_set["published"]]
    return "\n".join(lines) + "\n"


def _shown(methods: list[Mapping[str, Any]], columns: Mapping[str, str], paired: bool) -> list[Mapping[str, Any]]:
    """All networks, then the degraded photo itself and the best baseline by the first column; reports show the rest.

    Without ground truth all baselines: no column alone says which is best.
    """
    if not paired:
        return methods
    column, better = next(iter(columns.items()))
    classical = [method for method in methods if method["kind"] == "baseline"]
    judged = [method for method in classical if method["name"] != "input" and column in method["scores"]]
    judged.sort(key=lambda method: method["scores"][column]["mean"], reverse=better == "higher")
    untouched = [method for method in classical if method["name"] == "input"]
    return [method for method in methods if method["kind"] != "baseline"] + untouched + judged[:1]


def _row(method: Mapping[str, Any], columns: list[str]) -> str:
    cells = [_estimate(method, column) for column in columns]
    seconds = "" if method["seconds"] is None else f"{method['seconds']:.2f}"
    failed = f" ({len(method['failed'])} images failed)" if method["failed"] else ""
    return f"| {shown(method['name'])}{failed} | {' | '.join(cells)} | {seconds} |"


def _published(figure: Mapping[str, Any], columns: list[str]) -> str:
    cells = [f"{figure[column]:.{_digits(figure[column])}f}" if column in figure else "" for column in columns]
    note = figure["protocol"] if figure["comparable"] else f"{figure['protocol']}; not comparable"
    return f"| *{figure['method']}, published ({note})* | {' | '.join(cells)} | |"


def _estimate(method: Mapping[str, Any], column: str) -> str:
    score = method["scores"].get(column)
    if score is None:
        return ""
    digits = _digits(score["mean"])
    some = f"; {score['count']} images" if score["count"] < method["images"] else ""
    return f"{score['mean']:.{digits}f} ({score['low']:.{digits}f} to {score['high']:.{digits}f}{some})"


def _digits(value: float) -> int:
    return 2 if abs(value) >= 2 else 3
