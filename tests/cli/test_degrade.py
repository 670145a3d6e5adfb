import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from restorect.cli.main import app
from restorect.tasks import task_names


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed, name in enumerate(("one.jpg", "two.png")):
        pixels = np.random.default_rng(seed).integers(0, 256, (40, 50, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / name)
    return folder


def _run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["degrade", *map(str, arguments)])
    return result.exit_code, result.output


def test_help_names_every_task() -> None:
    code, text = _run("--help")
    assert code == 0
    assert all(task in text for task in task_names())


@pytest.mark.parametrize("task", task_names())
def test_folder_becomes_pairs(task: str, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, text = _run(task, photos, "-o", out)
    assert (code, "2 pairs" in text) == (0, True)
    for part in ("low", "high"):
        assert sorted(file.name for file in (out / part).iterdir()) == ["one.png", "two.png"]


def test_file_seed_count_and_force(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ("low-light", photos / "one.jpg", "-o", out, "--count", 2)
    assert _run(*arguments)[0] == 0
    first = (out / "low/one-1.png").read_bytes()
    code, text = _run(*arguments)
    assert (code, "--force" in text) == (1, True)
    assert _run(*arguments, "--force")[0] == 0
    assert (out / "low/one-1.png").read_bytes() == first
    assert _run(*arguments, "--force", "--seed", 3)[0] == 0
    assert (out / "low/one-1.png").read_bytes() != first


def test_bad_file_is_one_line_and_exit_1(photos: Path, tmp_path: Path) -> None:
    (photos / "bad.jpg").write_text("no picture")
    code, text = _run("low-light", photos, "-o", tmp_path / "out")
    assert code == 1
    assert text.count("bad.jpg") == 1
    assert "2 pairs" in text
    assert (tmp_path / "out/low/two.png").exists()


@pytest.mark.parametrize("arguments", [["fog", "."], ["low-light", "nowhere"]], ids=["task", "input"])
def test_usage_errors_exit_2_without_traceback(arguments: list[str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "restorect.cli", "degrade", *arguments, "-o", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert arguments[0 if arguments[0] == "fog" else 1] in done.stderr
