from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from smallnets import TRANSFORMER, write_student

from restorect.errors import CheckpointError, ConfigError
from restorect.infer.restorer import Restorer
from restorect.nets.checkpoint import Card, load_student, save_checkpoint
from restorect.retinex.decomposition import DecompositionPair
from restorect.train.pack import pack


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    recipe = {"teacher": "/home/me/runs/teacher/last.safetensors", "data": {"train": ["/a/b/c", "d"]}}
    return write_student(tmp_path / "run.safetensors", data=("train",), notes={"steps": 5}, recipe=recipe)


def test_packs_half_precision_with_measured_figures(checkpoint: Path, pairs_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "packed.safetensors"
    pack(checkpoint, out, tests={"made-up": [str(pairs_folder)]}, start="mean", steps=2, notes={"hardware": "none"})
    assert {t.dtype for n, t in load_file(out).items() if "standardise" not in n} == {torch.float16}
    assert out.stat().st_size < 0.6 * checkpoint.stat().st_size
    student, card = load_student(out)
    assert (student.config.start, student.config.steps) == ("mean", 2)
    assert student.config.transformer == TRANSFORMER
    figures = card.metrics["made-up"]
    assert figures["photos"] == 10
    assert figures["protocol"] == "rgb-full"
    assert card.recipe == {"teacher": "teacher/last.safetensors", "data": {"train": ["b/c", "d"]}}
    assert card.notes == {"steps": 5, "hardware": "none"}
    text = out.with_suffix(".md").read_text()
    assert f"{figures['psnr']:.2f} dB" in text
    assert "2 steps from mean" in text
    # The figure is what a user of the file gets.
    from restorect.data.pairs import find_pairs
    from restorect.images.seen import read_srgb
    from restorect.metrics.psnr import psnr

    restorer, values = Restorer.load(weights=out), []
    for pair in find_pairs([pairs_folder]):
        restored = torch.from_numpy(restorer(read_srgb(pair.low))).permute(2, 0, 1)[None] / 255
        values.append(float(psnr(restored, torch.from_numpy(read_srgb(pair.high)).permute(2, 0, 1)[None] / 255)))
    assert sum(values) / len(values) == pytest.approx(figures["psnr"], abs=1e-3)


def test_only_students_and_teachers_are_packed(tmp_path: Path) -> None:
    path = tmp_path / "stage0.safetensors"
    save_checkpoint(path, DecompositionPair(), Card(kind="decomposition", task="low-light"))
    with pytest.raises(CheckpointError, match="only students and teachers"):
        pack(path, tmp_path / "out.safetensors", tests={})


def test_settings_that_need_no_other_weights(checkpoint: Path, pairs_folder: Path, tmp_path: Path) -> None:
    out, plain = tmp_path / "packed.safetensors", tmp_path / "plain.safetensors"
    tests = {"made-up": [str(pairs_folder)]}
    before = pack(checkpoint, plain, tests=tests, start="mean").metrics["made-up"]
    card = pack(
        checkpoint, out, tests=tests, start="mean", settings=["exposure_trust=0.3", "transformer.unlattice=true"]
    )
    student, _ = load_student(out)
    assert (student.config.exposure_trust, student.config.transformer.unlattice) == (0.3, True)
    assert card.metrics["made-up"]["psnr"] != before["psnr"]
    with pytest.raises(ConfigError, match="exposure_trust"):
        pack(checkpoint, out, tests={}, settings=["exposure_trust=2"])
    with pytest.raises(ConfigError, match="other weights"):
        pack(checkpoint, out, tests={}, settings=["transformer.dim=16"])
