"""What a run leaves on disk while it goes on: states, checkpoints, and copies in float16."""

import json
import shutil
from pathlib import Path
from unittest import mock

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor
from worker import run

from restorect.errors import TrainingError
from restorect.nets.checkpoint import load_teacher, read_checkpoint
from restorect.train import loop
from restorect.train.state import TrainingState, save_state


@pytest.fixture(scope="module")
def decomposition(pairs_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("decompose")
    run("decompose", str(pairs_folder), folder, 2)
    return str(folder / "last.safetensors")


def test_float16_copies_come_with_every_state(pairs_folder: Path, decomposition: str, tmp_path: Path) -> None:
    seen: list[tuple[int, bool]] = []

    def noted(path: Path, state: TrainingState) -> None:
        card = read_checkpoint(tmp_path / "last-f16.safetensors")[1]
        seen.append((card.notes["steps"], "validation" in card.metrics))
        save_state(path, state)

    schedule = {
        "steps": 3,
        "patches": [32],
        "batches": [2],
        "checkpoint_every": 1,
        "validate_every": 0,
        "float16": True,
    }
    with mock.patch.object(loop, "save_state", noted):
        run("teacher", str(pairs_folder), tmp_path, 3, decomposition=decomposition, schedule=schedule)
    assert seen == [(1, False), (2, False), (3, True)]  # figures are those of the weights, or none
    for name in ("last", "best"):
        whole, half = (load_file(tmp_path / f"{name}{suffix}.safetensors") for suffix in ("", "-f16"))
        running = {key for key in whole if "standardise" in key}
        assert running
        for key, tensor in whole.items():
            assert half[key].dtype == (torch.float32 if key in running else torch.float16)
            assert torch.equal(half[key], tensor.to(half[key].dtype))
    load_teacher(tmp_path / "last-f16.safetensors")


def test_there_are_none_unless_asked_for(decomposition: str) -> None:
    assert not list(Path(decomposition).parent.glob("*-f16*"))
    with safe_open(decomposition, framework="pt") as file:
        assert {file.get_tensor(key).dtype for key in file.keys()} == {torch.float32}


def test_a_state_goes_on_compiled_or_not(pairs_folder: Path, decomposition: str, tmp_path: Path) -> None:
    start = {"decomposition": decomposition, "optimiser": {"name": "muon"}}
    run("teacher", str(pairs_folder), tmp_path, 2, **start)
    with mock.patch.object(loop, "compile_blocks") as compiled:
        run("teacher", str(pairs_folder), tmp_path, 2, **start, compile=True)
    compiled.assert_called_once()
    with mock.patch.object(loop, "compile_blocks") as compiled:
        run("teacher", str(pairs_folder), tmp_path, 2, **start)  # on a CPU nothing is compiled unasked
    compiled.assert_not_called()


def test_a_state_of_another_network_is_one_line(pairs_folder: Path, decomposition: str, tmp_path: Path) -> None:
    run("teacher", str(pairs_folder), tmp_path / "run", 2, decomposition=decomposition)
    state = torch.load(tmp_path / "run" / "state.pt", weights_only=True)

    def spoil(part: str, name: str) -> None:
        shutil.copytree(tmp_path / "run", tmp_path / name)
        other = {**state, "tensors": {**state["tensors"]}}
        if part == "optimiser":
            other["tensors"][part] = {
                **state["tensors"][part],
                "param_groups": state["tensors"][part]["param_groups"][:1],
            }
        else:
            other["tensors"][part] = dict(list(state["tensors"][part].items())[1:])
        torch.save(other, tmp_path / name / "state.pt")

    for part in ("network", "average", "optimiser"):
        spoil(part, part)
        with pytest.raises(TrainingError, match=r"state\.pt: of another network or optimiser") as raised:
            run("teacher", str(pairs_folder), tmp_path / part, 2, decomposition=decomposition)
        assert "\n" not in str(raised.value)


def test_nothing_is_saved_of_a_run_that_is_no_longer_finite(
    pairs_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip, calls = loop.Trainer._clip, []

    def poisoned(self: loop.Trainer, largest: float) -> Tensor:
        calls.append(None)
        return clip(self, largest) * (float("nan") if len(calls) == 3 else 1)

    monkeypatch.setattr(loop.Trainer, "_clip", poisoned)
    seldom = {"validate_every": 0, "log_every": 1000, "checkpoint_every": 2, "float16": True}
    schedule = {"steps": 7, "patches": [32], "batches": [2], **seldom}
    with pytest.raises(TrainingError, match=r"^step 3: .*not finite \("):
        run("decompose", str(pairs_folder), tmp_path, 7, schedule=schedule)
    assert len(calls) == 4  # found out when the next state was due
    assert torch.load(tmp_path / "state.pt", weights_only=True)["step"] == 2
    assert all(t.isfinite().all() for t in load_file(tmp_path / "last-f16.safetensors").values())
    assert not (tmp_path / "best.safetensors").exists()


def test_logged_figures_are_those_of_the_step(pairs_folder: Path, tmp_path: Path) -> None:
    run("decompose", str(pairs_folder), tmp_path, 2)
    record = json.loads((tmp_path / "log.jsonl").read_text().splitlines()[0])
    parts = {k: v for k, v in record.items() if k not in
             {"kind", "step", "loss", "norm", "s", "lr", "patch", "steps_per_second", "minutes"}}  # fmt: skip
    assert record["loss"] == pytest.approx(sum(parts.values()), rel=1e-4)


@pytest.mark.parametrize(
    ("figures", "steps"),
    [([20.0, 22.0, 21.0], 2), ([23.0, 22.0, 24.0], 3), ([23.0, 22.0, 21.0], 1), ([20.0, 20.0, 20.0], 1)],
)
def test_the_best_checkpoint_is_that_of_the_highest_psnr(
    figures: list[float], steps: int, pairs_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the last one, nor that of the highest SSIM, which rises all the time here."""
    left = list(figures)

    def measured(*_given: object, **_named: object) -> dict[str, float]:
        return {"psnr": left.pop(0), "ssim": 1 - 0.1 * len(left), "images": 1.0}

    monkeypatch.setattr(loop, "validate", measured)
    schedule = {"steps": 3, "patches": [32], "batches": [2], "validate_every": 1}
    run("decompose", str(pairs_folder), tmp_path, 3, schedule=schedule)
    (best, last) = (read_checkpoint(tmp_path / f"{name}.safetensors")[1] for name in ("best", "last"))
    assert best.metrics["validation"]["psnr"] == max(figures)
    assert (best.notes["steps"], last.notes["steps"]) == (steps, 3)
    assert torch.load(tmp_path / "state.pt", weights_only=True)["best"] == max(figures)
