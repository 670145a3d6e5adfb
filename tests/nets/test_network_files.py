"""Checkpoints: what is written is read again, and whatever does not fit is named in one line."""

import hashlib
import itertools
import json
import os
import pickle
import re
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn.modules.module import _global_parameter_registration_hooks

from peak import within
from restorect.errors import CheckpointError
from restorect.files import file_hash, write_atomically
from restorect.flow.velocity import VelocityConfig
from restorect.nets.checkpoint import (
    Card,
    load_decomposition,
    load_teacher,
    read_checkpoint,
    save_checkpoint,
    teacher_card,
)
from restorect.nets.priors import PriorConfig
from restorect.nets.student import StudentConfig
from restorect.nets.teacher import Teacher, TeacherConfig
from restorect.nets.transformer import TransformerConfig
from restorect.render.balance import BalanceConfig
from restorect.render.checkpoint import load_restoration, restoration_card
from restorect.render.exposure import ExposureConfig, ExposureNetConfig
from restorect.render.hue import HueConfig
from restorect.render.keep import KeepConfig
from restorect.render.restoration import Restoration, RestorationConfig
from restorect.retinex.decomposition import DecompositionPair

TRANSFORMER = TransformerConfig(dim=8, blocks=(1, 1, 1, 1), refine=1, stem=2, norm="pixel")
PRIORS = PriorConfig(width=4, blocks=1, view=16)
STUDENT = RestorationConfig(
    student=StudentConfig(
        transformer=TRANSFORMER,
        conditions=PRIORS,
        velocity=VelocityConfig(width=16, blocks=1),
        steps=3,
        method="heun",
        start="mean",
    ),
    before=(BalanceConfig(pull=0.6),),
    after=(KeepConfig(share=0.2), ExposureConfig(source="net", net=ExposureNetConfig(width=4)), HueConfig()),
)
TEACHER = TeacherConfig(transformer=TRANSFORMER, priors=PRIORS)
FIELDS: dict[str, Any] = {
    "task": "low-light",
    "preset": "mine",
    "recipe": {"optimiser": {"lr": 1e-4}},
    "data": ("a", "b"),
    "licence": "MIT",
    "metrics": {"val psnr": 21.5},
    "notes": {"steps": 7},
}
LOADERS: dict[str, Callable[[Path], tuple[nn.Module, Card]]] = {
    "student": load_restoration,
    "teacher": load_teacher,
    "decomposition": load_decomposition,
}


def _make(kind: str) -> tuple[nn.Module, Card]:
    torch.manual_seed(0)
    if kind == "student":
        return Restoration(STUDENT), restoration_card(STUDENT, **FIELDS)
    if kind == "teacher":
        return Teacher(TEACHER), teacher_card(TEACHER, **FIELDS)
    return DecompositionPair(), Card(kind="decomposition", **FIELDS)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("weights")
    for kind in LOADERS:
        save_checkpoint(folder / f"{kind}.safetensors", *_make(kind))
    return {kind: folder / f"{kind}.safetensors" for kind in LOADERS}


def _altered(
    source: Path,
    target: Path,
    weights: Callable[[dict[str, torch.Tensor]], object] = lambda w: None,
    describe: Callable[[dict[str, Any]], object] = lambda d: None,
) -> Path:
    """A copy of a checkpoint with its weights or its description changed in place."""
    tensors = load_file(source)
    with safe_open(source, framework="pt") as file:
        description = json.loads(file.metadata()["restorect"])
    weights(tensors)
    describe(description)
    save_file(tensors, target, metadata={"restorect": json.dumps(description)})
    return target


def _refused(path: Path, *things: str, load: Callable[[Path], object] = load_restoration) -> None:
    with pytest.raises(CheckpointError, match=f"^{re.escape(str(path))}: ") as caught:
        load(path)
    message = str(caught.value)
    assert "\n" not in message
    for thing in things:
        assert thing in message


@pytest.mark.parametrize("kind", LOADERS)
def test_round_trip(files: dict[str, Path], kind: str) -> None:
    network, card = _make(kind)
    loaded, loaded_card = LOADERS[kind](files[kind])
    assert loaded_card == card
    weights = loaded.state_dict()
    assert weights.keys() == network.state_dict().keys()
    for name, tensor in network.state_dict().items():
        assert torch.equal(weights[name], tensor), name
    assert not any(module.training for module in loaded.modules())


def test_the_config_comes_back_typed(files: dict[str, Path]) -> None:
    student, teacher = load_restoration(files["student"])[0], load_teacher(files["teacher"])[0]
    assert student.config == STUDENT
    assert teacher.config == TEACHER


def test_half_precision_on_disk_is_float32_in_memory(tmp_path: Path, files: dict[str, Path]) -> None:
    path = tmp_path / "half.safetensors"
    network, card = _make("student")
    save_checkpoint(path, network, card, torch.float16)
    running = {name for name, _ in network.named_buffers()}
    for name, tensor in load_file(path).items():
        assert tensor.dtype == (torch.float32 if name in running else torch.float16), name
    assert path.stat().st_size < 0.6 * files["student"].stat().st_size
    loaded, _ = load_restoration(path)
    for name, tensor in network.state_dict().items():
        kept = tensor if name in running else tensor.half().float()
        assert torch.equal(loaded.state_dict()[name], kept), name


def test_the_same_network_gives_the_same_bytes(tmp_path: Path, files: dict[str, Path]) -> None:
    path = tmp_path / "deep" / "again.safetensors"
    save_checkpoint(path, *_make("student"))
    assert path.read_bytes() == files["student"].read_bytes()
    assert file_hash(path) == hashlib.sha256(path.read_bytes()).hexdigest()
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_the_description_is_json_with_a_version(files: dict[str, Path]) -> None:
    with safe_open(files["student"], framework="pt") as file:
        metadata = file.metadata()
    description = json.loads(metadata["restorect"])
    assert description["format_version"] == 2
    assert description["kind"] == "student"
    config = description["config"]
    assert config["student"]["transformer"]["dim"] == 8
    assert config["student"]["steps"] == 3
    assert [next(iter(step)) for step in config["before"]] == ["balance"]
    assert [next(iter(step)) for step in config["after"]] == ["keep", "exposure", "hue"]
    assert config["after"][0] == {"keep": {"share": 0.2}}
    assert description["data"] == ["a", "b"]


def test_a_missing_file(tmp_path: Path) -> None:
    _refused(tmp_path / "gone.safetensors", "no such weight file")
    _refused(tmp_path, "no such weight file")


@pytest.mark.parametrize("kind", LOADERS)
def test_a_missing_weight(tmp_path: Path, files: dict[str, Path], kind: str) -> None:
    name = sorted(_make(kind)[0].state_dict())[3]
    path = _altered(files[kind], tmp_path / "less.safetensors", weights=lambda w: w.pop(name))
    _refused(path, f"weight {name} is missing", load=LOADERS[kind])


@pytest.mark.parametrize("kind", LOADERS)
def test_a_weight_too_many(tmp_path: Path, files: dict[str, Path], kind: str) -> None:
    path = _altered(
        files[kind], tmp_path / "more.safetensors", weights=lambda w: w.update({"more.bias": torch.ones(1)})
    )
    _refused(path, "weight more.bias does not belong", load=LOADERS[kind])


def test_a_wrong_shape(tmp_path: Path, files: dict[str, Path]) -> None:
    name = "student.transformer.stem.embed.weight"
    path = _altered(
        files["student"], tmp_path / "shape.safetensors", weights=lambda w: w.update({name: torch.ones(8, 12, 3, 1)})
    )
    _refused(path, f"weight {name} has shape (8, 12, 3, 1), expected (8, 12, 3, 3)")


def test_a_config_that_does_not_fit_the_weights(tmp_path: Path, files: dict[str, Path]) -> None:
    path = _altered(
        files["student"],
        tmp_path / "dim.safetensors",
        describe=lambda d: d["config"]["student"]["transformer"].update(dim=16),
    )
    _refused(path, "has shape", "expected")


@pytest.mark.parametrize(
    ("change", "thing"),
    [
        (lambda d: d["config"]["student"]["transformer"].update(dim=12), "dim is 12; it must be a multiple of 8"),
        (lambda d: d["config"]["student"]["transformer"].update(width=3), "transformer.width: no such setting"),
        (lambda d: d["config"]["student"].update(steps="many"), "steps: expected int"),
        (lambda d: d["config"]["student"].update(method="rk4"), "method: 'rk4' is not allowed"),
        (lambda d: d["config"].update(floor=0.5), "floor: no such part"),
        (lambda d: d["config"].update(before="balance"), "before: expected a list of steps"),
        (lambda d: d["config"]["after"].append("glow"), "after: step 'glow' is unknown"),
        (lambda d: d["config"]["after"].append("hue"), "after: step hue is there twice"),
        (lambda d: d["config"]["after"].append({"floor": {"share": 2}}), "share is 2"),
    ],
)
def test_a_config_that_is_not_understood(
    tmp_path: Path, files: dict[str, Path], change: Callable[[dict[str, Any]], object], thing: str
) -> None:
    _refused(_altered(files["student"], tmp_path / "x.safetensors", describe=change), "config is not understood", thing)


@pytest.mark.parametrize(
    ("change", "thing"),
    [
        (lambda d: d.update(format_version=3), "checkpoint version 3, this restorect reads 2; update restorect"),
        (lambda d: d.update(format_version="2"), "checkpoint version 2"),
        (lambda d: d.update(format_version=1), "bring it up to date with `restorect train migrate`"),
        (lambda d: d.pop("format_version"), "no description"),
        (lambda d: d.pop("task"), "task"),
        (lambda d: d.update(config=[]), "config: expected dict"),
        (lambda d: d.update(colour="red"), "colour: no such setting"),
        (lambda d: d.update(kind="painting"), "kind: 'painting' is not allowed"),
    ],
)
def test_a_description_that_is_not_understood(
    tmp_path: Path, files: dict[str, Path], change: Callable[[dict[str, Any]], object], thing: str
) -> None:
    _refused(_altered(files["student"], tmp_path / "x.safetensors", describe=change), thing)


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}, {"restorect": "{"}, {"restorect": "7"}])
def test_someone_else_s_safetensors(tmp_path: Path, metadata: dict[str, str] | None) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"w": torch.ones(2)}, path, metadata=metadata)
    _refused(path, "not a restorect checkpoint")


@pytest.mark.parametrize(("kind", "wanted"), list(itertools.permutations(LOADERS, 2)))
def test_another_kind(files: dict[str, Path], kind: str, wanted: str) -> None:
    _refused(files[kind], f"holds a {kind}, but a {wanted} is needed", load=LOADERS[wanted])


@pytest.mark.parametrize(
    "content",
    [b"", b"hello", b"\x00" * 64, struct.pack("<Q", 2**60) + b"{}", struct.pack("<Q", 5) + b"{nope"],
    ids=["empty", "text", "zeros", "huge header", "bad header"],
)
def test_not_a_safetensors_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.safetensors"
    path.write_bytes(content)
    _refused(path, "not a readable safetensors file")


def test_a_file_cut_short(tmp_path: Path, files: dict[str, Path]) -> None:
    path, content = tmp_path / "cut.safetensors", files["student"].read_bytes()
    path.write_bytes(content[:-100])
    _refused(path, "not a readable safetensors file")


class _Bomb:
    """Makes a folder when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.mkdir, (self.trace,)


@pytest.mark.parametrize("writer", ["pickle", "torch"])
def test_nothing_is_unpickled(tmp_path: Path, writer: str) -> None:
    path, trace = tmp_path / "bomb.safetensors", tmp_path / "trace"
    if writer == "pickle":
        path.write_bytes(pickle.dumps(_Bomb(trace)))
    else:
        torch.save({"w": _Bomb(trace)}, path)
    for load in (read_checkpoint, *LOADERS.values()):
        _refused(path, "not a readable safetensors file", load=load)
    assert not trace.exists()
    if writer == "pickle":
        pickle.loads(path.read_bytes())
        assert trace.exists()  # the bomb was live


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.bin"
    write_atomically(path, b"old")

    def fail(self: Path, target: Path) -> Path:
        raise OSError("no")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="no"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    monkeypatch.undo()
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c["student"]["transformer"].update(dim=8 * 10**6),
        lambda c: c["student"]["transformer"].update(blocks=[10**6, 1, 1, 1]),
        lambda c: c["student"]["transformer"].update(refine=10**9),
        lambda c: c["student"]["transformer"].update(expansion=1e300),
        lambda c: c["student"]["transformer"].update(expansion=float("inf")),
        lambda c: c["student"]["conditions"].update(width=10**7),
        lambda c: c["student"]["conditions"].update(blocks=10**7),
        lambda c: c["student"]["conditions"].update(view=10**7),
        lambda c: c["student"]["velocity"].update(width=10**7),
        lambda c: c["student"]["velocity"].update(blocks=10**7),
        lambda c: c["student"]["velocity"].update(frequencies=10**9),
        lambda c: c["after"][1]["exposure"]["net"].update(width=10**7),
        lambda c: c["student"].update(steps=10**9),
        lambda c: c["student"]["transformer"].update(
            dim=1024, blocks=[64, 64, 64, 64], refine=64
        ),  # allowed, and not the file's
        lambda c: c["student"]["velocity"].update(width=8192, blocks=64),
    ],
)
def test_absurd_sizes_are_refused_before_anything_is_built(
    tmp_path: Path, files: dict[str, Path], change: Callable[[dict[str, Any]], object]
) -> None:
    """Within the memory that this process has already: no parameter is filled that the file has no room for."""
    path = _altered(files["student"], tmp_path / "x.safetensors", describe=lambda d: change(d["config"]))
    with within(200):
        _refused(path)
    assert not _global_parameter_registration_hooks


def test_loading_imports_no_algebra_system(files: dict[str, Path]) -> None:
    """It would cost a second at each start."""
    code = "import sys; from pathlib import Path; from restorect.render.checkpoint import load_restoration;"
    code += "load_restoration(Path(sys.argv[1])); print('sympy' in sys.modules)"
    command = [sys.executable, "-c", code, str(files["student"])]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "False\n"


@pytest.mark.parametrize("text", ["[" * 100_000, '{"format_version":' + "[" * 100_000], ids=["all", "inside"])
def test_a_description_of_deep_brackets(tmp_path: Path, text: str) -> None:
    path = tmp_path / "deep.safetensors"
    save_file({"w": torch.ones(2)}, path, metadata={"restorect": text})
    _refused(path, "not a restorect checkpoint")


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.safetensors")
    _refused(tmp_path / "pipe.safetensors", "no such weight file")
    (tmp_path / "zero.safetensors").symlink_to("/dev/zero")
    _refused(tmp_path / "zero.safetensors", "no such weight file")


def test_a_file_larger_than_any_checkpoint_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.safetensors"
    with path.open("wb") as file:
        file.truncate(10**12)
    _refused(path, "1000000000000 bytes, too many for a checkpoint")
