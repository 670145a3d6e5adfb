"""The classifier's file, its judgement, and the statistics under it."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from restorect.auto.classifier import LAYERS, Classifier, ClassifierCard, pack
from restorect.auto.decision import Decision
from restorect.auto.statistics import COUNT, statistics, thumbnail
from restorect.errors import CheckpointError, ConfigError
from restorect.weights.catalogue import shipped_classifier

CLASSES = ("none", "low-light", "underwater")
CARD = ClassifierCard(classes=CLASSES, thresholds={"low-light": 0.5, "underwater": 0.2}, data=("some",))


def layers(width: int = 4, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    shapes = ((COUNT,), (COUNT,), (COUNT, width), (width,), (width, 3), (3,))
    made = {name: rng.normal(size=shape).astype(np.float32) for name, shape in zip(LAYERS, shapes, strict=True)}
    return made | {"scale": np.abs(made["scale"]) + 0.1}


def picture(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((*shape, 3), dtype=np.float32)


def test_it_is_the_net_it_says(tmp_path: Path) -> None:
    import torch

    net = layers()
    (tmp_path / "a.safetensors").write_bytes(pack(net, CARD))
    classifier = Classifier.load(tmp_path / "a.safetensors")
    assert classifier.card == CARD
    x = np.random.default_rng(1).normal(size=(5, COUNT)).astype(np.float32)
    w = {name: torch.from_numpy(value) for name, value in net.items()}
    hidden = (((torch.from_numpy(x) - w["mean"]) / w["scale"]).clamp(-4, 4) @ w["weight_1"] + w["bias_1"]).relu()
    expected = (hidden @ w["weight_2"] + w["bias_2"]).softmax(dim=1).numpy()
    np.testing.assert_allclose(classifier.probabilities(x), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("probabilities", "task", "confidence"),
    [
        ((0.4, 0.5, 0.1), "low-light", 0.5),
        ((0.5, 0.4, 0.1), "none", 0.5),
        ((0.19, 0.01, 0.8), "underwater", 0.8),
        ((0.3, 0.1, 0.6), "none", 0.3),  # each task has a threshold of its own
    ],
)
def test_in_doubt_a_photo_is_left_alone(probabilities: tuple[float, ...], task: str, confidence: float) -> None:
    decision = Classifier(layers(), CARD, "").judge(np.array(probabilities, np.float32))
    assert decision.task == task
    assert decision.confidence == pytest.approx(confidence)
    assert decision.nothing_to_restore == (task == "none")


def test_a_doubtful_photo_is_restored_mildly() -> None:
    card = replace(CARD, sure={"low-light": 0.1, "underwater": 0.2})
    classifier = Classifier(layers(), card, "")
    told = [classifier.judge(np.array(p, np.float32)) for p in ((0.05, 0.9, 0.05), (0.1, 0.8, 0.1), (0.19, 0.0, 0.81))]
    assert [(one.task, one.mild) for one in told] == [("low-light", False), ("low-light", True), ("underwater", False)]
    assert [one.eased(0.8) for one in told] == [0.8, 0.4, 0.8]
    assert str(told[1]) == "low-light, 80% sure, mildly"
    assert not Classifier(layers(), CARD, "").judge(np.array((0.49, 0.51, 0.0), np.float32)).mild


def test_decisions_in_words() -> None:
    assert str(Decision(task="low-light", confidence=0.934)) == "low-light, 93% sure"
    assert str(Decision(task="none", confidence=1.0)) == "nothing to restore, 100% sure"
    assert str(Decision(task="none", confidence=0.04)).startswith("left as it is: nothing is certain enough (4%")


def test_unusable_files_are_one_line(tmp_path: Path) -> None:
    path, net = tmp_path / "a.safetensors", layers()
    with pytest.raises(CheckpointError, match="no such weight file"):
        Classifier.load(path)
    cases = {b"text": "not a usable classifier", pack(net | {"scale": net["scale"][:-1]}, CARD): "scale has shape"}
    wrong = replace(CARD, classes=("none", "low-light"), thresholds={"low-light": 0.5})
    cases[pack(net, wrong)] = "weight_2 has shape"
    for content, words in cases.items():
        path.write_bytes(content)
        with pytest.raises(CheckpointError, match=words) as caught:
            Classifier.load(path)
        assert "\n" not in str(caught.value)
    save_file({name: net[name] for name in LAYERS}, path)
    with pytest.raises(CheckpointError, match="not a usable classifier"):
        Classifier.load(path)
    for bad in (
        {"classes": ("a", "b")},
        {"thresholds": {"low-light": 0.5}},
        {"sure": {"low-light": 0.5}},
        {"sure": {"low-light": 0.5, "underwater": 0.3}},
    ):
        with pytest.raises(ConfigError):
            replace(CARD, **bad)


@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (5, 3), (700, 400)])
def test_any_size_and_any_value_gives_finite_numbers(shape: tuple[int, int]) -> None:
    odd = picture(*shape)
    odd.flat[0] = np.nan
    for image in (picture(*shape), picture(*shape) * 0, picture(*shape) * 0 + 1, odd, picture(*shape) * 9 - 4):
        thumb = thumbnail(image)
        assert thumb.shape == (128, 128, 3)
        assert (thumb.min() >= 0, thumb.max() <= 1) == (True, True)
        vector = statistics(thumb)
        assert vector.shape == (COUNT,)
        assert np.isfinite(vector).all()


def test_size_hardly_matters_and_the_picture_stays_untouched() -> None:
    import cv2

    small = cv2.GaussianBlur(picture(160, 200), (0, 0), 5)
    large = cv2.resize(small, (1000, 800), interpolation=cv2.INTER_CUBIC)
    before = large.copy()
    assert np.abs(thumbnail(large) - thumbnail(small)).max() < 0.02
    assert np.array_equal(large, before)


def test_a_photo_costs_a_few_passes_over_its_pixels() -> None:
    """Some 10 ms on an idle machine; a busy one takes longer for the passes too."""
    classifier, photo = Classifier(layers(320), CARD, ""), picture(1200, 1600)

    def least(action: Callable[[], object]) -> float:
        taken = []
        for _ in range(10):
            begun = time.process_time()
            action()
            taken.append(time.process_time() - begun)
        return min(taken)

    assert least(lambda: classifier.decide(photo)) < 8 * least(lambda: (photo * photo).sum())


def test_the_shipped_file_is_small_and_its_card_says_what_it_holds() -> None:
    path = shipped_classifier()
    assert path.stat().st_size < 200_000
    card, text = Classifier.load(path).card, path.with_suffix(".md").read_text(encoding="utf-8")
    assert card.metrics is not None
    for name, row in zip(card.classes, card.metrics["confusion"], strict=True):
        assert f"| **{name}** | {' | '.join(map(str, row))} |" in text
    confusion = np.array(card.metrics["confusion"])
    right = confusion[1:].trace(offset=1) / confusion[1:].sum()
    touched = confusion[0, 1:].sum() / confusion[0].sum()
    assert (card.metrics["right"], card.metrics["touched"]) == pytest.approx((right, touched), abs=1e-4)
    assert f"for the right task: {right:.1%}" in text
    assert f"for whichever task: {touched:.1%}" in text


def test_bars_and_frames_are_not_looked_at() -> None:
    inside = picture(160, 240, seed=3)
    inside = 0.2 + 0.6 * inside
    plain = thumbnail(inside)
    black, white = np.zeros(3), np.ones(3)
    for above, beside, colour in ((40, 0, black), (0, 30, black), (20, 35, black), (20, 20, white)):
        bordered = np.empty((160 + 2 * above, 240 + 2 * beside, 3), np.float32)
        bordered[:] = colour
        bordered[above : above + 160, beside : beside + 240] = inside
        assert np.array_equal(thumbnail(bordered), plain)
    letterboxed = np.pad(inside, ((30, 30), (0, 0), (0, 0)))  # bars within a frame
    assert np.array_equal(thumbnail(np.pad(letterboxed, ((25, 25), (25, 25), (0, 0)), constant_values=0.95)), plain)


@pytest.mark.parametrize("sides", [((60, 0), (0, 0)), ((0, 0), (50, 0)), ((60, 20), (0, 0))])
def test_a_dark_side_of_the_picture_belongs_to_it(sides: tuple[tuple[int, int], tuple[int, int]]) -> None:
    image = np.pad(0.2 + 0.6 * picture(160, 240, seed=3), (*sides, (0, 0)))
    import cv2

    assert np.allclose(thumbnail(image), cv2.resize(image, (128, 128), interpolation=cv2.INTER_AREA))


def test_a_blown_sky_and_a_black_photo_are_no_borders() -> None:
    sky = np.pad(0.2 + 0.6 * picture(100, 200, seed=3), ((30, 30), (0, 0), (0, 0)), constant_values=1.0)
    assert thumbnail(sky)[0].min() > 0.999
    night = np.zeros((200, 200, 3), np.float32)
    night[90:110, 90:110] = 0.5  # a lamp, not a photo in a frame
    assert thumbnail(night)[0].max() == 0
