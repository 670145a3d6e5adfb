"""Training of the classifier, on drawn photographs."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from restorect.cli.main import app
from restorect.errors import ConfigError, DataError
from restorect.infer.auto.classifier import Classifier
from restorect.infer.auto.decision import NOTHING
from restorect.train.auto import AutoConfig, thresholds, train_classifier
from restorect.train.auto_data import CLASSES, Examples, Folders, gather, scene_of

TINTS = {"low-light": (10, 10, 10), "underwater": (150, 120, 20), "backlit": (120, 5, 5), "fundus": (20, 40, 140)}


def _draw(folder: Path, tint: tuple[int, ...], count: int, seed: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        noise = np.random.default_rng(seed + number).normal(0, 12, (40, 50, 3))
        cv2.imwrite(str(folder / f"{number:02d}.png"), (noise + np.array(tint)).clip(0, 255).astype(np.uint8))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("photos")
    for seed, (task, tint) in enumerate(TINTS.items()):
        for part, count in (("train", 10), ("val", 3)):
            _draw(root / task / part / "low", tint, count, 1000 * seed + 10 * count)
            _draw(root / task / part / "high", (170, 170, 170), count, 1000 * seed + 50 + 10 * count)
    _draw(root / "clean", (180, 170, 160), 10, 7)
    return root


def _folders(root: Path) -> Folders:
    return Folders(
        data=tuple((task, root / task / "train") for task in TINTS),
        val=tuple((task, root / task / "val") for task in TINTS),
        clean=(("low-light", root / "clean"),),
    )


@pytest.fixture(scope="module")
def examples(root: Path) -> Examples:
    return gather(_folders(root), enough=20, seed=0)


def test_what_is_gathered(examples: Examples) -> None:
    learnt = ~examples.measured
    kinds = [CLASSES[y] for y in examples.y]
    # 10 photographs a side, twice each; every fifth clean photo is held out, the others give a simulation or two.
    assert [kinds.count(task) for task in TINTS] == [20 + 16 + 3, 23, 23, 23]
    assert int((examples.y[learnt] == 0).sum()) == 4 * 20 + 8 * 2
    assert int(examples.measured.sum()) == 4 * 3 * 2 + 2
    assert int(examples.original.sum()) == 4 * 2 * 13 + 10 + 16
    assert examples.x.shape[0] == len(examples.y) == len(examples.names) == len(examples.scenes)


def test_more_than_enough_is_thinned_evenly(root: Path) -> None:
    few = gather(Folders(data=(("low-light", root / "low-light" / "train"),), val=()), enough=4, seed=0)
    low = [name for name, y, held in zip(few.names, few.y, few.measured, strict=True) if y and not held]
    assert len(low) == 4
    assert [name for name, held in zip(few.names, few.measured, strict=True) if held] == ["02.png", "07.png"] * 2


def test_gathering_repeats_itself(root: Path, examples: Examples) -> None:
    again = gather(_folders(root), enough=20, seed=0)
    assert np.array_equal(again.x, examples.x)
    other = gather(_folders(root), enough=20, seed=1)
    assert not np.array_equal(other.x, examples.x)


def test_learning_tells_the_classes_apart_and_repeats_itself(examples: Examples) -> None:
    config = AutoConfig(members=2, epochs=15, hidden=8)
    layers, limits = train_classifier(examples, config)
    again, _ = train_classifier(examples, config)
    assert all(np.array_equal(layers[name], again[name]) for name in layers)
    assert set(limits) == set(TINTS)
    assert layers["weight_1"].shape[1] == 16


def test_the_command_writes_a_classifier_with_its_card(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "auto.safetensors"
    words = ["train", "auto", "-o", str(out), "--enough", "20", "--clean", f"low-light={root / 'clean'}"]
    for task in TINTS:
        words += ["--data", f"{task}={root / task / 'train'}", "--val", f"{task}={root / task / 'val'}"]
    result = CliRunner().invoke(app, [*words, "--set", "members=2", "--set", "epochs=30"])
    assert result.exit_code == 0, result.output
    classifier = Classifier.load(out)
    for task in TINTS:
        photo = cv2.imread(str(root / task / "val" / "low" / "00.png"))[..., ::-1].astype(np.float32) / 255
        assert classifier.decide(photo).task == task
        good = cv2.imread(str(root / task / "val" / "high" / "00.png"))[..., ::-1].astype(np.float32) / 255
        assert classifier.decide(good).task == NOTHING
    assert classifier.card.metrics["right"] == 1
    assert classifier.card.metrics["confusion"][1][1] == 3
    card = out.with_suffix(".md").read_text()
    assert "| **underwater** | 0 | 0 | 3 | 0 | 0 | 100.0% |" in card
    assert str(root) not in card + str(classifier.card)


def test_thresholds_touch_few_good_photos() -> None:
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(5), 2000).astype(np.float32)
    y = np.zeros(2000, np.int64)
    limits = thresholds(p, y, 0.04)
    touched = [p[n, 0] < limits[CLASSES[1 + p[n, 1:].argmax()]] for n in range(2000)]
    assert 0.03 < np.mean(touched) <= 0.04
    sure = np.tile(np.float32([0.96, 0.01, 0.01, 0.01, 0.01]), (50, 1))
    assert set(thresholds(sure, np.zeros(50, np.int64), 0.0).values()) == {0.5}


def test_names_tell_scenes() -> None:
    assert [scene_of(Path(name)) for name in ("a-1-2.png", "a-1-3.jpg", "a-2.png", "b.png")] == [
        "a-1",
        "a-1",
        "a-2",
        "b",
    ]


def test_wrong_requests_are_one_line(root: Path, examples: Examples, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"fog=.*: no such task"):
        Folders(data=(("fog", root),))
    with pytest.raises(ConfigError, match="members is 1"):
        AutoConfig(members=1)
    few = gather(Folders(data=(("low-light", root / "low-light" / "train"),)), enough=4, seed=0)
    with pytest.raises(DataError, match="no photograph of 'underwater' to learn from"):
        train_classifier(few, AutoConfig())
    result = CliRunner().invoke(app, ["train", "auto", "-o", str(tmp_path / "a"), "--data", "low-light"])
    assert isinstance(result.exception, ConfigError)
    assert "NAME=VALUE" in str(result.exception)
