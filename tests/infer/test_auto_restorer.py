"""The restorer that chooses, with a made-up catalogue of small random networks."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from restorect.auto.decision import Decision
from restorect.errors import CheckpointError, ImageError
from restorect.infer.auto_restorer import AutoRestorer
from restorect.infer.options import Options
from restorect.infer.restorer import Restorer
from restorect.nets.checkpoint import save_checkpoint
from restorect.nets.presets import student_preset
from restorect.render.checkpoint import restoration_card
from restorect.render.restoration import Restoration, RestorationConfig
from restorect.weights import catalogue


class Teller:
    """Says what it is told to say."""

    weights_hash = "c" * 64

    def __init__(self, task: str, mild: bool = False) -> None:
        self.task, self.mild, self.seen = task, mild, []

    def decide(self, picture: np.ndarray) -> Decision:
        self.seen.append(picture)
        return Decision(task=self.task, confidence=0.9, mild=self.mild)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    for seed, task in enumerate(("low-light", "backlit")):
        torch.manual_seed(seed)
        student = Restoration(RestorationConfig(student=student_preset("nano")))
        torch.nn.init.normal_(student.student.transformer.stem.output.weight, std=0.1)
        save_checkpoint(
            folder / f"{task}-nano.safetensors",
            student,
            restoration_card(student.config, task=task, preset="nano"),
        )
    return folder


@pytest.fixture
def make(folder: Path) -> Callable[[str], AutoRestorer]:
    files = {task: folder / f"{task}-nano.safetensors" for task in ("low-light", "backlit")}
    return lambda task: AutoRestorer(Teller(task), files, "nano", torch.device("cpu"))


def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (24, 20, 3), dtype=np.uint8)


def test_it_restores_as_the_network_it_chose(make: Callable[[str], AutoRestorer], folder: Path) -> None:
    for task in ("low-light", "backlit"):
        auto, alone = make(task), Restorer.load(weights=folder / f"{task}-nano.safetensors")
        options = {"seed": 3, "strength": 0.5, "steps": 2, "brightness": 1.5}
        assert np.array_equal(auto(image(), **options), alone(image(), **options))
        for one, other in zip(
            auto.sample(image(), 2, brightness=[0, 1]), alone.sample(image(), 2, brightness=[0, 1]), strict=True
        ):
            assert np.array_equal(one.image, other.image)
    (seen, _) = auto.classifier.seen
    np.testing.assert_allclose(seen, image() / np.float32(255), atol=1e-6)


def test_what_is_doubtful_gets_half_of_the_strength(make: Callable[[str], AutoRestorer], folder: Path) -> None:
    auto, alone = make("backlit"), Restorer.load(weights=folder / "backlit-nano.safetensors")
    auto.classifier = Teller("backlit", mild=True)
    assert np.array_equal(auto(image(), strength=0.8), alone(image(), strength=0.4))
    halves = zip(auto.sample(image(), 2), alone.sample(image(), 2, strength=0.5), strict=True)
    assert all(np.array_equal(one.image, other.image) for one, other in halves)


def test_networks_are_loaded_once_and_only_when_needed(
    make: Callable[[str], AutoRestorer], monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = []
    load = Restorer.load
    monkeypatch.setattr(Restorer, "load", lambda **given: loaded.append(given["weights"].name) or load(**given))
    auto = make("backlit")
    assert loaded == []
    auto(image())
    auto(image())
    assert loaded == ["backlit-nano.safetensors"]


def test_a_good_photo_comes_back_as_a_copy(make: Callable[[str], AutoRestorer]) -> None:
    photo = image()
    output = make("none")(photo)
    assert np.array_equal(output, photo)
    assert not np.shares_memory(output, photo)
    tensor = torch.rand(1, 3, 5, 6)
    copies = make("none").sample(tensor, 2)
    assert all(torch.equal(copy.image, tensor) and copy.codes is None for copy in copies)
    untouched = make("none").restore(tensor, Options(samples=2, uncertainty=True))
    assert (len(untouched.images), untouched.spread, untouched.by) == (2, None, None)
    assert untouched.decision.nothing_to_restore
    with pytest.raises(CheckpointError, match=r"nothing to restore, 90% sure; .* load the networks of a task"):
        make("none").restorer_for(make("none").decide(photo))


def test_strength_zero_asks_for_no_networks(make: Callable[[str], AutoRestorer]) -> None:
    assert np.array_equal(make("fundus")(image(), strength=0), image())


def test_missing_weights_are_named(make: Callable[[str], AutoRestorer]) -> None:
    with pytest.raises(CheckpointError, match=r"case for fundus \(90% sure\), but no weights for fundus nano"):
        make("fundus")(image())
    with pytest.raises(ImageError, match="one photograph at a time"):
        make("low-light")(torch.rand(2, 3, 8, 8))


def test_the_hash_knows_all_networks_and_the_classifier(make: Callable[[str], AutoRestorer]) -> None:
    one, other = make("none"), make("none")
    assert (one.task, one.size, one.weights_hash) == ("auto", "nano", other.weights_hash)
    fewer = AutoRestorer(Teller("none"), {"backlit": one._files["backlit"]}, "nano", torch.device("cpu"))
    changed = Teller("none")
    changed.weights_hash = "d" * 64
    newer = AutoRestorer(changed, one._files, "nano", torch.device("cpu"))
    assert len({one.weights_hash, fewer.weights_hash, newer.weights_hash}) == 3


def test_the_memory_estimate_is_that_of_the_hungriest(make: Callable[[str], AutoRestorer], folder: Path) -> None:
    alone = Restorer.load(weights=folder / "backlit-nano.safetensors")
    assert make("none").peak_bytes(600, 800) == alone.peak_bytes(600, 800)


def test_the_shipped_ones_are_found_by_size(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue.resources, "files", lambda name: folder)
    with pytest.raises(CheckpointError, match=r"no weights of size huge .*\(there is: nano\)"):
        AutoRestorer.load("huge")
    with pytest.raises(CheckpointError, match=r"auto\.safetensors: no such weight file"):
        AutoRestorer.load("nano")
    (folder / "auto.safetensors").touch()
    assert set(catalogue.shipped()) == {("low-light", "nano"), ("backlit", "nano")}
    (folder / "auto.safetensors").unlink()


def test_what_is_no_number_is_told_even_in_a_good_photo(make: Callable[[str], AutoRestorer]) -> None:
    spoilt = image().astype(np.float32) / 255
    assert np.array_equal(make("none")(spoilt), spoilt)
    spoilt[2, 3, 1] = np.nan
    with pytest.raises(ImageError, match="NaN"):
        make("none")(spoilt)
