"""The README's table of results is the one of the summaries under docs/results, to the letter."""

import json
from pathlib import Path

import pytest
from evaluate_makers import write_set

from restorect.errors import DataError
from restorect.evaluate.cases import paired
from restorect.evaluate.evaluation import EvaluationPlan, carry_out
from restorect.evaluate.judge import Ruler
from restorect.evaluate.methods import baseline_method
from restorect.evaluate.protocols import find_protocol
from restorect.evaluate.readme import BEGIN, END, render, summaries, update
from restorect.evaluate.scores import load_measure
from restorect.evaluate.summary import TestSet
from restorect.metrics.registry import METRICS

ROOT = Path(__file__).parents[2]


def test_the_readme_agrees_with_the_results() -> None:
    text, results = (ROOT / "README.md").read_text(encoding="utf-8"), ROOT / "docs" / "results"
    if BEGIN not in text and not summaries(results):
        return  # nothing measured yet, and nothing claimed
    between = text.partition(BEGIN)[2].partition(END)[0]
    assert between == "\n" + render(results), "write it anew with: restorect evaluate --readme README.md"


def test_the_page_of_the_eye_agrees_with_its_results() -> None:
    page, results = ROOT / "docs" / "results" / "eye.md", ROOT / "docs" / "results" / "eye"
    between = page.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    assert summaries(results)
    assert between == "\n" + render(results), "write it anew with the command on the page"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A folder with the summary of a small evaluation, and a JSON of another kind."""
    root = write_set(tmp_path / "set", ["a", "b", "c"])
    published = (
        {"method": "Other", "protocol": "RGB", "comparable": True, "source": "A", "psnr": 25.16, "ssim": 0.845},
        {"method": "Shifted", "protocol": "Y", "comparable": False, "source": "B", "psnr": 27.85},
    )
    test_set = TestSet(name="s", title="Set", images=3, paired=True, stamps=("PARTIAL: 3",), published=published)
    plan = EvaluationPlan(
        test_set=test_set,
        cases=paired(root / "low", root / "high"),
        methods=[baseline_method("gamma")],
        ruler=Ruler(
            protocol=find_protocol("rgb-full"), measures=(load_measure(METRICS["psnr"]), load_measure(METRICS["ssim"]))
        ),
        out=tmp_path / "out",
    )
    carry_out(plan)
    folder = tmp_path / "results"
    folder.mkdir()
    (tmp_path / "out" / "summary.json").rename(folder / "set.json")
    (folder / "ablation.json").write_text('{"kind": "ablation"}')
    return folder


def test_the_table_holds_the_figures_of_the_summary(results: Path) -> None:
    score = json.loads((results / "set.json").read_text())["methods"][0]["scores"]["psnr"]
    text = render(results)
    assert f"{score['mean']:.2f} ({score['low']:.2f} to {score['high']:.2f})" in text
    for part in ("**Set**, 3 pairs, protocol `rgb-full/1`", "(PARTIAL: 3)", "| method | PSNR | SSIM | seconds |"):
        assert part in text
    assert "| *Other, published (RGB)* | 25.16 | 0.845 | |" in text
    assert "| *Shifted, published (Y; not comparable)* | 27.85 |  | |" in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len({row.count("|") for row in rows}) == 1


def test_summaries_of_one_set_share_a_table(results: Path) -> None:
    summary = json.loads((results / "set.json").read_text())
    (gamma,) = summary["methods"]

    def method(name: str, kind: str, psnr: float) -> dict[str, object]:
        return {**gamma, "name": name, "kind": kind, "scores": {"psnr": {**gamma["scores"]["psnr"], "mean": psnr}}}

    summary["methods"] = [
        method("ours", "restorect", 3.5), method("input", "baseline", 1.5), method("best", "baseline", 99.5)
    ]  # fmt: skip
    (results / "other.json").write_text(json.dumps(summary))
    rows = [line.split("|")[1].strip() for line in render(results).splitlines() if line.startswith("| ")]
    assert rows == [
        "method",
        "ours",
        "input",
        "best",
        "*Other, published (RGB)*",
        "*Shifted, published (Y; not comparable)*",
    ]


def test_only_what_stands_between_the_markers_is_written(results: Path, tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"# Title\n\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    assert update(readme, results)
    assert readme.read_text(encoding="utf-8") == f"# Title\n\n{BEGIN}\n{render(results)}{END}\nafter\n"
    assert not update(readme, results)


def test_without_results_the_table_is_empty(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(f"{BEGIN}old{END}")
    update(tmp_path / "README.md", tmp_path / "none")
    assert (tmp_path / "README.md").read_text() == f"{BEGIN}\n{END}"


@pytest.mark.parametrize("text", ["no markers", f"{BEGIN} but no end", f"{END} before"])
def test_missing_markers_are_told(text: str, results: Path, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(text)
    with pytest.raises(DataError, match="add the lines <!-- results --> and <!-- /results -->"):
        update(tmp_path / "README.md", results)
    assert (tmp_path / "README.md").read_text() == text


def test_a_missing_readme(results: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"README.md: cannot be read"):
        update(tmp_path / "README.md", results)


def test_without_ground_truth_all_baselines_are_shown(results: Path) -> None:
    summary = json.loads((results / "set.json").read_text())
    summary["set"]["paired"] = False
    (gamma,) = summary["methods"]
    fewer = {**gamma["scores"], "ssim": {**gamma["scores"]["ssim"], "count": 2}}
    summary["methods"] = [
        gamma,
        *({**gamma, "name": name, "scores": fewer} for name in ("clahe", "input", "grey-world")),
    ]
    (results / "set.json").write_text(json.dumps(summary))
    rows = [line.split("|") for line in render(results).splitlines() if line.startswith("| ")]
    assert [row[1].strip() for row in rows[1:5]] == ["gamma", "clahe", "input", "grey-world"]
    assert "; 2 images)" in rows[2][3]
    assert "images)" not in rows[1][3]
