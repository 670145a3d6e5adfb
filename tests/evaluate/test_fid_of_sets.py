"""FID from the command to the report, with random weights in the published layout of keys."""

import json
from pathlib import Path

import cv2
import pytest
import torch
from evaluate_makers import dark, picture, save, write_set
from safetensors.torch import save_file
from typer.testing import CliRunner

from restorect.cli.main import app
from restorect.errors import CheckpointError, ConfigError, DataError
from restorect.metrics.fid import FID, frechet_distance
from restorect.metrics.inception import InceptionV3
from restorect.metrics.pretrained import PRETRAINED

NAMES = ["a", "b", "c"]
FILE = PRETRAINED["inception-fid"].file
runner = CliRunner()


@pytest.fixture(scope="module")
def net() -> InceptionV3:
    """Random weights that neither blow features up nor make them vanish, in float16 as they are written."""
    generator = torch.Generator().manual_seed(0)
    net = InceptionV3()
    for name, parameter in net.named_parameters():
        if name.endswith("conv.weight"):
            torch.nn.init.kaiming_normal_(parameter, nonlinearity="relu", generator=generator)
    return net.half().float()


@pytest.fixture(scope="module")
def weights(net: InceptionV3, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A weights folder with the converted file, which has no published checksum; the published one cannot be had."""
    folder = tmp_path_factory.mktemp("weights")
    state = {key: value.half() for key, value in net.state_dict().items() if not key.endswith("num_batches_tracked")}
    save_file(state, (folder / FILE).with_suffix(".safetensors"))
    return folder


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """Pairs, and in theirs/ the results of another method."""
    root = write_set(tmp_path / "set", NAMES)
    for seed, name in enumerate(NAMES):
        save(tmp_path / "set" / "theirs" / f"{name}.png", dark(picture(seed), 0.8))
    return root


def run(*arguments: str | Path) -> tuple[dict, str, str]:
    """Summary, report and terminal text of an evaluation in which nothing failed."""
    out = Path(arguments[-1])
    result = runner.invoke(app, ["evaluate", *map(str, arguments)], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output + repr(result.exception)
    report = (out / "report.html").read_text(encoding="utf-8")
    return json.loads((out / "summary.json").read_text(encoding="utf-8")), report, result.output


def images(folder: Path) -> torch.Tensor:
    """All of a folder, (B, 3, H, W)."""
    read = [cv2.imread(str(path))[:, :, ::-1].copy() for path in sorted(folder.glob("*.png"))]
    return torch.stack([torch.from_numpy(x).permute(2, 0, 1).float() / 255 for x in read])


def test_the_restored_set_is_compared_with_the_ground_truths(
    net: InceptionV3, weights: Path, pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = ("--pairs", pairs, "--outputs", pairs / "theirs", "--metrics", "psnr,fid", "--weights-dir", weights)
    line = (*line, "-o", tmp_path / "out")
    summary, report, shown = run(*line)
    expected = frechet_distance(*(FID(net).features(images(pairs / name)) for name in ("theirs", "high")))
    (method,) = summary["methods"]
    assert method["set_scores"]["fid"] == {
        "value": pytest.approx(expected, rel=1e-4),
        "images": 3,
        "references": 3,
    }
    assert method["set_scores"]["fid"]["value"] > 0.01
    assert summary["set_columns"] == {"fid": "lower"}
    assert list(method["scores"]) == ["psnr"]
    assert "fid" not in (tmp_path / "out" / "images.csv").read_text()
    value = f"{method['set_scores']['fid']['value']:.2f}"
    assert f"{value}<br><small>3 images against 3</small>" in report
    assert value in shown
    (file,) = summary["metric_files"]["fid"]
    assert (file["name"], len(file["sha256"]), file["published"]) == ("inception-fid", 64, False)
    for stamp in ("weights inception-fid are not the published file", "fid of 3 images: biased upwards"):
        assert any(stamp in text for text in summary["set"]["stamps"])
        assert stamp in report
        assert stamp in shown

    def no_more(*_: object) -> None:
        raise AssertionError("features that are known are computed again")

    monkeypatch.setattr(InceptionV3, "forward", no_more)
    assert run(*line)[0]["methods"] == summary["methods"]


def test_the_ground_truths_themselves_have_no_distance(weights: Path, pairs: Path, tmp_path: Path) -> None:
    line = ("--reference", pairs / "high", "--outputs", pairs / "high", "--metrics", "psnr,fid")
    summary, _, _ = run(*line, "--weights-dir", weights, "-o", tmp_path / "out")
    assert summary["methods"][0]["set_scores"]["fid"]["value"] == pytest.approx(0, abs=1e-4)


def test_photos_without_ground_truth_are_compared_with_any_good_photos(
    weights: Path, pairs: Path, tmp_path: Path
) -> None:
    for seed in (7, 8):
        save(tmp_path / "good" / "of any size" / f"{seed}.png", picture(seed, 30, 20 + seed))
    line = ["--photos", pairs / "low", "--outputs", pairs / "theirs", "--metrics", "uciqe,fid"]
    line += ["--weights-dir", weights, "-o", tmp_path / "out"]
    with pytest.raises(ConfigError, match="this set has none; give --fid-against DIR"):
        refused(*line)
    line[:0] = ["--fid-against", tmp_path / "good"]
    summary, report, _ = run(*line)
    score = summary["methods"][0]["set_scores"]["fid"]
    assert (score["images"], score["references"]) == (3, 2)
    assert score["value"] > 0
    assert "3 images against 2" in report
    broken = tmp_path / "good" / "of any size" / "8.png"
    broken.write_bytes(broken.read_bytes()[:-40])
    with pytest.raises(DataError, match=r"--fid-against: 1 of 2 cannot be used: .*8\.png"):
        refused(*line)


def refused(*arguments: str | Path) -> None:
    error = runner.invoke(app, ["evaluate", *map(str, arguments)]).exception
    assert error is not None
    assert "\n" not in str(error)
    raise error


def test_without_weights_the_column_says_what_it_needs(pairs: Path, tmp_path: Path) -> None:
    line = ("--pairs", pairs, "--outputs", pairs / "theirs", "--metrics", "psnr,fid,lpips-alex")
    summary, report, shown = run(*line, "-o", tmp_path / "out")
    assert list(summary["unavailable"]) == ["lpips-alex", "fid"]
    assert summary["methods"][0]["set_scores"] == {}
    for name, weight in (("fid", "inception-fid"), ("lpips-alex", "lpips-alex")):
        reason = f"needs weights {weight}, see docs/metrics.md"
        assert f'<th class="n">{name} <br><small>{reason}</small></th>' in report
        assert f"no {name}: {reason} (give --weights-dir)" in shown


def test_another_file_under_the_published_name_stops_the_command(pairs: Path, tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(1)}, tmp_path / FILE)
    line = ("--pairs", pairs, "--outputs", pairs / "theirs", "--metrics", "psnr,fid", "--weights-dir", tmp_path)
    with pytest.raises(CheckpointError, match=rf"{FILE}: sha256 .* is not the published 6726825d; fetch it again"):
        refused(*line, "-o", tmp_path / "out")


def test_a_set_of_one_image_and_a_folder_nobody_asked_for_are_mistakes(
    weights: Path, pairs: Path, tmp_path: Path
) -> None:
    one = write_set(tmp_path / "one", ["a"])
    line = ("--pairs", one, "--outputs", one / "low", "--weights-dir", weights, "-o", tmp_path / "out")
    with pytest.raises(ConfigError, match=r"fid compares whole sets, and one has 1 image\(s\); leave it out"):
        refused(*line, "--metrics", "psnr,fid")
    with pytest.raises(ConfigError, match="--fid-against: is for the metric fid; give --metrics psnr,ssim,fid"):
        refused(*line, "--fid-against", pairs / "high")


def test_what_failed_is_not_in_the_distance(weights: Path, pairs: Path, tmp_path: Path) -> None:
    broken = pairs / "theirs" / "b.png"
    broken.write_bytes(broken.read_bytes()[:-40])
    line = ("--pairs", pairs, "--outputs", pairs / "theirs", "--metrics", "psnr,fid", "--weights-dir", weights)
    result = runner.invoke(app, ["evaluate", *map(str, line), "-o", str(tmp_path / "out")])
    assert result.exit_code == 1
    summary = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))
    score = summary["methods"][0]["set_scores"]["fid"]
    assert (score["images"], score["references"]) == (2, 3)
