"""`restorect bench --plot`: what was measured, drawn to scale."""

import itertools
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from restorect.bench import networks as bench
from restorect.bench.costs import Figures
from restorect.bench.networks import Workload
from restorect.cli.bench_plot import drawing
from restorect.cli.main import app

SVG = "{http://www.w3.org/2000/svg}"


def costs(megapixels: float, rate: float, peak: float | None) -> Figures:
    return Figures(cpu_seconds=rate * megapixels, wall_seconds=1.0, peak_mib=peak, loaded_mib=1.0, gflops=1.0)


def lines(plot: ElementTree.Element) -> list[list[tuple[float, float]]]:
    """The points of each line."""
    paths = [line.attrib["points"].split() for line in plot.iter(f"{SVG}polyline")]
    return [[(float(x), float(y)) for x, y in (point.split(",") for point in path)] for path in paths]


def test_cost_that_is_linear_is_drawn_as_a_straight_line() -> None:
    sides = [3000, 1000, 2000]
    cases = [Workload(height=side, width=side, size=size) for size in ("tiny", "nano") for side in sides]
    rates = {"tiny": 2.0, "nano": 1.0}
    figures = [costs(c.height**2 / 1e6, rates[c.name], 300 + c.height) for c in cases]
    upper, lower = ElementTree.fromstring(drawing(cases, figures)).findall(f"{SVG}g")
    assert (upper.attrib["transform"], lower.attrib["transform"]) == ("translate(0 0)", "translate(0 320)")
    for line, rate in zip(lines(upper), (1.0, 2.0), strict=True):  # the first network is drawn last, on top
        slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in itertools.pairwise(line)]
        assert [point[0] for point in line] == sorted(point[0] for point in line)
        assert slopes[0] == pytest.approx(slopes[1], rel=0.01), rate
    first, second = ((line[-1][1] - line[0][1]) for line in lines(upper))
    assert second / first == pytest.approx(2, rel=0.01)
    titles = [title.text for title in lower.iter(f"{SVG}title")]
    assert "tiny at 2000x2000: 2300 MiB" in titles
    assert "nano at 3000x3000: 9 s, 1 a megapixel" in [title.text for title in upper.iter(f"{SVG}title")]


def test_where_the_system_tells_no_peak_there_is_one_plot() -> None:
    svg = ElementTree.fromstring(drawing([Workload(height=9, width=9, size="tiny")], [costs(81e-6, 1, None)]))
    assert len(svg.findall(f"{SVG}g")) == 1


def test_the_command_writes_it_and_keeps_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "measure_apart", lambda case: costs(1.0, 1.0, 100.0))
    file, line = tmp_path / "costs.svg", ["bench", "--preset", "nano", "--plot"]
    assert CliRunner().invoke(app, [*line, str(file)]).exit_code == 0
    assert ElementTree.fromstring(file.read_text(encoding="utf-8")).tag == f"{SVG}svg"
    file.write_text("mine", encoding="utf-8")
    assert CliRunner().invoke(app, [*line, str(file)]).exit_code != 0
    assert file.read_text(encoding="utf-8") == "mine"
    assert CliRunner().invoke(app, [*line, str(file), "--force"]).exit_code == 0
    assert file.read_text(encoding="utf-8") != "mine"
