"""Weight files of format 1, made by hand: the same numbers, new names, settings as steps, one line for the rest."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save, save_file
from torch import nn
from typer.testing import CliRunner

from restorect.checksums import CHECKSUM_KEY, tensor_checksum
from restorect.cli.main import app
from restorect.configs import to_mapping
from restorect.errors import CheckpointError
from restorect.flow.velocity import VelocityConfig
from restorect.nets.checkpoint import Card, load_decomposition, load_teacher, read_checkpoint, save_checkpoint
from restorect.nets.priors import PriorConfig
from restorect.nets.student import StudentConfig
from restorect.nets.teacher import Teacher, TeacherConfig
from restorect.nets.transformer import TransformerConfig
from restorect.render.balance import BalanceConfig
from restorect.render.checkpoint import load_restoration
from restorect.render.exposure import ExposureConfig, ExposureNetConfig
from restorect.render.field_of_view import FieldOfViewConfig
from restorect.render.floor import FloorConfig
from restorect.render.hue import HueConfig
from restorect.render.keep import KeepConfig
from restorect.render.migrate import migrate
from restorect.render.restoration import Restoration, RestorationConfig
from restorect.render.step import StepConfig
from restorect.retinex.decomposition import DecompositionPair

SHAPE = {"dim": 8, "blocks": (1, 1, 1, 1), "refine": 1}
FOLDED, FULL = TransformerConfig(**SHAPE, stem=2), TransformerConfig(**SHAPE)  # type: ignore[arg-type]
PRIORS = PriorConfig(width=4, blocks=1, view=16)
STUDENT = StudentConfig(
    transformer=FOLDED, conditions=PRIORS, velocity=VelocityConfig(width=16, blocks=1), steps=3, start="mean"
)
ALL_ON = dict.fromkeys(("gain", "tone", "shoulder", "unlattice", "detail"), True)
FIRST = {"gain": True, "tone": True, "shoulder": False, "unlattice": False, "detail": False}
BARE = {"balance": None, "exposure": None, "exposure_mean": 0.45, "exposure_trust": 1.0, "hue": False, "floor": 0.0}
BALANCE = {"clip": 0.002, "pull": 0.6, "gain": 3.0, "saturation": 0.9, "keep": 0.3}


def _old_name(name: str) -> str:
    """What a tensor was called."""
    name = name.removeprefix("student.").replace("after.exposure.net.", "exposure.")
    return name.replace("transformer.stem.", "transformer.")


def _old(
    path: Path, network: nn.Module, kind: str, config: dict[str, Any], task: str = "low-light", **description: object
) -> Path:
    """A file of format 1, in half precision as shipped ones were."""
    tensors = {_old_name(name): tensor.half().contiguous() for name, tensor in network.state_dict().items()}
    fields = {
        "format_version": 1,
        "kind": kind,
        "task": task,
        "preset": "mine",
        "config": config,
        "recipe": {"seed": 3},
    }
    fields |= {"data": ["a"], "licence": "MIT", "metrics": {"x": 1}, "notes": {"steps": 7}}
    fields |= {CHECKSUM_KEY: tensor_checksum(save(tensors))} | description
    save_file(tensors, path, metadata={"restorect": json.dumps(fields)})
    return path


def _student(*after: StepConfig, before: tuple[StepConfig, ...] = ()) -> Restoration:
    """A student of today with random numbers everywhere."""
    torch.manual_seed(0)
    return _random(Restoration(RestorationConfig(student=STUDENT, before=before, after=after)))


def _random(network: Any) -> Any:
    for tensor in network.state_dict().values():
        if tensor.is_floating_point():
            nn.init.uniform_(tensor, 0.1, 0.2)
    return network.requires_grad_(False)


def _old_student(path: Path, network: Restoration, task: str, **config: object) -> Path:
    own = to_mapping(STUDENT)
    own["transformer"] |= ALL_ON
    return _old(path, network, "student", own | BARE | config, task)


def _same(network: nn.Module, other: nn.Module) -> None:
    own, theirs = network.state_dict(), other.state_dict()
    assert own.keys() == theirs.keys()
    assert all(torch.equal(own[name], theirs[name].half().float()) for name in own)


NET = ExposureNetConfig(width=4, dropout=0.1)
CASES: dict[str, tuple[str, dict[str, Any], tuple[StepConfig, ...], tuple[StepConfig, ...]]] = {
    "water": (
        "underwater",
        {"balance": BALANCE, "exposure_trust": 0.5},
        (BalanceConfig(clip=0.002, pull=0.6, gain=3.0, saturation=0.9),),
        (KeepConfig(share=0.3), ExposureConfig(trust=0.5, source="seen")),
    ),
    "water without keep": (
        "underwater",
        {"balance": {"clip": 0.002, "pull": 0.6}},
        (BalanceConfig(clip=0.002, pull=0.6),),
        (KeepConfig(share=0.0),),
    ),
    "night": (
        "low-light",
        {"exposure": to_mapping(NET), "exposure_trust": 0.35, "hue": True, "floor": 0.85},
        (),
        (ExposureConfig(trust=0.35, source="net", net=NET), HueConfig(), FloorConfig(share=0.85)),
    ),
    "night that is trusted": (
        "low-light",
        {"exposure": to_mapping(NET)},
        (),
        (ExposureConfig(trust=1.0, source="net", net=NET),),
    ),
    "against the light": (
        "backlit",
        {"exposure_trust": 0.5, "exposure_mean": 0.43, "hue": True},
        (),
        (ExposureConfig(trust=0.5, source="constant", mean=0.43), HueConfig()),
    ),
    "retina": ("fundus", {}, (), (FieldOfViewConfig(),)),
    "plain": ("low-light", {}, (), ()),
}


@pytest.mark.parametrize("case", CASES)
def test_a_student_has_the_same_numbers_and_its_settings_are_steps(case: str, tmp_path: Path) -> None:
    task, config, before, after = CASES[case]
    network = _student(*after, before=before)
    source = _old_student(tmp_path / "old.safetensors", network, task, **config)
    names = load_file(source).keys()
    assert "transformer.tone.first.weight" in names
    assert not any(name.startswith(("student.", "after.")) for name in names)
    migrate(source, tmp_path / "new.safetensors")
    loaded, card = load_restoration(tmp_path / "new.safetensors")
    assert loaded.config == network.config
    _same(loaded, network)
    assert (card.kind, card.task, card.preset, card.licence) == ("student", task, "mine", "MIT")
    assert (card.data, card.recipe, card.metrics, card.notes) == (("a",), {"seed": 3}, {"x": 1}, {"steps": 7})
    assert {tensor.dtype for tensor in load_file(tmp_path / "new.safetensors").values()} == {torch.float16}


def test_settings_that_older_files_do_not_have_are_those_of_then(tmp_path: Path) -> None:
    network = _student()
    config = to_mapping(STUDENT)
    config["transformer"] |= ALL_ON
    del config["start"], config["flow"]
    source = _old(tmp_path / "old.safetensors", network, "student", config)
    migrate(source, source)  # in place
    loaded, _ = load_restoration(source)
    assert (loaded.config.student.start, loaded.config.after) == ("noise", ())
    _same(loaded, network)


def _teacher(transformer: TransformerConfig) -> Teacher:
    return _random(Teacher(TeacherConfig(transformer=transformer, priors=PRIORS)))  # type: ignore[no-any-return]


def _old_teacher(path: Path, network: Teacher, **switches: bool) -> Path:
    config = to_mapping(network.config)
    config["transformer"] |= switches
    return _old(path, network, "teacher", config)


def test_a_teacher_with_all_switches_on(tmp_path: Path) -> None:
    network = _teacher(FOLDED)
    migrate(_old_teacher(tmp_path / "old.safetensors", network, **ALL_ON), tmp_path / "new.safetensors")
    loaded, _ = load_teacher(tmp_path / "new.safetensors")
    assert loaded.config == network.config
    _same(loaded, network)


@pytest.mark.parametrize("switches", [{}, dict.fromkeys(ALL_ON, False)])
def test_a_teacher_at_full_resolution(switches: dict[str, bool], tmp_path: Path) -> None:
    network = _teacher(FULL)
    migrate(_old_teacher(tmp_path / "old.safetensors", network, **switches), tmp_path / "new.safetensors")
    _same(load_teacher(tmp_path / "new.safetensors")[0], network)


def test_the_first_teachers_get_a_detail_that_changes_nothing(tmp_path: Path) -> None:
    network = _teacher(FOLDED)
    path, factors = (
        _old_teacher(tmp_path / "old.safetensors", network, **FIRST),
        "transformer.stem.detail.factors.weight",
    )
    tensors = load_file(path)
    del tensors["transformer.detail.factors.weight"]
    with safe_open(path, framework="pt") as file:
        description = json.loads(file.metadata()["restorect"])
    description[CHECKSUM_KEY] = tensor_checksum(save(tensors))
    save_file(tensors, path, metadata={"restorect": json.dumps(description)})
    migrate(path, tmp_path / "new.safetensors")
    loaded, _ = load_teacher(tmp_path / "new.safetensors")
    assert not loaded.state_dict()[factors].any()
    network.state_dict()[factors].zero_()
    _same(loaded, network)


def test_a_decomposition_and_a_file_that_states_no_check_sum(tmp_path: Path) -> None:
    network = _random(DecompositionPair())
    path = tmp_path / "old.safetensors"
    tensors = {name: tensor.half() for name, tensor in network.state_dict().items()}
    fields = {"format_version": 1, "kind": "decomposition", "task": "low-light", "config": {}}
    save_file(tensors, path, metadata={"restorect": json.dumps(fields)})
    migrate(path, tmp_path / "new.safetensors")
    _same(load_decomposition(tmp_path / "new.safetensors")[0], network)
    read_checkpoint(tmp_path / "new.safetensors")  # now it states one


@pytest.mark.parametrize("load", [load_restoration, load_teacher, load_decomposition, read_checkpoint])
def test_whoever_loads_an_old_file_is_told_how_to_bring_it_up_to_date(
    load: Callable[[Path], object], tmp_path: Path
) -> None:
    path = _old_student(tmp_path / "old.safetensors", _student(), "low-light")
    with pytest.raises(CheckpointError) as caught:
        load(path)
    wanted = "checkpoint version 1, this restorect reads 2; bring it up to date with `restorect train migrate`"
    assert str(caught.value) == f"{path}: {wanted}"


def _refused(path: Path, message: str) -> None:
    with pytest.raises(CheckpointError) as caught:
        migrate(path, path.with_name("new.safetensors"))
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not path.with_name("new.safetensors").exists()


def test_a_file_of_today_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "today.safetensors"
    save_checkpoint(path, DecompositionPair(), Card(kind="decomposition", task="low-light"))
    _refused(path, "is of format 2; only files of format 1 are migrated")


def test_a_damaged_file(tmp_path: Path) -> None:
    path = _old_student(tmp_path / "old.safetensors", _student(), "low-light")
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)
    _refused(path, "its weights do not fit their check sum: the copy is damaged")
    path.write_bytes(content[:-100])
    _refused(path, "not a restorect checkpoint of format 1")


@pytest.mark.parametrize(
    "metadata", [None, {"format": "pt"}, {"restorect": "{"}, {"restorect": "7"}, {"restorect": "{}"}]
)
def test_somebody_elses_file(metadata: dict[str, str] | None, tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"w": torch.ones(2)}, path, metadata=metadata)
    _refused(path, "not a restorect checkpoint of format 1; give another file")


def test_no_file_and_no_weights(tmp_path: Path) -> None:
    _refused(tmp_path / "gone.safetensors", "no such weight file")
    (tmp_path / "text.safetensors").write_text("hello")
    _refused(tmp_path / "text.safetensors", "not a restorect checkpoint of format 1")


@pytest.mark.parametrize(
    "switches", [{}, FIRST | {"tone": False}, FIRST | {"gain": False}, {"detail": True}, dict.fromkeys(ALL_ON, False)]
)
def test_ends_that_no_network_has_any_more(switches: dict[str, bool], tmp_path: Path) -> None:
    path = _old_teacher(tmp_path / "old.safetensors", _teacher(FOLDED), **switches)
    _refused(path, "its transformer has ends that no network has any more; train it again")


@pytest.mark.parametrize("switches", [{"gain": True}, {"detail": True}, {"tone": True, "gain": True}])
def test_ends_at_full_resolution_that_no_network_has_any_more(switches: dict[str, bool], tmp_path: Path) -> None:
    path = _old_teacher(tmp_path / "old.safetensors", _teacher(FULL), **switches)
    _refused(path, "its transformer has ends that no network has any more; train it again")


@pytest.mark.parametrize(
    "config",
    [[], 7, "x", {"transformer": 7}, {"transformer": {"stem": "two"}}, {"balance": 7}, {"exposure_trust": "much"}],
)
def test_a_config_that_is_not_understood(config: object, tmp_path: Path) -> None:
    path = _old(tmp_path / "old.safetensors", _random(DecompositionPair()), "student", config)  # type: ignore[arg-type]
    _refused(path, "its network config is not understood")


def test_no_output_layer_where_one_must_be(tmp_path: Path) -> None:
    config: dict[str, Any] = {"transformer": {"stem": 2, "gain": True, "tone": True}}
    path = _old(tmp_path / "old.safetensors", _random(DecompositionPair()), "teacher", config)
    _refused(path, "its network config is not understood")


def test_the_command(tmp_path: Path) -> None:
    network = _student(FieldOfViewConfig())
    path, out = _old_student(tmp_path / "old.safetensors", network, "fundus"), tmp_path / "new.safetensors"
    done = CliRunner().invoke(app, ["train", "migrate", str(path), "-o", str(out)])
    assert (done.exit_code, done.output) == (0, "")
    _same(load_restoration(out)[0], network)
    command = [sys.executable, "-m", "restorect.cli", "train", "migrate", str(out), "-o", str(tmp_path / "more")]
    again = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
    assert again.returncode == 2
    assert again.stderr == f"restorect: {out}: is of format 2; only files of format 1 are migrated\n"
    assert not (tmp_path / "more").exists()


def test_the_command_replaces_nothing_unless_told(tmp_path: Path) -> None:
    path = _old_student(tmp_path / "old.safetensors", _student(), "fundus")
    before, out = path.read_bytes(), tmp_path / "mine.safetensors"
    out.write_text("mine")
    for target in (out, path):
        done = CliRunner().invoke(app, ["train", "migrate", str(path), "-o", str(target)])
        assert str(done.exception) == f"{target}: is there already; choose another name, or use --force"
        assert (out.read_text(), path.read_bytes()) == ("mine", before)
    done = CliRunner().invoke(app, ["train", "migrate", str(path), "-o", str(out), "--force"])
    assert (done.exit_code, done.output) == (0, "")
    load_restoration(out)
