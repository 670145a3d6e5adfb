"""`restorect train` as a user meets it: real processes, one line for each mistake, exit code 2."""

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import yaml
from typer.testing import CliRunner

from restorect.cli.main import app
from restorect.errors import ConfigError
from restorect.nets.checkpoint import save_checkpoint, teacher_card
from restorect.nets.priors import PriorConfig
from restorect.nets.teacher import Teacher, TeacherConfig
from restorect.nets.transformer import TransformerConfig


def restorect(*arguments: str | Path, timeout: float = 900) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "restorect.cli", *map(str, arguments)]
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=timeout)


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for folder in ("low", "high"):
        (tmp_path / "pairs" / folder).mkdir(parents=True)
        for number in range(4):
            pixels = rng.integers(0, 255, (48, 40, 3), dtype=np.uint8)
            extension = "png" if folder == "low" else "jpg"
            cv2.imwrite(str(tmp_path / "pairs" / folder / f"p{number}.{extension}"), pixels)
    return tmp_path / "pairs"


def test_recipe_options_and_settings_meet_in_the_effective_recipe(pairs: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("seed: 4\nschedule: {minutes: 90, patches: [32], batches: [2]}\noptimiser: {lr: 1e-3}\n")
    out = tmp_path / "run"
    arguments = ("train", "decompose", recipe, "--data", pairs, "-o", out, "--steps", 2, "--set", "optimiser.clip=0.5")
    result = restorect(*arguments)
    assert result.returncode == 0, result.stderr
    effective = yaml.safe_load((out / "recipe.yaml").read_text())
    assert effective["seed"] == 4
    assert effective["schedule"]["steps"] == 2
    assert effective["schedule"]["minutes"] == 0  # --steps replaces the recipe's limit
    assert effective["optimiser"]["lr"] == 1e-3
    assert effective["optimiser"]["clip"] == 0.5
    assert {r["kind"] for r in map(json.loads, (out / "log.jsonl").read_text().splitlines())} == {"train", "val"}
    assert list((out / "tensorboard").iterdir())
    assert "best.safetensors" in result.stdout
    again = restorect(*arguments)
    assert again.returncode == 2
    assert "--resume" in again.stderr
    assert restorect(*arguments, "--resume").returncode == 0


def break_nothing_there(pairs: Path) -> str:
    for path in (pairs / "low").iterdir():
        path.unlink()
    return "holds no image"


def break_unpaired(pairs: Path) -> str:
    (pairs / "high" / "p2.jpg").unlink()
    return "p2.png: has no partner"


def break_sizes(pairs: Path) -> str:
    cv2.imwrite(str(pairs / "low" / "p1.png"), np.zeros((20, 30, 3), np.uint8))
    return "p1.png: is 30x20, but p1.jpg is 40x48"


def break_text(pairs: Path) -> str:
    (pairs / "low" / "p3.png").write_text("hello")
    return "p3.png: is not a photo that can be read, it looks like text"


def break_truncated(pairs: Path) -> str:
    path = pairs / "low" / "p0.png"
    path.write_bytes(path.read_bytes()[:60])
    return "p0.png: this PNG file is damaged or cut off"


def break_truncated_jpeg(pairs: Path) -> str:
    path = pairs / "high" / "p0.jpg"
    path.write_bytes(path.read_bytes()[:-200])
    return "p0.jpg: this JPEG file is damaged or cut off"


def break_folder(pairs: Path) -> str:
    (pairs / "high").rename(pairs / "clean")
    return "expected the folders low/ and high/"


@pytest.mark.parametrize(
    "spoil",
    [break_nothing_there, break_unpaired, break_sizes, break_text, break_truncated, break_truncated_jpeg, break_folder],
)
def test_a_bad_folder_is_one_line(spoil: object, pairs: Path, tmp_path: Path) -> None:
    message = spoil(pairs)  # type: ignore[operator]
    result = restorect("train", "decompose", "--data", pairs, "-o", tmp_path / "run", "--steps", 1)
    assert result.returncode == 2
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--set", "optimiser.rate=1"), "optimiser.rate: no such setting; allowed here: name, lr"),
        (("--set", "schedule.patches=[33]", "--set", "schedule.batches=[1]"), "multiples of 32"),
        (("--set", "nonsense"), "write it as name=value"),
        (("--device", "cuda:77"), "device 'cuda:77' is not available"),
        pytest.param(
            *(("--device", "cuda"), "device 'cuda' is not available on this machine; use --device cpu"),
            marks=pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU"),
        ),
        (("--set", "task=sunny"), "task 'sunny' has no simulator"),
    ],
)
def test_a_bad_option_is_one_line(arguments: tuple[str, ...], message: str, pairs: Path, tmp_path: Path) -> None:
    result = restorect("train", "decompose", "--data", pairs, "-o", tmp_path / "run", "--steps", 1, *arguments)
    assert result.returncode == 2
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_missing_and_foreign_checkpoints_are_one_line(pairs: Path, tmp_path: Path) -> None:
    for given, message in ((tmp_path / "no.safetensors", "no such weight file"), (__file__, "not a readable")):
        result = restorect("train", "teacher", "--data", pairs, "-o", tmp_path / "run", "--decomposition", given)
        assert result.returncode == 2
        assert message in result.stderr
        assert len(result.stderr.strip().splitlines()) == 1


def test_compiling_without_a_compiler_is_one_line(pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage0 = tmp_path / "dec" / "last.safetensors"
    small = ("--data", pairs, "--steps", 1, "--set", "schedule.patches=[32]", "--set", "schedule.batches=[1]")
    assert restorect("train", "decompose", "-o", stage0.parent, *small).returncode == 0
    monkeypatch.setenv("CXX", str(tmp_path / "no-compiler"))
    teacher = ("train", "teacher", "-o", tmp_path / "run", "--decomposition", stage0, *small)
    result = restorect(*teacher, "--set", "preset=nano", "--set", "compile=true")
    assert result.returncode == 2
    assert "torch.compile does not work here" in result.stderr
    assert "install g++" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_pack_ignores_nothing_that_is_given(tmp_path: Path) -> None:
    source, out = tmp_path / "teacher.safetensors", tmp_path / "out.safetensors"
    transformer = TransformerConfig(dim=8, blocks=(1, 1, 1, 1), refine=1, heads=(1, 1, 1, 1), stem=4)
    config = TeacherConfig(transformer=transformer, priors=PriorConfig(width=4, blocks=1, view=16))
    save_checkpoint(source, Teacher(config), teacher_card(config, task="low-light"))
    for options, message in {
        ("--after", "[hue]"): f"after: of students only, and {source} holds a teacher; leave it out",
        ("--note", "a=1", "--note", "a=2"): "--note a: is given twice; choose another name for one of them",
        ("--note", "a"): "--note a: write it as NAME=VALUE",
    }.items():
        result = restorect("train", "pack", source, "-o", out, *options)
        assert (result.returncode, result.stdout, result.stderr) == (2, "", f"restorect: {message}\n")
    assert not out.exists()


@pytest.mark.parametrize(
    ("command", "name", "message"),
    [
        ("pack", "Y.md", "-o {out}: weights are written to a .safetensors file; give a name that ends so"),
        ("pack", "Y", "-o {out}: weights are written to a .safetensors file; give a name that ends so"),
        ("pack", "there.safetensors", "{out}: is there already; choose another name, or use --force"),
        ("pack", "README.safetensors", "{folder}/README.md: is there already; choose another name, or use --force"),
        ("pack", "run.safetensors", "-o {out}: would overwrite {source}, which is read; give another name"),
        ("auto", "Y.md", "-o {out}: weights are written to a .safetensors file; give a name that ends so"),
        ("auto", "README.safetensors", "{folder}/README.md: is there already; choose another name, or use --force"),
    ],
)
def test_no_file_is_written_over_another(tmp_path: Path, command: str, name: str, message: str) -> None:
    held = {"run.safetensors": b"a run", "there.safetensors": b"packed", "README.md": b"read me"}
    for file, content in held.items():
        (tmp_path / file).write_bytes(content)
    source, out = tmp_path / "run.safetensors", tmp_path / name
    forced = ["--force"] if name == "run.safetensors" else []  # what is read stays, whatever is asked for
    given = [str(source)] if command == "pack" else ["--data", f"fundus={tmp_path}"]
    caught = CliRunner().invoke(app, ["train", command, *given, "-o", str(out), *forced]).exception
    assert isinstance(caught, ConfigError)
    assert str(caught) == message.format(out=out, source=source, folder=tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == held
