"""`restorect restore --brightness` with the shipped networks: into a folder, and to standard output."""

import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from restore_files import photo, pixels_of

from restorect import Restorer
from restorect.cli import main as command


def _run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["restorect", "restore", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        command.main()
    return int(end.value.code or 0)


@pytest.mark.parametrize("task", ["low-light", "fundus"])
def test_files_and_pipes_are_brightened_as_in_python(
    task: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: Any
) -> None:
    source, how = photo(tmp_path / "a.png"), ("--task", task, "--size", "nano", "--brightness", "-1.5")
    assert _run(monkeypatch, source, "-o", tmp_path / "out", *how) == 0
    expected = Restorer.load(task, "nano")(pixels_of(source)[..., ::-1], brightness=-1.5)
    found = pixels_of(tmp_path / "out" / "a.png")[..., ::-1]
    assert np.abs(found.astype(int) - expected).max() <= 1
    capfdbinary.readouterr()
    assert _run(monkeypatch, source, "-o", "-", *how) == 0
    piped = cv2.imdecode(np.frombuffer(capfdbinary.readouterr().out, np.uint8), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(piped[..., ::-1], found)


@pytest.mark.parametrize("stops", ["3.1", "-4", "nan", "inf"])
@pytest.mark.parametrize("out", ["out", "-"])
def test_out_of_range_is_one_line(
    stops: str, out: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert _run(monkeypatch, photo(tmp_path / "a.png"), "-o", out, "--brightness", stops) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"brightness is {float(stops):g}; it must be from -3 to 3 stops" in line
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
