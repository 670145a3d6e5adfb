"""`restorect evaluate` as a user meets it: files written, exit codes, and one line for each mistake."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from restorect.cli.main import app
from restorect.errors import RestorectError

runner = CliRunner()


def photo(path: Path, seed: int, share: float = 1.0, side: int = 40) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    coarse = np.random.default_rng(seed).uniform(0.2, 1.0, (4, 5, 3)).astype(np.float32)
    smooth = cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC).clip(0, 1) * share
    assert cv2.imwrite(str(path), np.round(255 * smooth).astype(np.uint8))


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    for seed in range(3):
        photo(tmp_path / "night" / "high" / f"n{seed}.png", seed)
        photo(tmp_path / "night" / "low" / f"n{seed}.png", seed, 0.2)
    return tmp_path / "night"


def restorect(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "restorect.cli", "evaluate", *map(str, arguments)]
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=900, check=False)


def summary(out: Path) -> dict:
    return json.loads((out / "summary.json").read_text(encoding="utf-8"))


def test_shipped_weights_and_baselines_on_a_folder_of_pairs(pairs: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    line = ["evaluate", "--pairs", str(pairs), "--size", "nano", "--baselines", "-o", str(out)]
    line += ["--protocol", "rgb-full+gtmean"]
    result = runner.invoke(app, line)
    assert result.exit_code == 0, result.output
    assert "rgb-full+gtmean/1" in result.output
    methods = {method["name"]: method for method in summary(out)["methods"]}
    assert next(iter(methods)) == "restorect nano"
    assert len(methods["restorect nano"]["weights_sha256"]) == 64
    classical = {
        "gamma",
        "clahe",
        "histogram-equalisation",
        "multi-scale-retinex",
        "grey-world",
        "white-balance",
        "gain-nlm",
    }
    assert classical | {"input"} < set(methods)
    assert set(methods["input"]["scores"]) == {"psnr", "ssim", "psnr_gtmean", "ssim_gtmean"}
    rows = list(csv.DictReader((out / "images.csv").open(encoding="utf-8")))
    assert len(rows) == 3 * 9
    assert "<svg" in (out / "report.html").read_text(encoding="utf-8")
    before = (out / "images.csv").read_bytes()
    assert runner.invoke(app, line).exit_code == 0
    assert (out / "images.csv").read_bytes() == before  # seconds too: nothing was done again


def test_no_figure_is_cut_off_in_a_narrow_terminal(pairs: Path, tmp_path: Path) -> None:
    line = ["evaluate", "--pairs", str(pairs), "--outputs", str(pairs / "low"), "-o", str(tmp_path / "out")]
    line += ["--protocol", "rgb-full+gtmean", "--metrics", "psnr,psnr-y,ssim,delta-e,uciqe,uiqm,lpips-alex,fid"]
    result = runner.invoke(app, [*line, "--name", "a method of a long name"])
    assert result.exit_code == 0, result.output
    assert "…" not in result.output
    shown = summary(tmp_path / "out")
    for score in shown["methods"][0]["scores"].values():
        assert any(f"({score['low']:.{d}f} to {score['high']:.{d}f})" in result.output for d in (2, 4))
    for name in (*shown["columns"], "lpips-alex", "fid", "seconds"):
        assert name in result.output
    table = [text for text in result.output.splitlines() if text[:1] in "┏┡│└"]
    assert max(map(len, table)) <= 80
    assert result.output.count("3 images") == 1
    assert result.output.count("rgb-full+gtmean/1") == 1


def test_outputs_of_any_method_are_judged_by_the_same_ruler(pairs: Path, tmp_path: Path) -> None:
    for seed in range(3):
        photo(tmp_path / "theirs" / f"n{seed}.png", seed, 0.9)
    for extra in (["--pairs", str(pairs)], ["--reference", str(pairs / "high")]):
        out = tmp_path / extra[0]
        result = runner.invoke(app, ["evaluate", *extra, "--outputs", str(tmp_path / "theirs"), "-o", str(out)])
        assert result.exit_code == 0, result.output
        (method,) = summary(out)["methods"]
        assert method["name"] == "theirs"
        assert method["seconds"] is None
    scores = [summary(tmp_path / name)["methods"][0]["scores"] for name in ("--pairs", "--reference")]
    assert scores[0] == scores[1]


def test_a_benchmark_brings_its_figures_and_a_partial_copy_its_stamp(pairs: Path, tmp_path: Path) -> None:
    copy = tmp_path / "LOLdataset" / "eval15"
    for seed, name in enumerate(("1", "22")):
        photo(copy / "high" / f"{name}.png", seed)
        photo(copy / "low" / f"{name}.png", seed, 0.2)
    line = ["--benchmark", "lol-v1", "--data", str(tmp_path), "--size", "nano", "-o", str(tmp_path / "out")]
    refused = runner.invoke(app, ["evaluate", *line])
    assert isinstance(refused.exception, RestorectError)
    assert "13 of 15 missing (23, 55, 79, 111, 146, 179, 493, 547 and 5 more)" in str(refused.exception)
    result = runner.invoke(app, ["evaluate", *line, "--partial"])
    assert result.exit_code == 0, result.output
    assert "PARTIAL: 13 of 15 missing" in result.output
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "PARTIAL: 13 of 15 missing" in page
    assert "Retinexformer, published" in page


def test_photos_that_cannot_be_judged_give_exit_code_1(pairs: Path, tmp_path: Path) -> None:
    path = pairs / "low" / "n1.png"
    path.write_bytes(path.read_bytes()[:-60])
    outputs = pairs / "low"
    result = runner.invoke(
        app, ["evaluate", "--reference", str(pairs / "high"), "--outputs", str(outputs), "-o", str(tmp_path / "out")]
    )
    assert result.exit_code == 1
    assert "failed: low, n1: " in result.output
    assert summary(tmp_path / "out")["methods"][0]["images"] == 2


def test_the_eye_judges_any_outputs_with_and_without_ground_truth(pairs: Path, tmp_path: Path) -> None:
    line = [
        "--outputs",
        str(pairs / "high"),
        "--name",
        "reference",
        "--metrics",
        "psnr,eye",
        "-o",
        str(tmp_path / "out"),
    ]
    result = runner.invoke(app, ["evaluate", "--pairs", str(pairs), "--baselines", *line])
    assert result.exit_code == 0, result.output
    found = summary(tmp_path / "out")
    assert list(found["columns"]) == ["psnr", "burnt", "grey", "dark-noise", "lift", "lights", "shadows", "halo"]
    assert found["columns"]["lift"] == "near"
    methods = {method["name"]: method["scores"] for method in found["methods"]}
    assert methods["reference"]["lift"]["mean"] == pytest.approx(5, rel=0.02)  # the dark photos are a fifth
    assert methods["input"]["lift"]["mean"] == 1
    assert not {"grey", "lights", "halo"} & set(methods["reference"])  # neither black nor bright places there
    line[line.index("psnr,eye")] = "eye"
    again = runner.invoke(app, ["evaluate", "--photos", str(pairs / "low"), *line])
    assert again.exit_code == 0, again.output
    alone = summary(tmp_path / "out")["methods"][0]["scores"]
    assert alone["lift"] == methods["reference"]["lift"]
    line[1] = str(pairs / "low")
    refused = runner.invoke(app, ["evaluate", "--reference", str(pairs / "high"), *line])
    assert "burnt compares with the degraded photo, and there is none" in str(refused.exception)


def test_mixed_depth_is_refused_or_stamped(pairs: Path, tmp_path: Path) -> None:
    deep = cv2.imread(str(pairs / "high" / "n0.png")).astype(np.uint16) * 257
    assert cv2.imwrite(str(pairs / "high" / "n0.png"), deep)
    line = ["evaluate", "--pairs", str(pairs), "--outputs", str(pairs / "low"), "-o", str(tmp_path / "out")]
    assert "--mixed-depth" in str(runner.invoke(app, line).exception)
    result = runner.invoke(app, [*line, "--mixed-depth"])
    assert result.exit_code == 0, result.output
    assert summary(tmp_path / "out")["set"]["stamps"] == ["MIXED DEPTH: 1 of 3 images compare different bit depths"]


def test_lists() -> None:
    benchmarks = runner.invoke(app, ["evaluate", "--benchmark", "list"])
    assert benchmarks.exit_code == 0
    assert "lol-v2-real" in benchmarks.output
    metrics = runner.invoke(app, ["evaluate", "--metrics", "list"])
    assert metrics.exit_code == 0
    assert "psnr" in metrics.output


def test_the_readme_s_table_is_written_on_request(pairs: Path, tmp_path: Path) -> None:
    results = tmp_path / "results"
    results.mkdir()
    line = ["evaluate", "--pairs", str(pairs), "--outputs", str(pairs / "low"), "-o", str(tmp_path / "out")]
    assert runner.invoke(app, line).exit_code == 0
    (results / "night.json").write_bytes((tmp_path / "out" / "summary.json").read_bytes())
    readme = tmp_path / "README.md"
    readme.write_text("<!-- results -->\n<!-- /results -->\n", encoding="utf-8")
    again = ["evaluate", "--readme", str(readme), "--results", str(results)]
    assert "written" in runner.invoke(app, again).output
    assert "**night**, 3 pairs" in readme.read_text(encoding="utf-8")
    assert "already up to date" in runner.invoke(app, again).output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give one set: --pairs"),
        (("--pairs", "PAIRS", "--photos", "PAIRS/low"), "give one set"),
        (("--benchmark", "lol-v1"), "--benchmark lol-v1: give --data"),
        (("--benchmark", "lol-v9", "--data", "PAIRS"), "benchmark 'lol-v9' is unknown"),
        (("--reference", "PAIRS/high"), "--reference: ground truths alone need --outputs"),
        (("--pairs", "PAIRS", "--size", "huge", "-o", "OUT"), "no weights for low-light huge"),
        (("--pairs", "PAIRS", "--size", "nano"), "-o: give a folder"),
        (("--pairs", "PAIRS", "--protocol", "mine", "-o", "OUT", "--outputs", "PAIRS/low"), "protocol 'mine' is unkn"),
        (("--pairs", "PAIRS", "--metrics", "mine", "-o", "OUT", "--outputs", "PAIRS/low"), "metric 'mine' is unknown"),
        (("--photos", "PAIRS/low", "--metrics", "psnr", "-o", "OUT", "--size", "nano"), "this set has none"),
        (("--reference", "PAIRS/high", "--outputs", "PAIRS/low", "--baselines", "-o", "OUT"), "--baselines: need"),
        (("--pairs", "PAIRS/low", "-o", "OUT"), "low/low: no such folder"),
    ],
)
def test_a_mistake_is_one_line(arguments: tuple[str, ...], message: str, pairs: Path, tmp_path: Path) -> None:
    places = {"PAIRS": str(pairs), "OUT": str(tmp_path / "out")}
    line = [places.get(a, a.replace("PAIRS/", f"{pairs}/")) for a in arguments]
    error = runner.invoke(app, ["evaluate", *line]).exception
    assert isinstance(error, RestorectError)
    assert message in str(error)
    assert "\n" not in str(error)


def test_a_mistake_exits_2(pairs: Path) -> None:
    result = restorect("--pairs", pairs, "--photos", pairs / "low")
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1


def test_processes_give_the_same_table(pairs: Path, tmp_path: Path) -> None:
    tables = []
    for number, who in enumerate((["--workers", "2"], ["--executor", "processes", "--workers", "2", "--threads", "1"])):
        out = tmp_path / str(number)
        line = ["--pairs", str(pairs), "--outputs", str(pairs / "low"), "--baselines", *who, "-o", str(out)]
        result = runner.invoke(app, ["evaluate", *line])
        assert result.exit_code == 0, result.output
        rows = csv.DictReader((out / "images.csv").open(encoding="utf-8"))
        tables.append([row | {"seconds": ""} for row in rows])
        assert summary(out)["environment"]["workers"] == 2
    assert tables[0] == tables[1]


@pytest.mark.parametrize(
    ("who", "words"),
    [
        (["--executor", "threads"], "--executor threads: choose local, processes or ray"),
        (["--address", "head:6379"], "--address: is that of a Ray cluster; give --executor ray"),
        (["--executor", "ray", "--address", "127.0.0.1:1"], "--address 127.0.0.1:1: nobody listens there ("),
    ],
)
def test_workers_that_cannot_be_are_one_line(pairs: Path, tmp_path: Path, who: list[str], words: str) -> None:
    line = ["--pairs", str(pairs), "--outputs", str(pairs / "low"), "-o", str(tmp_path / "out"), *who]
    error = runner.invoke(app, ["evaluate", *line]).exception
    assert isinstance(error, RestorectError)
    assert words in str(error)
    assert "\n" not in str(error)
    assert not (tmp_path / "out").exists()
