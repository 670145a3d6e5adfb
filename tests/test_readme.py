"""The README is true: its commands and its Python run as written, and what it links to is there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)
COMMANDS = [line for kind, block in BLOCKS if kind == "sh" for line in block.splitlines()]
PYTHON = [block for kind, block in BLOCKS if kind == "python"]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like the repository's, with its examples, that commands may write to."""
    folder = tmp_path_factory.mktemp("readme")
    shutil.copytree(ROOT / "examples", folder / "examples")
    return folder


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=900)


def test_every_command_runs(workplace: Path) -> None:
    ran = 0
    for line in COMMANDS:
        words = line.partition("#")[0].split()
        if words[0] == "./dev":
            usage = subprocess.run(["sh", str(ROOT / "dev")], capture_output=True, text=True, timeout=900)
            assert f"./dev {words[1]}" in usage.stdout + usage.stderr
            continue
        assert words[0] == "restorect"
        result = run([sys.executable, "-m", "restorect.cli", *words[1:]], workplace)
        expected = (0, 1) if words[1] == "doctor" else (0,)  # doctor says with 1 that it found something to warn of
        assert result.returncode in expected, line + "\n" + result.stderr
        ran += 1
    assert ran >= 5
    for name in ("restored/forest-path.jpg", "restored/folder/dogs-night.jpg", "restored/choice/dogs-night-3.jpg"):
        assert (workplace / name).is_file()
    assert (workplace / "runs/decompose/last.safetensors").is_file()


def test_the_python_runs(workplace: Path) -> None:
    assert PYTHON
    for block in PYTHON:
        check = "\nassert bright.mean() > 2 * photo.mean()\nassert bright.shape == photo.shape\n"
        result = run([sys.executable, "-c", block + check], workplace)
        assert result.returncode == 0, result.stderr


def test_links_and_pictures_exist() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert links
    for link in links:
        assert (ROOT / link).exists(), link
