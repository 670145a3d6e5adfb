"""Scores of an output under a protocol, and what may be asked for."""

from pathlib import Path

import pytest
import torch

from restorect.errors import ConfigError
from restorect.evaluate import scores
from restorect.evaluate.protocols import find_protocol
from restorect.evaluate.scores import (
    IDENTICAL_DB,
    Measure,
    choose_measures,
    columns,
    described,
    load_measure,
    score_all,
)
from restorect.evaluate.set_scores import choose_set_measures
from restorect.metrics.eye import EYE
from restorect.metrics.pretrained import PRETRAINED
from restorect.metrics.psnr import psnr
from restorect.metrics.registry import METRICS
from restorect.metrics.ssim import ssim

FULL, MEAN, AUTHORS = (find_protocol(name) for name in ("rgb-full", "rgb-full+gtmean", "y-256-authors"))
PAIRED = [load_measure(METRICS["psnr"]), load_measure(METRICS["ssim"])]
BRIGHTNESS = Measure(name="mean", reference="none", better="higher", score=lambda output, _: float(output.mean()))


def pair() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    target = torch.rand(1, 3, 20, 24, generator=generator)
    return (0.5 * target + 0.1 * torch.rand(1, 3, 20, 24, generator=generator)), target


def test_the_main_columns_are_the_plain_metrics() -> None:
    output, target = pair()
    found = score_all(PAIRED, FULL, output, target)
    assert found == {"psnr": float(psnr(output, target)), "ssim": float(ssim(output, target))}


def test_gtmean_adds_columns_and_changes_none() -> None:
    output, target = pair()
    found = score_all([*PAIRED, BRIGHTNESS], MEAN, output, target)
    assert list(found) == ["psnr", "ssim", "mean", "psnr_gtmean", "ssim_gtmean"]
    assert found["psnr"] == float(psnr(output, target))
    assert found["psnr_gtmean"] > found["psnr"] + 3
    assert list(columns([*PAIRED, BRIGHTNESS], MEAN, paired=True)) == list(found)


def test_without_ground_truth_only_the_metrics_without_reference_remain() -> None:
    output, _ = pair()
    assert score_all([BRIGHTNESS], MEAN, output, None) == {"mean": float(output.mean())}
    assert columns([BRIGHTNESS], MEAN, paired=False) == {"mean": "higher"}


def test_an_identical_output_counts_a_hundred_decibels() -> None:
    _, target = pair()
    assert score_all(PAIRED, FULL, target, target) == {"psnr": IDENTICAL_DB, "ssim": pytest.approx(1.0)}


def test_a_score_that_is_not_finite_is_refused_by_name() -> None:
    broken = Measure(name="broken", reference="none", better="lower", score=lambda *_: float("nan"))
    with pytest.raises(ConfigError, match="metric broken gave nan"):
        score_all([broken], FULL, pair()[0], None)


def test_what_is_undefined_is_left_out_and_never_a_score() -> None:
    grey = load_measure(METRICS["grey"])
    output, _ = pair()
    assert score_all([BRIGHTNESS, grey], FULL, output, None, output + 0.5) == {"mean": float(output.mean())}
    assert score_all([grey], FULL, output, None, 0 * output) == {
        "grey": pytest.approx(255 * float(output.mean()), rel=0.1)
    }
    with pytest.raises(ValueError, match="not finite"):
        score_all([grey], FULL, output * float("nan"), None, output)


def test_the_usual_metrics() -> None:
    ready, lacking = choose_measures(None, paired=True, protocol=FULL)
    assert ([m.name for m in ready], lacking) == (["psnr", "ssim"], {})
    ready, _ = choose_measures(None, paired=False, protocol=FULL)
    assert [m.name for m in ready] == ["niqe", *EYE, "brisque", "uciqe", "uiqm"]


def test_a_metric_that_lacks_something_is_told_and_the_others_are_computed() -> None:
    ready, lacking = choose_measures(["ssim", "lpips-alex"], paired=True, protocol=FULL)
    assert [m.name for m in ready] == ["ssim"]
    assert set(lacking) == {"lpips-alex"}
    assert "weights" in lacking["lpips-alex"]
    with pytest.raises(ConfigError, match=r"no metric can be computed \(lpips-alex: "):
        choose_measures(["lpips-alex"], paired=True, protocol=FULL)


def test_a_metric_of_the_input_gets_the_input() -> None:
    output, target = pair()
    difference = Measure(
        name="moved", reference="input", better="lower", score=lambda x, source: float((x - source).abs().max())
    )
    assert score_all([difference], FULL, output, target, output) == {"moved": 0.0}
    assert list(columns([difference], MEAN, paired=True)) == ["moved"]


def test_all_metrics_are_described() -> None:
    rows = {row[0]: row[1:] for row in described()}
    assert set(rows) == set(METRICS)
    assert rows["psnr"] == ("target", "higher", "ready")
    assert rows["lift"] == ("input", "near", "ready")
    assert rows["niqe"] == ("none", "lower", "ready")
    assert rows["fid"][2].startswith("needs weights inception-fid")


def test_a_file_that_cannot_be_used_has_its_reason_in_the_list(tmp_path: Path) -> None:
    (tmp_path / "brisque.safetensors").write_bytes(b"one")
    torch.save({}, tmp_path / PRETRAINED["inception-fid"].file)
    rows = {row[0]: row[3] for row in described(tmp_path)}
    assert "cannot be read as a file of parameters" in rows["brisque-fitted"]
    assert "is not the published 6726825d" in rows["fid"]


@pytest.mark.parametrize(
    ("metric", "files"),
    [("brisque-fitted", ["brisque.safetensors"]), ("lpips-alex", ["alexnet-owt-7be5be79.pth", "alex.safetensors"])],
)
def test_other_files_make_another_metric(metric: str, files: list[str], tmp_path: Path) -> None:
    assert load_measure(METRICS["psnr"], tmp_path).identity == "psnr"
    known = set()
    for file in files:
        (tmp_path / file).write_bytes(b"")
    for file in files:
        for content in (b"one", b"two"):
            (tmp_path / file).write_bytes(content)
            sources = scores._sources(METRICS[metric], tmp_path)
            assert len(sources) == len(METRICS[metric].weights)
            known.add(tuple(source.sha256 for source in sources))
    assert len(known) == 2 * len(files)


def test_metrics_of_whole_sets_are_chosen_apart(tmp_path: Path) -> None:
    names = ["ssim", "fid", "psnr"]
    assert [m.name for m in choose_measures(names, paired=True, protocol=FULL)[0]] == ["ssim", "psnr"]
    ready, lacking = choose_set_measures(names, protocol=FULL, compared=True, weights_dir=tmp_path)
    assert ready == []
    assert list(lacking) == ["fid"]
    assert lacking["fid"].startswith("needs weights inception-fid, see docs/metrics.md (put pt_inception")
    assert choose_set_measures(None, protocol=FULL, compared=True) == ([], {})
    with pytest.raises(ConfigError, match=r"fid is of the whole set: give a metric of single images too, psnr,fid"):
        choose_measures(["fid"], paired=True, protocol=FULL)
    with pytest.raises(ConfigError, match=r"fid compares with good photos, and this set has none; give --fid-against"):
        choose_set_measures(["fid"], protocol=FULL, compared=False)
    with pytest.raises(ConfigError, match=r"y-256-authors is defined for psnr, ssim only, not for fid"):
        choose_set_measures(["fid"], protocol=AUTHORS, compared=True)


@pytest.mark.parametrize(
    ("names", "paired", "protocol", "message"),
    [
        (["sharpness"], True, FULL, "metric 'sharpness' is unknown; choose of psnr"),
        (["psnr"], False, FULL, "psnr compares with a ground truth, and this set has none"),
        (None, False, AUTHORS, "y-256-authors compares with a ground truth"),
        ([], True, FULL, "no metric can be computed; choose of psnr"),
    ],
)
def test_what_cannot_be_asked_for(names: list[str] | None, paired: bool, protocol: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        choose_measures(names, paired=paired, protocol=protocol)  # type: ignore[arg-type]


def test_the_authors_protocol_is_for_two_metrics_only() -> None:
    with pytest.raises(ConfigError, match="y-256-authors is defined for psnr, ssim only, not for uciqe"):
        choose_measures(["uciqe"], paired=True, protocol=AUTHORS)


def test_a_metric_of_the_input_needs_one() -> None:
    with pytest.raises(ConfigError, match="loe compares with the degraded photo, and there is none"):
        choose_measures(["loe"], paired=True, protocol=FULL, has_input=False)
