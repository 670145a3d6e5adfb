"""Trains a small student in a process of its own, for the tests that kill it or start several.

Usage: worker.py STAGE DATA OUT STEPS [CHECKPOINT]
"""

import dataclasses
import json
import socket
import sys
from pathlib import Path
from typing import Any

import torch
from smallnets import small_nets

from restorect.configs import from_mapping
from restorect.train.recipes import DecompositionRecipe, ExposureRecipe, StudentRecipe, TeacherRecipe
from restorect.train.run import Run, train_decomposition, train_exposure, train_student, train_teacher
from restorect.train.weights import StudentLosses

STAGES = {
    "decompose": (DecompositionRecipe, train_decomposition),
    "teacher": (TeacherRecipe, train_teacher),
    "student": (StudentRecipe, train_student),
    "exposure": (ExposureRecipe, train_exposure),
}


LOSSES = {field.name for field in dataclasses.fields(StudentLosses)}
NETWORK = ("start", "flow")
TRANSFORMER = ("norm", "qk_norm")


def nested(**fields: Any) -> dict[str, Any]:
    """Settings of a recipe, where weights of losses and switches of the network are given by their names alone."""
    transformer = {name: fields.pop(name) for name in TRANSFORMER if name in fields}
    network = {name: fields.pop(name) for name in NETWORK if name in fields}
    network |= fields.pop("network", {}) | ({"transformer": transformer} if transformer else {})
    if "trust" in fields:
        fields["exposure"] = {"source": "net", "trust": fields.pop("trust")}
    loss = {name: fields.pop(name) for name in LOSSES & fields.keys()}
    return fields | ({"network": network} if network else {}) | ({"loss": loss} if loss else {})


def run(stage: str, pairs: str, out: Path, steps: int, **fields: object) -> dict[str, float]:
    """Train one stage of the small nets; resumes by itself."""
    torch.set_num_threads(1)
    recipe_class, train = STAGES[stage]
    schedule = {"steps": steps, "patches": [32, 64], "batches": [4, 2], "validate_every": 0}
    schedule |= {"checkpoint_every": 1, "log_every": 1}
    rule = {"name": "muon" if stage == "teacher" else "adamw"}  # so that both are run, killed and resumed
    values = {"optimiser": rule, "data": {"train": [pairs], "hold_out": 0.2}, "schedule": schedule, "seed": 3}
    values |= nested(**fields)
    with small_nets():
        return train(from_mapping(recipe_class, values), Run(out, torch.device("cpu"), True, lambda report: None))


def free_port() -> int:
    """Where several can meet."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def records(folder: Path, kind: str) -> list[dict[str, float]]:
    """What a run logged of that kind."""
    return [r for r in map(json.loads, (folder / "log.jsonl").read_text().splitlines()) if r["kind"] == kind]


if __name__ == "__main__":
    stage, pairs, out, steps, *checkpoint = sys.argv[1:]
    extra = {"decomposition" if stage == "teacher" else "teacher": checkpoint[0]} if checkpoint else {}
    run(stage, pairs, Path(out), int(steps), **extra)
