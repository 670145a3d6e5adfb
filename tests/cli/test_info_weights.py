"""`restorect info` on weight files: the card, the steps, and one line for what is none."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from restorect.cli.main import app
from restorect.weights.catalogue import shipped, shipped_classifier

TEACHER = Path(__file__).parents[2] / "teachers" / "low-light-tiny-teacher.safetensors"


def _info(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["info", *map(str, arguments)])
    return result.exit_code, result.stdout, result.stderr


def test_a_student_shows_its_steps() -> None:
    code, text, _ = _info(shipped()["underwater", "nano"])
    assert code == 0
    for line in ("before       balance (clip 0.001, pull 0.7", "keep (share 0.3), exposure (trust 0.5", "test-uieb"):
        assert line in text


def test_for_machines() -> None:
    code, text, _ = _info(shipped()["fundus", "tiny"], "--json")
    facts = json.loads(text)
    assert (code, facts["kind"], facts["task"], facts["size"]) == (0, "student", "fundus", "tiny")
    assert (facts["before"], facts["after"]) == ([], [{"field-of-view": {}}])
    assert facts["metrics"]["validation"]["protocol"] == "rgb-full"


def test_teachers_and_classifiers_have_cards_too() -> None:
    code, text, _ = _info(TEACHER, shipped_classifier())
    assert code == 0
    assert "teacher" in text
    assert "none, low-light, underwater, backlit, fundus" in text or "none, backlit" in text


@pytest.mark.parametrize("content", [None, b"no weights"])
def test_what_is_none_is_one_line(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "x.safetensors"
    if content is not None:
        path.write_bytes(content)
    code, text, errors = _info(path)
    assert (code, text) == (1, "")
    assert errors.count("\n") == 1
    assert str(path) in errors


def test_damaged_weights_are_told(tmp_path: Path) -> None:
    content = bytearray(shipped()["low-light", "nano"].read_bytes())
    content[-1] ^= 1
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    code, _, errors = _info(path)
    assert code == 1
    assert "the copy is damaged" in errors
