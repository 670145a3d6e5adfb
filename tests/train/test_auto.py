"""Training of the classifier, on drawn photographs."""

import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from restorect.auto.classifier import Classifier, ClassifierCard
from restorect.auto.decision import NOTHING
from restorect.cli.main import app
from restorect.errors import ConfigError, DataError
from restorect.train.auto import AutoConfig, _once, _weights, thresholds, train_classifier
from restorect.train.auto_card import describe, measure
from restorect.train.auto_data import CLASSES, Examples, Folders, gather, scene_of
from restorect.train.auto_good import KINDS

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
    assert int((examples.y[learnt] == 0).sum()) == 4 * 20 + 8 * 2 + 8 * 5
    assert int(examples.measured.sum()) == 4 * 3 * 2 + 2 + 2 * 5
    assert int(examples.original.sum()) == 4 * 2 * 13 + 10 + 16 + 10 * 5
    assert Counter(examples.crafted.tolist()) == {"": len(examples.y) - 50} | dict.fromkeys(KINDS, 10)
    assert set(examples.y[examples.crafted != ""]) == {0}
    assert examples.x.shape[0] == len(examples.y) == len(examples.names) == len(examples.scenes)
    assert int(examples.simulated.sum()) == 16
    # Copies share the weight of their photograph: 10 a folder and side, 8 clean ones and 8 of their simulations.
    assert float(examples.weight[learnt].sum()) == pytest.approx(4 * 2 * 10 + 8 + 8 + 8 * 5)
    assert not examples.twice.any()
    assert np.array_equal(examples.learnt, learnt)


def test_more_than_enough_is_thinned_evenly(root: Path) -> None:
    few = gather(Folders(data=(("low-light", root / "low-light" / "train"),), val=()), enough=4, seed=0)
    low = [name for name, y, held in zip(few.names, few.y, few.measured, strict=True) if y and not held]
    assert len(low) == 4
    assert [name for name, held in zip(few.names, few.measured, strict=True) if held] == ["02.png", "07.png"] * 2
    assert set(few.weight[~few.measured].tolist()) == {2.0}  # each stands for two


def test_gathering_repeats_itself(root: Path, examples: Examples) -> None:
    again = gather(_folders(root), enough=20, seed=0)
    assert np.array_equal(again.x, examples.x)
    other = gather(_folders(root), enough=20, seed=1)
    assert not np.array_equal(other.x, examples.x)


def test_learning_tells_the_classes_apart_and_repeats_itself(examples: Examples) -> None:
    config = AutoConfig(members=2, epochs=15, hidden=8)
    learnt, again = (train_classifier(examples, config) for _ in range(2))
    assert all(np.array_equal(layer, again.layers[name]) for name, layer in learnt.layers.items())
    assert set(learnt.thresholds) == set(learnt.sure) == set(TINTS)
    assert all(limit <= learnt.thresholds[task] for task, limit in learnt.sure.items())
    assert learnt.layers["weight_1"].shape[1] == 16


def test_the_command_writes_a_classifier_with_its_card(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "auto.safetensors"
    words = ["train", "auto", "-o", str(out), "--enough", "20", "--clean", f"low-light={root / 'clean'}"]
    for task in TINTS:
        words += ["--data", f"{task}={root / task / 'train'}", "--val", f"{task}={root / task / 'val'}"]
    result = CliRunner().invoke(app, [*words, "--set", "members=2", "--set", "epochs=80"])
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
    assert "| **underwater** | 0 | 0 | 0 | 0 | 3 | 100.0% |" in card
    assert str(root) not in card + str(classifier.card)


def test_a_photo_under_two_classes_is_learnt_as_the_rarer_one(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root / "low-light" / "train", tmp_path / "low-light")
    (tmp_path / "backlit").mkdir()
    for name in ("03.png", "04.png"):
        shutil.copy(root / "low-light" / "train" / "low" / name, tmp_path / "backlit" / f"again-{name}")
    folders = Folders(data=(("low-light", tmp_path / "low-light"), ("backlit", tmp_path / "backlit")))
    examples = gather(folders, enough=20, seed=0)
    twice = {
        (name, CLASSES[y]) for name, y, found in zip(examples.names, examples.y, examples.twice, strict=True) if found
    }
    common, rare = (
        {("03.png", "low-light"), ("04.png", "low-light")},
        {("again-03.png", "backlit"), ("again-04.png", "backlit")},
    )
    assert twice == common | rare
    learnt = {
        (name, CLASSES[y]) for name, y, use in zip(examples.names, examples.y, examples.learnt, strict=True) if use
    }
    assert rare <= learnt
    assert not common & learnt
    assert ("03.png", NOTHING) in learnt  # its good side is another picture


def test_scenes_are_those_of_the_list_of_pairs(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root / "low-light" / "train", tmp_path / "data" / "low-light" / "train")
    (tmp_path / "data" / "pairs.csv").write_text(
        "task,split,name,source,scene\nlow-light,train,00,x,7\nlow-light,train,01,x,7\n"
    )
    examples = gather(Folders(data=(("low-light", tmp_path / "data" / "low-light" / "train"),)), enough=1000, seed=0)
    assert {s for name, s in zip(examples.names, examples.scenes, strict=True) if name in ("00.png", "01.png")} == {"7"}
    assert {s for name, s in zip(examples.names, examples.scenes, strict=True) if name == "03.png"} == {"03"}


def test_simulations_count_less_where_there_are_real_photos_to_measure_on(examples: Examples) -> None:
    config = AutoConfig(simulated=0.25, crafted=0.5, backlit=2.0)
    factor = np.where(examples.simulated, 0.25, np.where(examples.crafted != "", 0.5, 1)).astype(np.float32)
    factor[(examples.y == CLASSES.index("backlit")) & ~examples.simulated] = 2
    assert np.array_equal(_weights(examples, config), factor * examples.weight)
    needed = replace(examples, measured=examples.measured | examples.simulated)
    assert np.array_equal(_weights(needed, replace(config, crafted=1.0, backlit=1.0)), examples.weight)


def test_thresholds_count_every_photo_once(examples: Examples) -> None:
    config = AutoConfig(simulated=0.25, crafted=0.5)
    once = _once(examples, config)
    crafted = examples.crafted != ""
    real = examples.original & ~examples.simulated & ~crafted
    assert np.array_equal(once > 0, real | examples.simulated | crafted)  # no copies
    assert set(once[real].tolist()) == {1.0}
    assert set(once[crafted].tolist()) == {0.5}
    assert float(once[examples.simulated].sum()) == pytest.approx(0.25 * 8)  # of the clean photos that were learnt from
    needed = replace(examples, measured=examples.measured | examples.simulated)
    assert float(_once(needed, config)[examples.simulated].sum()) == pytest.approx(8)


def test_thresholds_touch_few_good_photos_and_restore_most() -> None:
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.full(5, 0.5), 4000).astype(np.float32)
    y = np.array([rng.choice(5, p=each / each.sum()) for each in p.astype(np.float64)])
    weight = np.ones(len(y), np.float32)

    def outcome(limits: dict[str, float]) -> tuple[float, int]:
        likeliest = 1 + p[:, 1:].argmax(axis=1)
        touched = p[:, 0] < np.array([limits[CLASSES[place]] for place in likeliest])
        return float(touched[y == 0].mean()), int((touched & (likeliest == y)).sum())

    limits = thresholds(p, y, weight, 0.04)
    share, right = outcome(limits)
    assert 0.03 < share <= 0.04
    for common in np.linspace(0.01, 0.5, 50):  # no threshold common to all tasks does better
        other, fewer = outcome(dict.fromkeys(TINTS, float(common)))
        assert fewer <= right or other > share
    assert outcome(thresholds(p, y, weight, 1.0))[1] >= right
    good_only = np.where(y == 0, 3, 1).astype(np.float32)  # a good photograph that stands for three
    assert outcome(thresholds(p, y, good_only, 0.04))[0] == pytest.approx(share, abs=0.01)
    sure = np.tile(np.float32([0.96, 0.01, 0.01, 0.01, 0.01]), (50, 1))
    assert set(thresholds(sure, np.zeros(50, np.int64), weight[:50], 0.0).values()) == {0.5}


def test_the_card_says_how_many_were_right_and_what_they_are_shares_of(examples: Examples) -> None:
    learnt = train_classifier(examples, AutoConfig(members=2, epochs=15, hidden=8))
    card = ClassifierCard(classes=CLASSES, thresholds=learnt.thresholds, sure=dict.fromkeys(learnt.sure, 0.0))
    some = np.flatnonzero(examples.measured & (examples.y == 1))[:1]
    twice = np.zeros(len(examples.y), bool)
    twice[some] = True
    figures = measure(Classifier(learnt.layers, card, ""), replace(examples, twice=twice))
    photos = examples.measured & (examples.crafted == "")
    assert figures.confusion.sum() == photos.sum()
    assert {count for _, count in figures.crafted.values()} == {2}
    assert figures.twice == 1
    assert figures.confusion.trace() == photos.sum() - len(figures.wrong)
    touched_damaged, touched_good = figures.confusion[1:, 1:].sum(), figures.confusion[0, 1:].sum()
    assert figures.mild == (touched_damaged, touched_good)  # nobody is sure enough for more
    text = describe("a.safetensors", card, figures)
    assert f"mildly: {touched_damaged} damaged and {touched_good} good ones" in text
    assert "of 12 damaged photographs" in text
    assert f"of {(photos & (examples.y == 0)).sum()}\n" in text
    touched, count = figures.crafted["studio"]
    assert f"studio {touched} of {count}" in text


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
    with pytest.raises(ConfigError, match=r"sure is 0.1; it must be at most touched"):
        AutoConfig(sure=0.1, touched=0.02)
    few = gather(Folders(data=(("low-light", root / "low-light" / "train"),)), enough=4, seed=0)
    with pytest.raises(DataError, match="no photograph of 'backlit' to learn from"):
        train_classifier(few, AutoConfig())
    result = CliRunner().invoke(app, ["train", "auto", "-o", str(tmp_path / "a.safetensors"), "--data", "low-light"])
    assert isinstance(result.exception, ConfigError)
    assert "NAME=VALUE" in str(result.exception)


def test_where_there_is_a_fusion_it_is_the_good_one(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root / "backlit", tmp_path / "backlit")
    for part in ("train", "val"):
        (tmp_path / "backlit" / part / "fused").mkdir()
        assert cv2.imwrite(str(tmp_path / "backlit" / part / "fused" / "00.jpg"), np.full((40, 50, 3), 90, np.uint8))
    folders = Folders(data=(("backlit", tmp_path / "backlit/train"),), val=(("backlit", tmp_path / "backlit/val"),))
    examples = gather(folders, enough=10, seed=0)
    good = [(n, m) for n, y, m in zip(examples.names, examples.y, examples.measured, strict=True) if y == 0]
    # The single exposure comes last, counts little, and settles no threshold.
    assert [name for name, held in good if not held] == ["00.jpg", *(f"{n:02d}.png" for n in range(1, 10)), "00.png"]
    assert (float(examples.weight[~examples.measured][-1]), examples.original[~examples.measured][-1]) == (
        pytest.approx(0.15),
        False,
    )
    assert [name for name, held in good if held] == ["00.png", "01.png", "02.png"]  # those measured stay what they were
