"""Training over two nodes by torchrun; two folders that know nothing of each other stand for them."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import torch
from worker import free_port

HERE = Path(__file__).parent
NODE = HERE / "node.py"


class Nodes:
    """Two folders, each with the pairs, and the commands that run in them."""

    def __init__(self, root: Path, pairs: Path) -> None:
        self.folders = [root / name for name in ("first", "second")]
        for folder in self.folders:
            shutil.copytree(pairs, folder / "pairs")

    def start(self, *arguments: object) -> "list[subprocess.Popen[str]]":
        port = free_port()
        started = []
        for rank, folder in enumerate(self.folders):
            place = ["--nnodes", "2", "--node-rank", rank, "--nproc-per-node", "1"]
            place += ["--master-addr", "127.0.0.1", "--master-port", port]
            command = [sys.executable, "-m", "torch.distributed.run", *place, NODE, *arguments]
            started.append(
                subprocess.Popen(
                    [*map(str, command)],
                    cwd=folder,
                    env={**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"},
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )
        return started

    def run(self, *arguments: object) -> None:
        for process in self.start(*arguments):
            _, error = process.communicate(timeout=1500)
            assert process.returncode == 0, error

    def left(self, name: str) -> list[dict[str, torch.Tensor]]:
        return [torch.load(folder / name) for folder in self.folders]


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def steps(folder: Path) -> list[int]:
    lines = map(json.loads, (folder / "run" / "log.jsonl").read_text().splitlines())
    return [line["step"] for line in lines if line["kind"] == "train"]


@pytest.mark.slow
def test_two_nodes_step_as_one_process_with_both_batches_and_are_resumed(pairs_folder: Path, tmp_path: Path) -> None:
    """Gradients are the means over both; one that is killed goes on from the state that the first node alone has."""
    alone = tmp_path / "alone"
    shutil.copytree(pairs_folder, alone / "pairs")
    subprocess.run([sys.executable, str(NODE), "decompose", "1"], cwd=alone, check=True, timeout=900)
    nodes = Nodes(tmp_path, pairs_folder)
    state = nodes.folders[0] / "run" / "state.pt"
    started = nodes.start("decompose", 200)
    deadline = time.monotonic() + 1200
    while not state.exists() and time.monotonic() < deadline and all(p.poll() is None for p in started):
        time.sleep(0.02)
    for process in started:
        for each in (psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)):
            each.kill()
        process.communicate()
    kept = torch.load(state, weights_only=True)["step"]
    assert 1 <= kept < 200
    one, (first, second) = torch.load(alone / "gradients.pt"), nodes.left("gradients.pt")
    assert same(first, second)
    for name, gradient in one.items():
        torch.testing.assert_close(first[name], gradient, rtol=1e-3, atol=1e-6 * float(gradient.abs().max()) + 1e-9)
    for folder in nodes.folders:
        (folder / "gradients.pt").unlink()
    nodes.run("decompose", kept + 3)
    assert steps(nodes.folders[0]) == list(range(1, kept + 4))
    assert same(*nodes.left("network.pt"))
    assert not any((folder / "gradients.pt").exists() for folder in nodes.folders)  # no first step anew
    assert not (nodes.folders[1] / "run").exists()


@pytest.mark.slow
def test_a_student_of_several_parts_needs_no_shared_disk(pairs_folder: Path, teacher: Path, tmp_path: Path) -> None:
    nodes = Nodes(tmp_path, pairs_folder)
    nodes.run("student", 4, teacher)
    assert same(*nodes.left("network.pt"))
    assert (nodes.folders[0] / "run" / "last.safetensors").exists()
    assert (nodes.folders[0] / "run" / "codes" / "last.safetensors").exists()
    assert not (nodes.folders[1] / "run").exists()
