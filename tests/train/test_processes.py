"""Real processes: killed at any moment and resumed, and two that train together."""

import contextlib
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from worker import free_port, run

from restorect.errors import ConfigError, TrainingError
from restorect.train.processes import Processes

WORKER = Path(__file__).with_name("worker.py")
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def same_weights(first: Path, second: Path) -> bool:
    a, b = load_file(first), load_file(second)
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_killed_at_random_moments_and_resumed_gives_the_same_weights(pairs_folder: Path, tmp_path: Path) -> None:
    run("decompose", str(pairs_folder), tmp_path / "dec", 3)
    decomposition = str(tmp_path / "dec" / "last.safetensors")
    run("teacher", str(pairs_folder), tmp_path / "whole", 60, decomposition=decomposition)
    command = [sys.executable, str(WORKER), "teacher", str(pairs_folder), str(tmp_path / "killed"), "60", decomposition]
    state = tmp_path / "killed" / "state.pt"
    rng, kills = random.Random(5), 0
    for _ in range(4):
        before = state.stat().st_mtime_ns if state.exists() else 0
        process = subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 600
        while process.poll() is None and time.monotonic() < deadline:
            if state.exists() and state.stat().st_mtime_ns != before:
                time.sleep(rng.uniform(0, 0.3))  # it has gone on; now at any moment
                break
            time.sleep(0.002)
        process.kill()
        kills += process.wait() == -9
        process.stderr.close()
    assert kills >= 2
    assert json.loads(next(iter(reversed(log_lines(tmp_path / "killed")))))["step"] >= 1
    subprocess.run(command, env=ENVIRONMENT, check=True, timeout=900)
    assert same_weights(tmp_path / "whole" / "last.safetensors", tmp_path / "killed" / "last.safetensors")
    steps = [json.loads(line)["step"] for line in log_lines(tmp_path / "killed") if '"train"' in line]
    assert steps == list(range(1, 61))  # nothing missing, nothing twice


def log_lines(folder: Path) -> list[str]:
    return (folder / "log.jsonl").read_text().splitlines()


PROBE = """
import sys, json, os
sys.path.insert(0, sys.argv[1])
from pathlib import Path
import torch
import worker
from restorect.data.batches import BatchMaker
from restorect.train.loop import Trainer

seen, weights = [], []
item_at = BatchMaker.item_at
batch = BatchMaker.batch

def noted(self, positions, patch):
    if len(positions) < 32:  # not the preparation
        seen.extend(item_at(self, p) for p in positions)
    return batch(self, positions, patch)

BatchMaker.batch = noted
train = Trainer._train

def kept(self, module, log):
    train(self, module, log)
    weights.append({k: v.double().sum().item() for k, v in self.stage.network.state_dict().items()})

Trainer._train = kept
data, out, decomposition = sys.argv[2:5]
worker.run("teacher", data, Path(out), 4, decomposition=decomposition)
rank = os.environ["RANK"]
Path(out, f"rank{rank}.json").write_text(json.dumps({"seen": seen, "weights": weights[-1]}))
"""


def test_two_processes_share_each_epoch_and_end_with_the_same_weights(pairs_folder: Path, tmp_path: Path) -> None:
    run("decompose", str(pairs_folder), tmp_path / "dec", 2)
    script = tmp_path / "probe.py"
    script.write_text(PROBE)
    out = tmp_path / "run"
    out.mkdir()
    arguments = [str(WORKER.parent), str(pairs_folder), str(out), str(tmp_path / "dec" / "last.safetensors")]
    port = free_port()
    processes = []
    for rank in range(2):
        env = {**ENVIRONMENT, "RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2"}
        env |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        processes.append(subprocess.Popen([sys.executable, str(script), *arguments], env=env))
    assert [p.wait(timeout=900) for p in processes] == [0, 0]
    first, second = (json.loads((out / f"rank{rank}.json").read_text()) for rank in range(2))
    assert first["weights"] == second["weights"]
    # 4 steps: two of 4 samples, two of 2; the 8 training pairs come once in the first epoch, over both processes.
    epoch = first["seen"][:4] + second["seen"][:4]
    assert sorted(epoch) == list(range(8))
    assert len(first["seen"]) == len(second["seen"]) == 6


def test_batches_that_cannot_be_shared_evenly_are_one_line(
    pairs_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("restorect.train.run.joined", lambda device: contextlib.nullcontext(Processes(0, 3)))
    with pytest.raises(ConfigError, match=r"schedule\.batches: \[4, 2\] cannot be shared evenly by 3 processes"):
        run("decompose", str(pairs_folder), tmp_path / "run", 2)
    assert not (tmp_path / "run").exists()


def test_a_damaged_state_is_one_clear_error(pairs_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "state.pt").write_bytes(b"not a state")
    with pytest.raises(TrainingError, match=r"state\.pt: not a readable training state"):
        run("decompose", str(pairs_folder), tmp_path, 2)
