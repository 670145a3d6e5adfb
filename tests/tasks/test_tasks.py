"""The tasks: each says all there is to know of it, and one more is one more file."""

import importlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from restorect import tasks
from restorect.cli import main as command
from restorect.errors import ConfigError
from restorect.evaluate.benchmarks import BENCHMARKS
from restorect.infer.restorer import Restorer
from restorect.nets.checkpoint import read_checkpoint
from restorect.render.checkpoint import restoration_config
from restorect.render.hue import HueConfig
from restorect.render.steps import AFTER, BEFORE
from restorect.tasks import Task, find_task, task_names
from restorect.weights.catalogue import shipped

Command = Callable[..., str]
ROOT = Path(__file__).parents[2]
NAMES = task_names()


def test_names_are_those_of_the_files() -> None:
    files = {path.stem for path in Path(tasks.__file__).parent.glob("*.py")} - {"__init__"}
    assert NAMES == tuple(sorted(name.replace("_", "-") for name in files))
    assert {"backlit", "fundus", "low-light", "underwater"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_each_file_has_its_task(name: str) -> None:
    task = find_task(name)
    assert isinstance(task, Task)
    assert task.title
    assert callable(task.simulate)
    assert "\n" not in task.notice
    assert all(isinstance(step, tuple(BEFORE.values())) for step in task.before)
    assert all(isinstance(step, tuple(AFTER.values())) for step in task.after)


@pytest.mark.parametrize("name", ["fog", "low_light", "", "__init__", "../low-light", "Fundus"])
def test_another_name_is_one_line(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        find_task(name)
    assert str(caught.value) == f"task {name!r} is unknown; choose one of {', '.join(NAMES)}"


def test_only_retinas_have_a_notice() -> None:
    assert "not for diagnosis" in find_task("fundus").notice
    assert not [name for name in NAMES if name != "fundus" and find_task(name).notice]


@pytest.mark.parametrize("name", NAMES)
def test_benchmarks_are_those_of_the_registry(name: str) -> None:
    own = find_task(name).benchmarks
    assert len(set(own)) == len(own)
    assert set(own) == {benchmark.name for benchmark in BENCHMARKS.values() if benchmark.task == name}


def test_every_benchmark_is_of_a_task() -> None:
    assert {benchmark.task for benchmark in BENCHMARKS.values()} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_its_recipe_is_one_of_its_own(name: str) -> None:
    path = ROOT / "recipes" / find_task(name).recipe
    assert path.is_file()
    assert yaml.safe_load(path.read_text(encoding="utf-8")).get("task", "low-light") == name


def test_names_cost_no_torch() -> None:
    code = (
        "import sys, restorect.tasks as t; t.task_names(); sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=900).returncode == 0


@pytest.mark.parametrize("shipped_as", sorted(shipped()))
def test_shipped_students_carry_the_steps_of_their_task(shipped_as: tuple[str, str]) -> None:
    """How bright a restoration is to be is a matter of the weights: `exposure` may differ, or be added."""
    path, task = shipped()[shipped_as], find_task(shipped_as[0])
    config = restoration_config(path, read_checkpoint(path)[1])
    assert config.before == task.before
    own, theirs = (tuple(step for step in steps if step.name != "exposure") for steps in (config.after, task.after))
    assert own == theirs
    names = [step.name for step in config.after]
    assert set(names) >= {step.name for step in task.after}
    assert "exposure" not in names or all(
        names.index("exposure") < names.index(n) for n in names if n in ("hue", "floor")
    )


FOG = """
import torch

from restorect.data.degrade.simulator import Degraded
from restorect.render.hue import HueConfig
from restorect.tasks import Task


def degrade_fog(image, generator):
    share = 0.3 + 0.4 * torch.rand((), generator=generator)
    return Degraded(torch.round(255 * image.lerp(torch.full_like(image, 0.8), share)) / 255, image)


TASK = Task(title="photos in fog", simulate=degrade_fog, after=(HueConfig(),), notice="fog: what it hid is guessed")
"""
SMALL = """
task: fog
preset: nano
seed: 3
network:
  transformer: { dim: 8, blocks: [1, 1, 1, 1], refine: 1, heads: [1, 1, 1, 1] }
  conditions: { width: 4, blocks: 1, view: 16 }
  velocity: { width: 16, blocks: 1 }
data: { hold_out: 0.3, sampling: { simulate: 0.5 } }
schedule: { steps: 2, patches: [32], batches: [2], validate_every: 0 }
"""


@pytest.fixture
def fog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A fifth task: nothing but its file."""
    folder = tmp_path / "more-tasks"
    folder.mkdir()
    (folder / "fog.py").write_text(FOG)
    monkeypatch.setattr(tasks, "__path__", [*tasks.__path__, str(folder)])
    importlib.invalidate_caches()
    yield
    sys.modules.pop("restorect.tasks.fog", None)
    vars(tasks).pop("fog", None)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """Run a command in this process: its standard error."""

    def once(*arguments: object) -> str:
        monkeypatch.setattr(sys, "argv", ["restorect", *map(str, arguments)])
        code: object = 0
        try:
            command.main()
        except SystemExit as end:
            code = end.code or 0
        error = capfd.readouterr().err
        assert code == 0, error
        return error

    return once


@pytest.mark.usefixtures("fog")
def test_a_fifth_task_is_one_file(run: Command, tmp_path: Path) -> None:
    assert "fog" in task_names()
    rng = np.random.default_rng(0)
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(4):
        image = cv2.resize(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8), (80, 64), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(photos / f"{number}.png"), image)

    pairs = tmp_path / "pairs"
    run("degrade", "fog", photos, "-o", pairs)
    for number in range(4):
        low, high = (cv2.imread(str(pairs / side / f"{number}.png")) for side in ("low", "high"))
        assert np.array_equal(high, cv2.imread(str(photos / f"{number}.png")))
        assert low.std() < 0.75 * high.std()  # fog

    recipe, stage0, out = tmp_path / "fog.yaml", tmp_path / "decompose", tmp_path / "student"
    recipe.write_text(SMALL)
    short = ["--steps", 2, "--set", "schedule.patches=[32]", "--set", "schedule.batches=[2]", "--set", "task=fog"]
    run("train", "decompose", "-o", stage0, "--data", pairs, *short, "--set", "data.hold_out=0.3", "--threads", 1)
    decomposition = ["--decomposition", stage0 / "last.safetensors"]
    run("train", "student", recipe, "-o", out, "--data", pairs, "--clean", photos, *decomposition, "--threads", 1)
    weights = out / "last.safetensors"
    card = read_checkpoint(weights)[1]
    assert (card.task, card.config["before"], card.config["after"]) == ("fog", [], [{"hue": {}}])
    assert restoration_config(weights, card).after == (HueConfig(),)

    restorer = Restorer.load(weights=weights)
    assert restorer.task == "fog"
    foggy = cv2.imread(str(pairs / "low" / "0.png"))[..., ::-1].copy()
    restored = restorer(foggy)
    assert (restored.shape, restored.dtype) == (foggy.shape, np.uint8)

    error = run("restore", pairs / "low", "-o", tmp_path / "restored", "--weights", weights)
    assert error.count("fog: what it hid is guessed") == 1
    written = cv2.imread(str(tmp_path / "restored" / "0.png"))[..., ::-1]
    assert np.array_equal(written, restored)
