"""`restorect doctor`: what it lists, and that it warns."""

import importlib.util
import json
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest
from typer.testing import CliRunner

from restorect.cli import doctor
from restorect.cli.main import app

WEIGHTS = [{"file": "low-light-tiny.safetensors", "bytes": 5, "sha256": "ab"}]


@pytest.fixture(autouse=True)
def _some_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "weight_files", lambda: WEIGHTS)


def without(monkeypatch: pytest.MonkeyPatch, absent: set[str], present: set[str]) -> None:
    find = importlib.util.find_spec

    def found(name: str, package: str | None = None) -> ModuleSpec | None:
        if name in absent:
            return None
        return ModuleSpec(name, None) if name in present else find(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", found)


def test_it_lists_what_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, {"torchvision", "rawpy"}, {"tensorboard"})
    result = CliRunner().invoke(app, ["doctor", "--json"])
    assert result.exit_code == 0, result.output
    facts = json.loads(result.stdout)
    assert facts["versions"]["torch"].startswith("2.")
    assert facts["devices"][0].startswith("cpu")
    assert facts["threads"]["cores"] >= 1
    assert facts["threads"]["torch"] >= 1
    assert (facts["extras"]["raw"], facts["extras"]["train"]) == (False, True)
    assert any("restorect[raw]" in hint for hint in facts["hints"])
    assert facts["weights"] == WEIGHTS
    assert facts["troubles"] == []
    text = CliRunner().invoke(app, ["doctor"]).stdout
    assert "low-light-tiny.safetensors" in text
    assert "restorect[raw]" in text


def test_it_warns_of_photos_that_cannot_be_read_without_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, {"torchvision", "pi_heif", "rawpy", "tensorboard"}, set())
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 0, "extras are optional"
    for extra, photos in (("heif", "HEIC photos"), ("raw", "camera RAW photos")):
        assert f"WARNING: the extra {extra} is not installed, so {photos} cannot be read: pip" in result.stderr
    assert "tensorboard" not in result.stderr
    assert "train" not in result.stderr
    without(monkeypatch, {"torchvision"}, {"pi_heif", "rawpy"})
    assert CliRunner().invoke(app, ["doctor"]).stderr == ""


def test_it_warns_loudly_about_torchvision(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, set(), {"torchvision"})
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 1
    assert "WARNING: torchvision is installed" in result.stderr
    assert "pip uninstall torchvision" in result.stderr


def test_it_warns_without_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, {"torchvision"}, set())
    monkeypatch.setattr(doctor, "weight_files", list)
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 1
    assert "no weights are installed" in result.stderr


def test_all_weights_are_checked_when_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, {"torchvision"}, set())
    names = [f"{name}.safetensors" for name in ("auto", "fundus-nano", "backlit-nano", "underwater-nano")]
    for name in (*names, "SHA256SUMS"):
        (tmp_path / name).write_bytes((doctor.weights_folder() / name).read_bytes())
    sums = (tmp_path / "SHA256SUMS").read_text().splitlines()
    (tmp_path / "SHA256SUMS").write_text("".join(f"{line}\n" for line in sums if line[66:] in names))
    monkeypatch.setattr(doctor, "weights_folder", lambda: tmp_path)
    result = CliRunner().invoke(app, ["doctor", "--weights"])
    assert result.exit_code == 0, result.output
    assert "fundus-nano.safetensors  as shipped, with a check sum of its own" in result.stdout
    damaged = bytearray((tmp_path / names[1]).read_bytes())
    damaged[-1] ^= 1
    (tmp_path / names[1]).write_bytes(damaged)
    (tmp_path / names[3]).write_bytes((tmp_path / names[2]).read_bytes())  # whole, but another
    (tmp_path / names[2]).unlink()
    (tmp_path / "own-nano.safetensors").write_bytes(b"nothing")
    result = CliRunner().invoke(app, ["doctor", "--weights", "--json"])
    assert result.exit_code == 1
    checks = {check["file"]: check for check in json.loads(result.stdout)["checked_weights"]}
    assert [checks[name]["shipped"] for name in (*names, "own-nano.safetensors")] == [True, False, False, False, None]
    assert checks["auto.safetensors"]["trouble"] == ""
    told = [checks[name]["trouble"] for name in (*names[1:], "own-nano.safetensors")]
    assert "do not fit their check sum" in told[0]
    assert "is missing" in told[1]
    assert "is not the file that was shipped" in told[2]
    assert "not a readable safetensors file" in told[3]
    assert all(f"WARNING: {text}" in result.stderr for text in told)


def test_weights_are_hashed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    (tmp_path / "x-tiny.safetensors").write_bytes(b"abc")
    import restorect.weights

    monkeypatch.setattr(restorect.weights, "__file__", str(tmp_path / "__init__.py"))
    (only,) = doctor.weight_files()
    assert (only["file"], only["bytes"]) == ("x-tiny.safetensors", 3)
    assert only["sha256"] == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
