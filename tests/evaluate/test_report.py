"""Summary, table and page of a whole evaluation; plots in closed form."""

import base64
import csv
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
from evaluate_makers import picture, save, write_set

from restorect.cli.evaluate_display import tables
from restorect.errors import ConfigError, DataError
from restorect.evaluate.cases import Case, paired, unpaired
from restorect.evaluate.evaluation import EvaluationPlan, carry_out
from restorect.evaluate.judge import Ruler
from restorect.evaluate.methods import Method, baseline_method
from restorect.evaluate.protocols import find_protocol
from restorect.evaluate.report.pictures import FULL_ERROR, LONGEST, data_uri, error_map
from restorect.evaluate.report.plots import Axis, Point, plot, spanning
from restorect.evaluate.scores import Measure, load_measure
from restorect.evaluate.summary import TestSet, digits_of, read_summary
from restorect.metrics.registry import METRICS

PAIRED = (load_measure(METRICS["psnr"]), load_measure(METRICS["ssim"]))
NAMES = ["p-1", "p-2", "p-3", "p-4", "q-1", "q-2", "q-3", "q-<b>"]


def carried_out(cases: list[Case], out: Path, **changes: object) -> dict:
    protocol = find_protocol(str(changes.pop("protocol", "rgb-full")))
    measures = changes.pop("measures", PAIRED)
    has_truth = cases[0].high is not None
    values: dict = {
        "test_set": TestSet(name="made-up", title="Made <up>", images=len(cases), paired=has_truth),
        "cases": cases,
        "methods": [baseline_method("gamma"), baseline_method("input")],
        "ruler": Ruler(protocol=protocol, measures=measures),  # type: ignore[arg-type]
        "out": out,
    } | changes
    return carry_out(EvaluationPlan(**values))


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> list[Case]:
    root = write_set(tmp_path_factory.mktemp("set"), NAMES)
    return paired(root / "low", root / "high")


class Addresses(HTMLParser):
    """Everything in a page that a browser might fetch, and whether tags are balanced."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags: list[str] = []
        self.unbalanced = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in ("src", "href", "action", "data", "srcset")]
        if tag in ("table", "tr", "td", "th", "figure", "h2", "p", "svg", "g", "details", "ul", "li", "body"):
            self.tags.append(tag)
        assert tag not in ("script", "iframe", "object", "embed", "link", "base")

    def handle_endtag(self, tag: str) -> None:
        if self.tags and self.tags[-1] == tag:
            self.tags.pop()


def parsed(path: Path) -> tuple[str, Addresses]:
    text = path.read_text(encoding="utf-8")
    addresses = Addresses()
    addresses.feed(text)
    return text, addresses


def test_the_files_agree_with_each_other(cases: list[Case], tmp_path: Path) -> None:
    summary = carried_out(cases, tmp_path / "out")
    assert json.loads((tmp_path / "out/summary.json").read_text()) == json.loads(json.dumps(summary))
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out/images.csv").read_text())))
    assert len(rows) == 16
    assert {row["protocol"] for row in rows} == {"rgb-full/1"}
    mine = [float(row["psnr"]) for row in rows if row["method"] == "gamma"]
    score = summary["methods"][0]["scores"]["psnr"]
    assert score["mean"] == pytest.approx(np.mean(mine), abs=1e-3)
    assert score["low"] < score["mean"] < score["high"]
    assert score["count"] == 8
    assert summary["methods"][0]["scores"]["psnr"]["mean"] > summary["methods"][1]["scores"]["psnr"]["mean"]


def test_the_summary_says_how_and_with_what_and_names_no_path(cases: list[Case], tmp_path: Path) -> None:
    summary = carried_out(cases, tmp_path / "out")
    assert summary["protocol"]["name"] == "rgb-full"
    assert summary["protocol"]["version"] == 1
    assert {"torch", "numpy", "python", "restorect", "workers", "threads"} <= set(summary["environment"])
    assert summary["confidence"]["level"] == 0.95
    assert str(tmp_path) not in (tmp_path / "out/summary.json").read_text()
    assert read_summary(tmp_path / "out/summary.json")["set"]["name"] == "made-up"


def test_sources_are_reported_apart(tmp_path: Path) -> None:
    root = write_set(tmp_path, [f"{source}-{n}" for source in "ab" for n in range(4)])
    summary = carried_out(paired(root / "low", root / "high"), tmp_path / "out")
    parts = summary["methods"][0]["parts"]
    few = carried_out(paired(root / "low", root / "high")[:7], tmp_path / "few")
    assert few["methods"][0]["parts"] == {}  # too few photos to be divided
    assert [(name, part["images"]) for name, part in parts.items()] == [("a", 4), ("b", 4)]
    whole = summary["methods"][0]["scores"]["psnr"]["mean"]
    assert (parts["a"]["psnr"] + parts["b"]["psnr"]) / 2 == pytest.approx(whole, abs=1e-4)


def test_what_is_undefined_enters_no_mean_and_is_counted(tmp_path: Path) -> None:
    levels = {"s-black": 0, "s-grey": 90, "s-night": 2, "t-day": 200, "t-dusk": 60, "t-noon": 220, "t-b": 99, "t-c": 98}
    for name, level in levels.items():
        save(tmp_path / f"set/{name}.png", np.full((40, 40, 3), level, np.uint8))
    measures = tuple(load_measure(METRICS[name]) for name in ("grey", "halo", "burnt"))
    plus_ten = Method(name="plus ten", identity="ten", restore=lambda picture: picture + np.float32(10 / 255))
    options = {"measures": measures, "methods": [plus_ten, baseline_method("input")]}
    summary = carried_out(unpaired(tmp_path / "set"), tmp_path / "out", **options)
    ours = summary["methods"][0]
    assert (ours["images"], ours["failed"], "halo" in ours["scores"]) == (8, [], False)
    assert ours["scores"]["grey"]["mean"] == pytest.approx(11, abs=1e-3)
    assert ours["scores"]["grey"]["count"] == 2
    assert ours["scores"]["burnt"]["count"] == 8
    assert set(ours["parts"]["s"]) == {"images", "grey", "burnt"}
    assert set(ours["parts"]["t"]) == {"images", "burnt"}
    text, _ = parsed(tmp_path / "out/report.html")
    assert "of 2 images" in text
    assert "nan" not in text
    rows = csv.DictReader(io.StringIO((tmp_path / "out/images.csv").read_text()))
    assert [row["name"] for row in rows if row["method"] == "plus ten" and row["grey"]] == ["s-black", "s-night"]
    assert "of 2 images" in tables(summary, 120)[0].columns[1]._cells[0]
    assert carried_out(unpaired(tmp_path / "set"), tmp_path / "out", **options) == summary  # from the journal


def test_a_column_that_nothing_could_be_judged_by_is_empty(tmp_path: Path) -> None:
    save(tmp_path / "set/a.png", np.full((40, 40, 3), 90, np.uint8))
    measures = (load_measure(METRICS["grey"]), load_measure(METRICS["burnt"]))
    summary = carried_out(unpaired(tmp_path / "set"), tmp_path / "out", measures=measures)
    assert list(summary["methods"][0]["scores"]) == ["burnt"]
    assert "Not judged" not in parsed(tmp_path / "out/report.html")[0]


def test_the_page_needs_nothing_else(cases: list[Case], tmp_path: Path) -> None:
    carried_out(cases, tmp_path / "out")
    text, addresses = parsed(tmp_path / "out/report.html")
    assert len(addresses.found) == 2 * 4 * 4  # worst and best, four each, with four pictures
    assert all(address.startswith("data:image/jpeg;base64,") for address in addresses.found)
    assert not addresses.tags
    assert "url(" not in text
    assert "default-src 'none'" in text
    for part in ("rgb-full/1", "Worst by psnr", "Best by psnr", "ground truth", "error, 0 to 0.5", "Quality against"):
        assert part in text
    for svg in re.findall(r"<svg.*?</svg>", text):
        ElementTree.fromstring(svg)


def test_names_cannot_break_the_page(cases: list[Case], tmp_path: Path) -> None:
    carried_out(cases, tmp_path / "out")
    text, _ = parsed(tmp_path / "out/report.html")
    assert "q-&lt;b&gt;" in text
    assert "q-<b>" not in text
    assert "Made &lt;up&gt;" in text


def test_the_worst_come_first(cases: list[Case], tmp_path: Path) -> None:
    carried_out(cases, tmp_path / "out")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out/images.csv").read_text())))
    scores = {row["name"].replace("<b>", "&lt;b&gt;"): float(row["psnr"]) for row in rows if row["method"] == "gamma"}
    text, _ = parsed(tmp_path / "out/report.html")
    shown = re.findall(r"<h3>(.*?)</h3>", text)
    ranked = sorted(scores, key=lambda name: scores[name])
    assert shown == [*ranked[:4], *ranked[::-1][:4]]


def test_published_figures_and_stamps_stand_beside_ours(cases: list[Case], tmp_path: Path) -> None:
    published = (
        {"method": "Other", "protocol": "RGB", "comparable": True, "source": "A. Paper", "psnr": 25.1, "lpips": 0.1},
        {"method": "Shifted", "protocol": "Y", "comparable": False, "source": "B. Paper", "psnr": 27.8},
    )
    test_set = TestSet(
        name="s", title="S", images=8, paired=True, stamps=("PARTIAL: 8 of 15",), published=published, citation="Cite"
    )
    carried_out(cases, tmp_path / "out", test_set=test_set, unavailable={"fid": "needs weights X"})
    text, _ = parsed(tmp_path / "out/report.html")
    for part in ("PARTIAL: 8 of 15", "25.1", "A. Paper", "lpips", "No fid: needs weights X", "Cite"):
        assert part in text
    assert re.search(r"Shifted, published(?:(?!</tr>).)*not comparable", text, re.DOTALL)
    assert not re.search(r"Other, published(?:(?!</tr>).)*not comparable", text, re.DOTALL)


def test_a_protocol_that_is_not_comparable_is_stamped(cases: list[Case], tmp_path: Path) -> None:
    carried_out(cases, tmp_path / "out", protocol="y-256-authors")
    assert "NOT COMPARABLE" in parsed(tmp_path / "out/report.html")[0]


def test_photos_without_ground_truth_get_a_report_too(tmp_path: Path) -> None:
    root = write_set(tmp_path, ["a", "b", "c"], high=None)
    brightness = Measure(name="mean", reference="none", better="lower", score=lambda output, _: float(output.mean()))
    summary = carried_out(unpaired(root / "low"), tmp_path / "out", measures=(brightness,))
    assert list(summary["methods"][0]["scores"]) == ["mean"]
    text, addresses = parsed(tmp_path / "out/report.html")
    assert len(addresses.found) == 2 * 1 * 2
    assert "ground truth</figcaption>" not in text
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out/images.csv").read_text())))
    brightest = max((row for row in rows if row["method"] == "gamma"), key=lambda row: float(row["mean"]))
    assert re.findall(r"<h3>(.*?)</h3>", text)[0] == brightest["name"]  # where lower is better


def test_what_failed_is_counted_and_named(tmp_path: Path) -> None:
    root = write_set(tmp_path, ["a", "b", "c"])
    (root / "low" / "b.png").write_bytes((root / "low" / "b.png").read_bytes()[:-40])
    summary = carried_out(paired(root / "low", root / "high"), tmp_path / "out")
    assert [f["name"] for f in summary["methods"][0]["failed"]] == ["b"]
    assert summary["methods"][0]["images"] == 2
    text, _ = parsed(tmp_path / "out/report.html")
    assert "INCOMPLETE: 1 of 3 images failed with gamma" in text
    assert "Not judged" in text


@pytest.mark.parametrize("count", [1, 2])
def test_few_photos_and_none_that_can_be_judged(count: int, tmp_path: Path) -> None:
    root = write_set(tmp_path, ["a", "b"][:count])
    found = paired(root / "low", root / "high")
    carried_out(found, tmp_path / "out")
    assert "<h2>Worst" in parsed(tmp_path / "out/report.html")[0]

    def fails(image: np.ndarray) -> np.ndarray:
        raise DataError("no")

    summary = carried_out(found, tmp_path / "bad", methods=[Method(name="bad", identity="", restore=fails)])
    assert summary["methods"][0]["scores"] == {}
    assert "<h2>Worst" not in parsed(tmp_path / "bad/report.html")[0]


def test_two_methods_of_one_name(cases: list[Case], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="two methods are called gamma; use --name"):
        carried_out(cases, tmp_path, methods=[baseline_method("gamma")] * 2)


def test_an_outcome_that_cannot_be_written(cases: list[Case], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"cannot be made .*; give another --out"):
        carried_out(cases, tmp_path / "file")


@pytest.mark.parametrize("text", ["", "[]", '{"kind": "evaluation"}', '{"kind": "ablation", "format_version": 1}'])
def test_what_is_no_summary(text: str, tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text(text)
    with pytest.raises(DataError, match=r"s.json: .*evaluate again"):
        read_summary(tmp_path / "s.json")


def decoded(uri: str) -> np.ndarray:
    data = np.frombuffer(base64.b64decode(uri.partition(",")[2]), np.uint8)
    return cv2.imdecode(data, cv2.IMREAD_COLOR)[:, :, ::-1]


def test_pictures_are_small_and_true() -> None:
    large = np.kron(picture(0), np.ones((20, 20, 1), np.uint8)).astype(np.float32) / 255
    small = decoded(data_uri(large))
    assert max(small.shape) == LONGEST
    assert np.abs(small.mean(axis=(0, 1)) / 255 - large.mean(axis=(0, 1))).max() < 0.02
    assert decoded(data_uri(large[:3, :2])).shape == (3, 2, 3)


def test_the_error_map_is_black_where_all_is_right() -> None:
    target = np.full((40, 40, 3), 0.25, np.float32)
    output = target.copy()
    output[:, 20:] += FULL_ERROR
    shown = decoded(error_map(output, target))
    assert shown[:, :12].max() < 30
    assert shown[:, 28:, :2].min() > 150


def test_ticks_are_round_and_within() -> None:
    assert Axis(label="", low=-0.4, high=20.6).ticks() == [0, 5, 10, 15, 20]
    assert Axis(label="", low=0.01, high=10, log=True).ticks() == pytest.approx([0.01, 0.1, 1, 10])
    assert Axis(label="", low=20.113, high=20.118).ticks() == pytest.approx(
        [20.113, 20.114, 20.115, 20.116, 20.117, 20.118]
    )


def test_places() -> None:
    assert Axis(label="", low=10, high=20).place(12.5) == 0.25
    assert Axis(label="", low=0.1, high=10, log=True).place(1) == pytest.approx(0.5)
    one = spanning("", [3.0])
    assert one.low < 3 < one.high
    decades = spanning("s", [0.02, 0.3], log=True)
    assert (decades.low, decades.high) == pytest.approx((0.01, 1))


def test_a_plot_shows_every_point_where_it_belongs() -> None:
    x, y = Axis(label="x & y", low=0, high=10), Axis(label="v", low=0, high=1)
    points = [Point(x=0, y=0, title="<a>"), Point(x=10, y=1, low=0.5, high=1)]
    svg = ElementTree.fromstring(plot({"m": points}, x, y, lines=True))
    circles = [(float(c.get("cx", "0")), float(c.get("cy", "0"))) for c in svg.iter("circle")][:2]
    (left, bottom), (right, top) = circles
    assert left < right
    assert top < bottom
    assert [title.text for title in svg.iter("title")] == ["<a>"]
    assert len(list(svg.iter("polyline"))) == 1


def test_a_method_has_one_colour_in_all_plots() -> None:
    x = y = Axis(label="v", low=0, high=1)
    point = [Point(x=0.5, y=0.5)]
    whole, part = (ElementTree.fromstring(plot({"a": first, "b": point}, x, y)) for first in (point, []))
    colours = [[c.get("fill") for c in svg.iter("circle")] for svg in (whole, part)]
    assert len(set(colours[0])) == 2
    assert colours[1] == [colours[0][-1]] * 2  # of b, in the plot and in the legend
    assert [text.text for text in part.iter("text")].count("a") == 0


def test_a_flat_image_set_can_be_plotted(tmp_path: Path) -> None:
    for name in ("a", "b"):
        for side in ("low", "high"):
            save(tmp_path / side / f"{name}.png", np.full((16, 16, 3), 128, np.uint8))
    carried_out(paired(tmp_path / "low", tmp_path / "high"), tmp_path / "out")


def test_a_column_has_the_same_digits_throughout() -> None:
    methods = [{"scores": {"psnr": {"mean": 9.5}, "ssim": {"mean": 0.5}}}, {"scores": {"psnr": {"mean": -22.0}}}]
    assert [digits_of({"methods": methods}, column) for column in ("psnr", "ssim", "lpips")] == [2, 4, 4]
