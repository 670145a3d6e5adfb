"""`restorect export`, and `restorect info` of what it writes: words, exit codes, one line for bad input."""

import json
import os
import subprocess
import sys
from pathlib import Path

import onnx
import pytest
from typer.testing import CliRunner

from restorect.cli.main import app
from restorect.weights.catalogue import shipped


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The real command."""
    words = [sys.executable, "-m", "restorect.cli", *map(str, arguments)]
    return subprocess.run(
        words, capture_output=True, text=True, timeout=900, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )


def info(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["info", *map(str, arguments)])
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.slow
def test_a_shipped_network(tmp_path: Path) -> None:
    result = command("export", "low-light", "--size", "nano", "-o", tmp_path / "model", "--fix", "60x80")
    assert (result.returncode, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert [line.split("/")[-1].split()[0] for line in lines[:3]] == ["encoder.onnx", "decoder.onnx", "fusion.onnx"]
    assert lines[6].startswith("differs from torch by ")
    assert lines[7].startswith("decoder without fusion, which ")
    code, text, errors = info(tmp_path / "model/decoder.optimised.onnx")
    assert (code, errors) == (0, "")
    for line in (
        "kind         ONNX decoder",
        "sides        60x80",
        "hue, floor (share 0.85)",
        "load it without optimisation",
    ):
        assert line in text


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["fog"], "no weights for fog tiny come with this package"),
        (["low-light", "--size", "huge"], "low-light has nano, small, tiny"),
        (["auto"], "name one task"),
        (["low-light", "--fix", "400"], "--fix 400: write height x width in pixels, for example 400x600"),
        (["low-light", "--fix", "-4x6"], "--fix -4x6: write height x width"),
        (["low-light", "--fix", "0x600"], "fixed sides must be from 1 to 4096"),
        (["backlit", "--weights", str(shipped()["fundus", "nano"])], "its task is fundus, not backlit; name that one"),
        (["low-light", "--weights", "none.safetensors"], "none.safetensors: no such weight file"),
    ],
)
def test_bad_wishes_are_one_line(tmp_path: Path, arguments: list[str], line: str) -> None:
    result = command("export", *arguments, "-o", tmp_path / "model")
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert line in result.stderr
    assert not (tmp_path / "model").exists()


def graph(path: Path, **metadata: str) -> Path:
    """A graph of nothing with this metadata."""
    model = onnx.helper.make_model(onnx.helper.make_graph([], "nothing", [], []))
    onnx.helper.set_model_props(model, metadata)
    path.write_bytes(model.SerializeToString())
    return path


CARD = {
    "format_version": 2,
    **{"part": "decoder", "task": "low-light", "size": "tiny", "flow": "4 steps", "sides": "any"},
    **{"start": "mean", "steps": 4, "notice": "not for diagnosis"},
    **{"before": [], "after": [{"floor": {"share": 0.5}}, {"hue": {}}], "omitted": {"fusion": "is too large"}},
    **{"numbers": "float32", "inputs": {"input": "a photo"}, "outputs": {"output": "another"}},
    **{"weights": "abc", "data": [], "licence": "Apache-2.0"},
}


def test_info_prints_the_card(tmp_path: Path) -> None:
    path = graph(tmp_path / "x.onnx", restorect=json.dumps(CARD))
    code, text, _ = info(path)
    assert code == 0
    for line in (
        "ONNX decoder",
        "floor (share 0.5), hue",
        "without fusion is too large",
        "input input  a photo",
        "not for diagnosis",
    ):
        assert line in text
    code, text, _ = info(path, "--json")
    assert json.loads(text)["omitted"] == {"fusion": "is too large"}


@pytest.mark.parametrize(
    ("metadata", "line"),
    [
        ({}, "not exported by restorect"),
        ({"restorect": "[]"}, "not exported by restorect"),
        ({"restorect": "no JSON"}, "not exported by restorect"),
        ({"restorect": json.dumps({**CARD, "format_version": 9})}, "exported in version 9, this restorect reads 2"),
        ({"restorect": json.dumps({**CARD, "part": "middle"})}, "its card is not understood"),
        ({"restorect": json.dumps({**CARD, "after": [5]})}, "its card is not understood"),
        ({"restorect": json.dumps({**CARD, "checked": {"sizes": 5}})}, "its card is not understood"),
    ],
)
def test_graphs_of_others_are_one_line(tmp_path: Path, metadata: dict[str, str], line: str) -> None:
    path = graph(tmp_path / "x.onnx", **metadata)
    code, text, errors = info(path)
    assert (code, text, errors.count("\n")) == (1, "", 1)
    assert str(path) in errors
    assert line in errors


@pytest.mark.parametrize("content", [None, b"", b"no graph at all", b"\x08\x0a\xff\xff\xff"])
def test_what_is_no_graph_is_one_line(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "x.onnx"
    if content is not None:
        path.write_bytes(content)
    code, text, errors = info(path)
    assert (code, text, errors.count("\n")) == (1, "", 1)
    assert str(path) in errors


def test_without_the_extra_the_remedy_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = graph(tmp_path / "x.onnx")
    monkeypatch.setitem(sys.modules, "onnx", None)
    code, _, errors = info(path)
    assert code == 1
    assert 'pip install "restorect[onnx]"' in errors
