"""Training where nothing is installed but torch, numpy, opencv, Pillow, safetensors, PyYAML, rich and typer."""

import contextlib
import os
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import pytest

from restorect.nets.checkpoint import read_checkpoint
from restorect.render.checkpoint import load_restoration
from restorect.render.exposure import Exposure

WANTED = {"torch", "numpy", "opencv-python-headless", "pillow", "safetensors", "pyyaml", "rich", "typer"}
BARE = """
import importlib.util
from importlib.machinery import PathFinder

find = PathFinder.find_spec
PathFinder.find_spec = lambda name, *more: None if name.partition(".")[0] in BLOCKED else find(name, *more)
assert importlib.util.find_spec("imagecodecs") is None
from restorect.cli.__main__ import main
main()
"""


def needed() -> set[str]:
    """The wanted distributions, and all that they ask for themselves."""
    found, waiting = set(), set(WANTED)
    while waiting:
        name = waiting.pop()
        found.add(name)
        with contextlib.suppress(PackageNotFoundError):
            asked = [text for text in requires(name) or [] if "extra ==" not in text]
            waiting |= {normal(re.split(r"[^\w.-]", text)[0]) for text in asked} - found
    return found


def normal(name: str) -> str:
    return name.lower().replace("_", "-")


def blocked() -> set[str]:
    """Modules that a bare machine would not have: our other dependencies, and whatever else is installed here."""
    kept = needed() | {"restorect", "setuptools"}
    here = {module for module, names in packages_distributions().items() if not {normal(n) for n in names} & kept}
    return here | {"pydantic", "imagecodecs", "platformdirs", "tifffile", "psutil"} - kept  # newer typers need pydantic


def bare(*arguments: object) -> subprocess.CompletedProcess[str]:
    program = f"BLOCKED = {blocked()!r}\n{BARE}"
    command = [sys.executable, "-c", program, "train", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})


def test_what_is_blocked() -> None:
    missing = blocked()
    assert {"pytest", "hypothesis", "imagecodecs"} <= missing
    assert not {"torch", "numpy", "cv2", "PIL", "safetensors", "yaml", "rich", "typer", "restorect"} & missing


@pytest.mark.slow
def test_all_stages_train_on_a_bare_machine(pairs_folder: Path, tmp_path: Path) -> None:
    small = ["--data", pairs_folder, "--device", "cpu", "--threads", 1, "--steps", 2]
    small += ["--set", "schedule.patches=[32]", "--set", "schedule.batches=[2]", "--set", "data.hold_out=0.1"]
    student, muon = ["--set", "preset=nano"], ["--set", "optimiser.name=muon"]
    last = {stage: tmp_path / stage / "last.safetensors" for stage in ("decompose", "teacher", "student", "exposure")}
    for stage, options in {
        "decompose": [],
        "teacher": ["--decomposition", last["decompose"], *muon],
        "student": ["--teacher", last["teacher"], "--set", "codes_share=0.5", *student, *muon],
        "exposure": ["--init", last["student"]],
    }.items():
        done = bare(stage, "-o", tmp_path / stage, *small, *options)
        assert done.returncode == 0, done.stderr
        assert read_checkpoint(last[stage])[1].notes["steps"] >= 1
    step = load_restoration(last["exposure"])[0].after["exposure"]
    assert isinstance(step, Exposure)
    assert step.net is not None
