"""`restorect.load` with the shipped weights: one call for whatever a photograph needs."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import restorect
from restorect import devices
from restorect.auto.decision import Decision
from restorect.errors import CheckpointError, ConfigError, DeviceError, ImageError
from restorect.infer.auto_restorer import AutoRestorer
from restorect.infer.options import Options
from restorect.infer.restorer import Restorer
from restorect.weights.catalogue import shipped_weights

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.jpg"))


def example(path: Path) -> np.ndarray:
    """Made smaller: networks take long on a whole photo."""
    image = Image.open(path)
    image.thumbnail((192, 192))
    return np.asarray(image)


@pytest.fixture(scope="module")
def auto() -> AutoRestorer:
    loaded = restorect.load(size="nano")
    assert isinstance(loaded, AutoRestorer)
    return loaded


def test_examples_are_restored_as_by_the_networks_of_the_decided_task(auto: AutoRestorer) -> None:
    assert EXAMPLES
    for path in EXAMPLES:
        photo = example(path)
        decision = auto.decide(photo)
        task = "fundus" if path.stem.startswith("retina") else "low-light"
        assert (decision.task, decision.nothing_to_restore) == (task, False)
        assert 0.5 < decision.confidence <= 1
        better = auto(photo)
        assert (better.dtype, better.shape) == (photo.dtype, photo.shape)
        assert task == "fundus" or better.mean() > 1.5 * photo.mean()
        alone = restorect.load(decision.task, "nano")
        assert isinstance(alone, Restorer)
        assert np.array_equal(better, alone(photo))


def test_the_decision_is_the_same_for_every_kind_of_image(auto: AutoRestorer) -> None:
    photo = np.asarray(Image.open(EXAMPLES[0]))
    expected = auto.decide(photo)
    wide = photo.astype(np.uint16) * 257
    floats = photo.astype(np.float32) / np.float32(255)
    tensor = torch.from_numpy(floats).permute(2, 0, 1)
    for other in (wide, floats, tensor, tensor[None]):
        decision = auto.decide(other)
        assert decision.task == expected.task
        assert decision.confidence == pytest.approx(expected.confidence, abs=1e-3)


def test_the_chosen_networks_give_samples_and_doubt(auto: AutoRestorer) -> None:
    photo = example(EXAMPLES[0])
    restorer = auto.restorer_for(auto.decide(photo))
    dark, bright = restorer.sample(photo, 2)
    assert dark.image.mean() <= bright.image.mean()
    assert [each.image.tobytes() for each in auto.sample(photo, 2)] == [dark.image.tobytes(), bright.image.tobytes()]
    restored = auto.restore(photo, Options(samples=2, uncertainty=True))
    assert [image.tobytes() for image in restored.images] == [dark.image.tobytes(), bright.image.tobytes()]
    assert (restored.decision, restored.by) == (auto.decide(photo), restorer)
    halves = np.stack([dark.image, bright.image]).astype(np.float64) / 255
    np.testing.assert_allclose(restored.spread, np.sqrt(halves.var(axis=0).mean(axis=2)), atol=1e-6)


def test_weights_of_ones_own_come_before_the_task() -> None:
    loaded = restorect.load(weights=shipped_weights("backlit", "nano"))
    assert isinstance(loaded, Restorer)
    assert (loaded.task, loaded.size) == ("backlit", "nano")


def test_one_task_is_no_choice() -> None:
    with pytest.raises(ConfigError, match=r"use restorect\.load, or name one task"):
        Restorer.load("auto")
    with pytest.raises(CheckpointError, match="no weights for fog tiny"):
        restorect.load("fog")
    with pytest.raises(AttributeError, match="no attribute 'lode'"):
        restorect.lode  # noqa: B018


@pytest.mark.parametrize("image", [np.zeros((0, 4, 3), np.float32), np.zeros(5, np.float32), [1], torch.zeros(4, 4)])
def test_what_is_no_photograph_is_told(auto: AutoRestorer, image: object) -> None:
    for ask in (auto, auto.decide):
        with pytest.raises(ImageError):
            ask(image)  # type: ignore[operator]


def test_auto_s_networks_calculate_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "_cpu_has_bfloat16", lambda: False)
    with pytest.raises(DeviceError, match=r"^cpu here has no bfloat16 arithmetic of its own; use float32$"):
        restorect.load(size="nano", precision="bfloat16")
    monkeypatch.setattr(devices, "_cpu_has_bfloat16", lambda: True)
    auto = restorect.load(size="nano", precision="bfloat16")
    assert isinstance(auto, AutoRestorer)
    chosen = auto.restorer_for(Decision(task="backlit", confidence=0.9))
    assert chosen._dtype == torch.bfloat16
