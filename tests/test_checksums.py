"""Check sums of tensors: the same whatever stands beside them, another one for any change of them."""

import json
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save

from restorect.auto.classifier import LAYERS, Classifier, ClassifierCard, pack
from restorect.auto.statistics import COUNT
from restorect.checksums import CHECKSUM_KEY, DESCRIPTION_KEY, stated_checksum, tensor_checksum
from restorect.errors import CheckpointError
from restorect.nets.checkpoint import read_checkpoint, save_checkpoint
from restorect.nets.presets import student_preset
from restorect.render.checkpoint import load_restoration, restoration_card
from restorect.render.restoration import Restoration, RestorationConfig

TENSORS = {"b.weight": torch.arange(6.0).view(2, 3), "a": torch.tensor(1.5).half(), "c": torch.zeros(0, 4)}


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "own.safetensors"
    torch.manual_seed(0)
    config = RestorationConfig(student=student_preset("nano"))
    save_checkpoint(path, Restoration(config), restoration_card(config, task="low-light", preset="nano"), torch.float16)
    return path


def test_order_and_metadata_do_not_matter() -> None:
    backwards = dict(reversed(TENSORS.items()))
    first = tensor_checksum(save(TENSORS))
    assert first == tensor_checksum(save(backwards)) == tensor_checksum(save(TENSORS, metadata={"a": "b"}))
    assert len(first) == 64


def test_every_change_of_a_tensor_matters() -> None:
    changed = [
        TENSORS | {"b.weight": TENSORS["b.weight"] + 1},
        TENSORS | {"b.weight": TENSORS["b.weight"].view(3, 2)},
        TENSORS | {"b.weight": TENSORS["b.weight"].view(torch.int32)},
        TENSORS | {"c": torch.zeros(4, 0)},
        {name if name != "a" else "aa": tensor for name, tensor in TENSORS.items()},
        {name: tensor for name, tensor in TENSORS.items() if name != "c"},
    ]
    assert len({tensor_checksum(save(tensors)) for tensors in (TENSORS, *changed)}) == 7


def test_a_flipped_bit_anywhere_in_the_tensors_is_one_line(weights: Path, tmp_path: Path) -> None:
    content = weights.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    assert stated_checksum(content) == tensor_checksum(content)
    chance = random.Random(0)
    for place in (start, len(content) - 1, *(chance.randrange(start, len(content)) for _ in range(5))):
        damaged = bytearray(content)
        damaged[place] ^= 1 << chance.randrange(8)
        path = tmp_path / "damaged.safetensors"
        path.write_bytes(damaged)
        for read in (load_restoration, read_checkpoint):
            with pytest.raises(CheckpointError, match="do not fit their check sum: the copy is damaged") as caught:
                read(path)
            assert str(caught.value).startswith(f"{path}: ")


def test_a_file_that_states_no_check_sum_is_not_loaded(weights: Path, tmp_path: Path) -> None:
    content = weights.read_bytes()
    end = 8 + int.from_bytes(content[:8], "little")
    table = json.loads(content[8:end])
    description = json.loads(table["__metadata__"][DESCRIPTION_KEY])
    assert description["format_version"] == 2
    del description[CHECKSUM_KEY]
    table["__metadata__"][DESCRIPTION_KEY] = json.dumps(description)
    head = json.dumps(table).encode()
    head += b" " * (-len(head) % 8)
    path = tmp_path / "without.safetensors"
    path.write_bytes(len(head).to_bytes(8, "little") + head + content[end:])
    assert stated_checksum(path.read_bytes()) is None
    for read in (load_restoration, read_checkpoint):
        with pytest.raises(CheckpointError, match="do not fit their check sum") as caught:
            read(path)
        assert str(caught.value).startswith(f"{path}: ")


def test_a_flipped_bit_in_a_classifier_is_one_line(tmp_path: Path) -> None:
    shapes = ((COUNT,), (COUNT,), (COUNT, 4), (4,), (4, 2), (2,))
    layers = {name: np.ones(shape, np.float32) for name, shape in zip(LAYERS, shapes, strict=True)}
    content = pack(layers, ClassifierCard(classes=("none", "low-light"), thresholds={"low-light": 0.5}))
    path = tmp_path / "auto.safetensors"
    path.write_bytes(content)
    assert Classifier.load(path).card.classes == ("none", "low-light")
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 4]))
    with pytest.raises(CheckpointError, match="do not fit their check sum"):
        Classifier.load(path)
