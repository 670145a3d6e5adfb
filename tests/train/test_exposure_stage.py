"""Stage 3: the exposure net learns how bright good photos are, and nothing else of the student changes."""

from pathlib import Path
from unittest import mock

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from smallnets import write_student
from worker import run

from restorect.data.pairs import find_pairs
from restorect.data.store import PairStore
from restorect.errors import ConfigError
from restorect.render.checkpoint import load_restoration
from restorect.render.exposure import Exposure, ExposureConfig, ExposureNet
from restorect.render.floor import FloorConfig
from restorect.render.hue import HueConfig
from restorect.render.keep import KeepConfig
from restorect.render.restoration import Restoration
from restorect.render.step import StepConfig
from restorect.train.optimisers import make_optimiser


@pytest.fixture
def student(tmp_path: Path) -> Path:
    return write_student(tmp_path / "student.safetensors")


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    """Pairs of one darkness, whose good photo is bright where the scene is blue and dark where it is red."""
    rng = np.random.default_rng(3)
    for side in ("low", "high"):
        (tmp_path / "scenes" / side).mkdir(parents=True)
    for number in range(16):
        colour, mean = ((1.0, 0.5, 0.2), 0.7) if number % 2 else ((0.2, 0.5, 1.0), 0.25)
        noise = rng.uniform(0.8, 1.2, (90, 120, 1)).astype(np.float32)
        image = noise * np.array(colour, np.float32)
        for side, wanted in (("low", 0.2), ("high", mean)):
            picture = image * wanted / image.mean()
            cv2.imwrite(
                str(tmp_path / "scenes" / side / f"p{number}.png"),
                (picture * 255).clip(0, 255).round().astype(np.uint8),
            )
    return tmp_path / "scenes"


def _net(network: Restoration) -> ExposureNet:
    step = network.after["exposure"]
    assert isinstance(step, Exposure)
    assert step.net is not None
    return step.net


def test_it_learns_the_exposure_and_leaves_the_rest(student: Path, scenes: Path, tmp_path: Path) -> None:
    schedule = {"steps": 60, "patches": [32], "batches": [16], "validate_every": 0}
    out = tmp_path / "run"
    figures = run(
        "exposure", str(scenes), out, 60, init=str(student), trust=0.0, side=64, schedule=schedule,
        optimiser={"lr": 5e-3, "ema": 0.9}, data={"train": [str(scenes)], "val": [str(scenes)]},
    )  # fmt: skip
    taught, card = load_restoration(out / "last.safetensors")
    (step,) = taught.config.after
    assert isinstance(step, ExposureConfig)
    assert (step.trust, step.source, card.preset, card.task) == (0.0, "net", "tiny", "low-light")
    before, after = load_file(student), load_file(out / "last.safetensors")
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert {".".join(name.split(".")[:3]) for name in after.keys() - before.keys()} == {"after.exposure.net"}
    pairs = PairStore(find_pairs([scenes]), torch.device("cpu"), memory_gb=1)
    errors: dict[str, list[float]] = {"taught": [], "untaught": []}
    with torch.no_grad():
        for name, network in (("taught", taught), ("untaught", load_restoration(student)[0])):
            for number in range(4):
                low, high = (image[None].float() / 255 for image in pairs[number])
                restored = network(low).clamp(0, 1)
                errors[name].append(abs(float(restored.mean() - high.mean())))
    assert max(errors["taught"]) < 0.08
    assert max(errors["untaught"]) > 0.2
    # Another student goes on from there: after a step of no size it predicts the same.
    still = {"lr": 1e-9, "final_lr": 1e-9}
    more = {
        "init": str(student),
        "other": str(out / "last.safetensors"),
        "optimiser": still,
        "trust": 0.0,
    }
    run("exposure", str(scenes), tmp_path / "more", 1, **more)
    going_on = load_restoration(tmp_path / "more" / "last.safetensors")[0]
    torch.testing.assert_close(_net(going_on).output.weight, _net(taught).output.weight)
    with pytest.raises(ConfigError, match="has no exposure net"):
        run("exposure", str(scenes), tmp_path / "none", 1, init=str(student), other=str(student))
    assert figures["psnr"] > 10


def test_only_the_exposure_net_learns_and_from_shrunk_photos(student: Path, scenes: Path, tmp_path: Path) -> None:
    data = {"train": [str(scenes)], "val": [str(scenes)]}
    with (
        mock.patch("restorect.train.photos.PairStore", wraps=PairStore) as stores,
        mock.patch("restorect.train.loop.make_optimiser", wraps=make_optimiser) as optimisers,
    ):
        run("exposure", str(scenes), tmp_path / "run", 1, init=str(student), side=64, data=data)
    assert sorted(call.args[3:4] for call in stores.call_args_list) == [(), (64,)]  # whole photos are validated
    ((stage, *_), _) = optimisers.call_args
    learned = {name for name, p in stage.network.named_parameters() if p.requires_grad}
    assert (
        learned
        == {name for name, _ in stage.network.named_parameters() if name.startswith("after.exposure.net.")}
        != set()
    )


def test_a_student_is_needed(scenes: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="init: give the checkpoint"):
        run("exposure", str(scenes), tmp_path / "none", 1)


def test_photos_are_shrunk_as_they_are_read(scenes: Path) -> None:
    pairs = find_pairs([scenes])
    whole, small = (PairStore(pairs, torch.device("cpu"), memory_gb=1, side=side) for side in (0, 60))
    decoded = PairStore(pairs, torch.device("cpu"), memory_gb=0, side=60)
    for (low, high), (low_small, high_small) in ((whole[3], small[3]), (whole[5], decoded[5])):
        assert (low.shape, high.shape) == ((3, 90, 120), (3, 90, 120))
        assert (low_small.shape, high_small.shape) == ((3, 45, 60), (3, 45, 60))
        assert float(high_small.float().mean()) == pytest.approx(float(high.float().mean()), abs=0.5)
        block = high[:, :2, :2].float().mean(dim=(1, 2))
        torch.testing.assert_close(high_small[:, 0, 0].float(), block, atol=0.1, rtol=0)


@pytest.mark.parametrize(
    ("there", "wanted"),
    [
        ((), ["exposure"]),
        ((HueConfig(), FloorConfig()), ["exposure", "hue", "floor"]),
        ((KeepConfig(), ExposureConfig(source="seen")), ["keep", "exposure"]),
        ((ExposureConfig(trust=0.9), HueConfig()), ["exposure", "hue"]),
        ((KeepConfig(), HueConfig(), ExposureConfig()), ["keep", "exposure", "hue"]),
    ],
)
def test_the_step_stands_behind_what_is_kept_and_before_the_rest(
    there: tuple[StepConfig, ...], wanted: list[str], scenes: Path, tmp_path: Path
) -> None:
    student = write_student(tmp_path / "with.safetensors", after=there)
    data = {"train": [str(scenes)], "val": [str(scenes)]}
    run(
        "exposure",
        str(scenes),
        tmp_path / "run",
        1,
        init=str(student),
        side=64,
        data=data,
        trust=0.4,
    )
    steps = load_restoration(tmp_path / "run" / "last.safetensors")[0].config.after
    assert [step.name for step in steps] == wanted
    (exposure,) = (step for step in steps if isinstance(step, ExposureConfig))
    assert (exposure.trust, exposure.source) == (0.4, "net")
    assert [step for step in steps if step.name != "exposure"] == [step for step in there if step.name != "exposure"]
