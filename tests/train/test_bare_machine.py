"""Training where nothing is installed but torch, numpy, opencv, Pillow, safetensors, PyYAML, rich and typer."""

import subprocess
from pathlib import Path

import cv2
import imagecodecs
import numpy as np
import pytest
from PIL import Image, ImageCms

from bare_machine import blocked, on_a_bare_machine
from restorect.auto.classifier import Classifier
from restorect.nets.checkpoint import read_checkpoint
from restorect.render.checkpoint import load_restoration
from restorect.render.exposure import Exposure


def bare(*arguments: object) -> subprocess.CompletedProcess[str]:
    return on_a_bare_machine("from restorect.cli.__main__ import main\nmain()", "train", *arguments)


def test_what_is_blocked() -> None:
    missing = blocked()
    assert {"pytest", "hypothesis", "imagecodecs"} <= missing
    assert not {"torch", "numpy", "cv2", "PIL", "safetensors", "yaml", "rich", "typer", "restorect"} & missing


@pytest.mark.slow
def test_all_stages_train_on_a_bare_machine(pairs_folder: Path, tmp_path: Path) -> None:
    small = ["--data", pairs_folder, "--device", "cpu", "--threads", 1, "--steps", 2]
    small += ["--set", "schedule.patches=[32]", "--set", "schedule.batches=[2]", "--set", "data.hold_out=0.1"]
    student, muon = ["--set", "preset=nano"], ["--set", "optimiser.name=muon"]
    last = {stage: tmp_path / stage / "last.safetensors" for stage in ("decompose", "teacher", "student", "exposure")}
    for stage, options in {
        "decompose": [],
        "teacher": ["--decomposition", last["decompose"], *muon],
        "student": ["--teacher", last["teacher"], "--set", "codes_share=0.5", *student, *muon],
        "exposure": ["--init", last["student"]],
    }.items():
        done = bare(stage, "-o", tmp_path / stage, *small, *options)
        assert done.returncode == 0, done.stderr
        assert read_checkpoint(last[stage])[1].notes["steps"] >= 1
    step = load_restoration(last["exposure"])[0].after["exposure"]
    assert isinstance(step, Exposure)
    assert step.net is not None


def test_training_starts_on_photos_of_many_kinds(tmp_path: Path) -> None:
    kinds = {"a.png": {}, "b.jpg": {"quality": 90}, "c.webp": {"quality": 90}, "d.bmp": {}, "e.tif": {}}
    colours = np.random.default_rng(0).uniform(20, 250, (48, 40, 3)).astype(np.uint8)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for side, share in (("low", 0.2), ("high", 1.0)):
        (tmp_path / "pairs" / side).mkdir(parents=True)
        for name, options in kinds.items():
            tagged = {} if name == "d.bmp" else {"icc_profile": srgb}
            photo = Image.fromarray((share * colours).astype(np.uint8))
            photo.save(tmp_path / "pairs" / side / name, **options, **tagged)
    deep = np.round(colours[..., ::-1] * 257.0).astype(np.uint16)
    for side in ("low", "high"):
        cv2.imwrite(str(tmp_path / "pairs" / side / "f.png"), deep // (5 if side == "low" else 1))
    small = ["--data", tmp_path / "pairs", "--device", "cpu", "--threads", 1, "--steps", 2]
    small += ["--set", "schedule.patches=[32]", "--set", "schedule.batches=[2]", "--set", "data.hold_out=0.1"]
    done = bare("decompose", "-o", tmp_path / "run", *small)
    assert done.returncode == 0, done.stderr
    assert read_checkpoint(tmp_path / "run" / "last.safetensors")[1].notes["steps"] >= 1


def test_the_classifier_of_auto_trains_on_a_bare_machine(tmp_path: Path) -> None:
    tints = {"low-light": (10, 10, 10), "underwater": (150, 120, 20), "backlit": (120, 5, 5), "fundus": (20, 40, 140)}
    options: list[object] = ["--enough", 4, "--threads", 1, "--set", "members=2", "--set", "epochs=2"]
    for seed, (task, tint) in enumerate(tints.items()):
        for part in ("train", "val"):
            for side, colour in (("low", tint), ("high", (170, 170, 170))):
                folder = tmp_path / task / part / side
                folder.mkdir(parents=True)
                for number in range(4):
                    noise = np.random.default_rng([seed, number, len(part)]).normal(0, 12, (40, 50, 3))
                    cv2.imwrite(str(folder / f"{number}.png"), (noise + np.array(colour)).clip(0, 255).astype(np.uint8))
        options += ["--data", f"{task}={tmp_path / task / 'train'}", "--val", f"{task}={tmp_path / task / 'val'}"]
    out = tmp_path / "auto.safetensors"
    done = bare("auto", "-o", out, *options)
    assert done.returncode == 0, done.stderr
    assert Classifier.load(out).card.metrics is not None
    assert "- kind: classifier" in out.with_suffix(".md").read_text()


def test_what_needs_more_is_one_line(tmp_path: Path) -> None:
    for side in ("low", "high"):
        (tmp_path / side).mkdir()
        for name in "ab":
            Image.fromarray(np.zeros((40, 40, 3), np.uint8)).save(tmp_path / side / f"{name}.png")
    adobe = bytes(imagecodecs.cms_profile("adobergb"))
    Image.fromarray(np.zeros((40, 40, 3), np.uint8)).save(tmp_path / "low" / "b.png", icc_profile=adobe)
    done = bare("decompose", "--data", tmp_path, "-o", tmp_path / "run", "--device", "cpu", "--steps", 1)
    assert done.returncode == 2
    assert "b.png: needs the library imagecodecs, which is not installed: pip install imagecodecs" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
