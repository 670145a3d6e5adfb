from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from smallnets import PRIORS, TRANSFORMER, write_student

from restorect.errors import CheckpointError, ConfigError
from restorect.infer.restorer import Restorer
from restorect.nets.checkpoint import Card, save_checkpoint, teacher_card
from restorect.nets.teacher import Teacher, TeacherConfig
from restorect.render.balance import BalanceConfig
from restorect.render.checkpoint import load_restoration
from restorect.render.exposure import ExposureConfig, ExposureNetConfig
from restorect.render.hue import HueConfig
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
    restoration, card = load_restoration(out)
    student = restoration.config.student
    assert (student.start, student.steps) == ("mean", 2)
    assert student.transformer == TRANSFORMER
    assert restoration.config.after == (ExposureConfig(trust=0.7),)  # left as it was
    figures = card.metrics["made-up"]
    assert figures["photos"] == 10
    assert figures["protocol"] == "rgb-full"
    assert card.recipe == {"teacher": "teacher/last.safetensors", "data": {"train": ["b/c", "d"]}}
    assert card.notes == {"steps": 5, "hardware": "none"}
    text = out.with_suffix(".md").read_text()
    assert f"{figures['psnr']:.2f} dB" in text
    assert "2 steps from mean" in text
    assert "- after: exposure (trust 0.7, source constant, mean 0.45)\n" in text
    assert "- before:" not in text
    # The figure is what a user of the file gets.
    from restorect.data.pairs import find_pairs
    from restorect.images.seen import read_srgb
    from restorect.metrics.psnr import psnr

    restorer, values = Restorer.load(weights=out), []
    for pair in find_pairs([pairs_folder]):
        restored = torch.from_numpy(restorer(read_srgb(pair.low))).permute(2, 0, 1)[None] / 255
        values.append(float(psnr(restored, torch.from_numpy(read_srgb(pair.high)).permute(2, 0, 1)[None] / 255)))
    assert sum(values) / len(values) == pytest.approx(figures["psnr"], abs=1e-3)


def test_weights_never_take_the_name_of_their_card(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"Y\.md: weights are written to a \.safetensors file; give a name"):
        pack(checkpoint, tmp_path / "Y.md", tests={})
    assert not (tmp_path / "Y.md").exists()


def test_only_students_and_teachers_are_packed(tmp_path: Path) -> None:
    path = tmp_path / "stage0.safetensors"
    save_checkpoint(path, DecompositionPair(), Card(kind="decomposition", task="low-light"))
    with pytest.raises(CheckpointError, match="only students and teachers"):
        pack(path, tmp_path / "out.safetensors", tests={})


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"after": ["hue"]}, "after"),
        ({"before": []}, "before"),
        ({"start": "mean", "steps": 2}, "start, steps"),
    ],
)
def test_a_teacher_is_not_given_what_only_students_have(tmp_path: Path, options: dict[str, object], named: str) -> None:
    source, out = tmp_path / "teacher.safetensors", tmp_path / "packed.safetensors"
    config = TeacherConfig(transformer=TRANSFORMER, priors=PRIORS)
    save_checkpoint(source, Teacher(config), teacher_card(config, task="low-light"))
    with pytest.raises(ConfigError) as caught:
        pack(source, out, tests={}, **options)  # type: ignore[arg-type]
    assert str(caught.value) == f"{named}: of students only, and {source} holds a teacher; leave it out"
    assert not out.exists()
    assert pack(source, out, tests={}).kind == "teacher"


def test_no_steps_of_the_flow_are_refused(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="steps is 0"):
        pack(checkpoint, tmp_path / "packed.safetensors", tests={}, steps=0)


def test_steps_that_need_no_other_weights(checkpoint: Path, pairs_folder: Path, tmp_path: Path) -> None:
    out, plain = tmp_path / "packed.safetensors", tmp_path / "plain.safetensors"
    tests = {"made-up": [str(pairs_folder)]}
    before = pack(checkpoint, plain, tests=tests, start="mean").metrics["made-up"]
    steps = [{"exposure": {"trust": 0.3}}, "hue"]
    card = pack(checkpoint, out, tests=tests, start="mean", before=["balance"], after=steps)
    config = load_restoration(out)[0].config
    assert (config.before, config.after) == ((BalanceConfig(),), (ExposureConfig(trust=0.3), HueConfig()))
    assert card.config == config.written()
    assert card.metrics["made-up"]["psnr"] != before["psnr"]
    text = out.with_suffix(".md").read_text()
    assert "- before: balance (clip 0.001, pull 0.7, gain 3.5, saturation 0.8)\n" in text
    assert "- after: exposure (trust 0.3, source constant, mean 0.45), hue\n" in text
    old, new = load_file(plain), load_file(out)
    assert old.keys() == new.keys()
    assert all(torch.equal(old[name], new[name]) for name in old)
    pack(out, plain, tests={}, before=[], after=[])
    bare = load_restoration(plain)[0].config
    assert (bare.before, bare.after) == ((), ())


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ({"after": [{"exposure": {"trust": 2}}]}, "trust is 2"),
        ({"after": ["balance"]}, "after: step 'balance' is unknown"),
        ({"before": ["hue"]}, "before: step 'hue' is unknown; choose of balance"),
        ({"after": "hue"}, "after: expected a list of steps"),
        ({"after": [{"exposure": {"source": "net"}}]}, "after.exposure.net"),
    ],
)
def test_steps_that_do_not_fit(
    checkpoint: Path, tmp_path: Path, steps: dict[str, Sequence[object]], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        pack(checkpoint, tmp_path / "packed.safetensors", tests={}, **steps)
    assert not (tmp_path / "packed.safetensors").exists()


def test_an_exposure_net_is_packed_with_its_own_trust(tmp_path: Path) -> None:
    net = ExposureConfig(source="net", net=ExposureNetConfig(width=4))
    source, out = write_student(tmp_path / "run.safetensors", after=(net,)), tmp_path / "packed.safetensors"
    pack(source, out, tests={}, after=[{"exposure": {"trust": 0.35, "source": "net", "net": {"width": 4}}}, "hue"])
    steps = load_restoration(out)[0].config.after
    assert steps == (replace(net, trust=0.35), HueConfig())
    name = "after.exposure.net.output.weight"
    assert torch.equal(load_file(out)[name], load_file(source)[name].half())
