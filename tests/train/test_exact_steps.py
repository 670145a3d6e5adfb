"""Thirty steps of training against the same with the optimiser and the average as they are defined."""

import json
from pathlib import Path
from unittest import mock

import pytest
import torch
from safetensors.torch import load_file
from test_muon import jordan
from torch import Tensor
from worker import run

from restorect.train.ema import MovingAverage
from restorect.train.muon import MuonAdam

STEPS = 30


def one_by_one(self: MuonAdam, params: list[Tensor], lr: float) -> None:
    for p in params:
        assert p.grad is not None
        state = self.state[p]
        if not state:
            state |= {"step": torch.zeros(()), "momentum": torch.zeros_like(p)}
        state["momentum"].mul_(0.95).add_(0.05 * p.grad)
        rows = jordan((0.05 * p.grad + 0.95 * state["momentum"]).flatten(1))
        p.sub_(lr * 0.2 * max(rows.shape) ** 0.5 * rows.view_as(p))


@torch.no_grad()
def by_name(self: MovingAverage, step: int) -> None:
    decay = min(self.decay, (1 + step) / (10 + step))
    for own, other in zip(self._averages, self._followed, strict=True):
        own.copy_(decay * own + (1 - decay) * other)


@mock.patch("restorect.train.loop.CALIBRATION", 32)
def test_losses_and_weights_are_those_of_the_definition(pairs_folder: Path, tmp_path: Path) -> None:
    run("decompose", str(pairs_folder), tmp_path / "dec", 2)
    fields: dict[str, object] = {"decomposition": str(tmp_path / "dec" / "last.safetensors"), "preset": "full"}
    fields["optimiser"] = {"name": "muon", "lr": 6e-4, "ema": 0.9}  # the pace of the shipped teacher
    fields["schedule"] = {"steps": STEPS, "patches": [64], "batches": [4], "validate_every": 0, "log_every": 1}
    run("teacher", str(pairs_folder), tmp_path / "fast", STEPS, **fields)
    with mock.patch.object(MuonAdam, "_follow", one_by_one), mock.patch.object(MovingAverage, "update", by_name):
        run("teacher", str(pairs_folder), tmp_path / "plain", STEPS, **fields)
    fast, plain = (losses(tmp_path / name) for name in ("fast", "plain"))
    assert len(fast) == STEPS
    assert fast[-1] < 0.9 * fast[0]  # they did learn
    assert fast == pytest.approx(plain, rel=4e-5)
    own, wanted = (load_file(tmp_path / name / "last.safetensors") for name in ("fast", "plain"))
    assert all(torch.allclose(own[name], wanted[name], atol=1e-4) for name in wanted)


def losses(folder: Path) -> list[float]:
    records = map(json.loads, (folder / "log.jsonl").read_text().splitlines())
    return [record["loss"] for record in records if record["kind"] == "train"]
