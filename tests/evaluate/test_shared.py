"""Evaluations shared out among workers: the figures of one process, whoever dies."""

import json
import os
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import pytest
import torch
from evaluate_makers import write_set
from shared_makers import Here, deadly, no_threads, ruler, small, small_net

from ray_cluster import two_nodes
from restorect.errors import ConfigError
from restorect.evaluate.cases import Case, paired
from restorect.evaluate.evaluation import EvaluationPlan, carry_out
from restorect.evaluate.methods import Method, baseline_method, outputs_method
from restorect.evaluate.shared import Sharing
from restorect.evaluate.summary import TestSet
from restorect.ray.actors import Actors
from restorect.workers.processes import Processes

NAMES = [f"n{number}" for number in range(9)]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_net(tmp_path_factory.mktemp("weights") / "small.safetensors")


@pytest.fixture
def cases(tmp_path: Path) -> list[Case]:
    root = write_set(tmp_path / "set", NAMES)
    return paired(root / "low", root / "high")


@pytest.fixture(autouse=True)
def _one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def planned(out: Path, cases: list[Case], methods: list[Method], sharing: Sharing | None) -> EvaluationPlan:
    return EvaluationPlan(
        test_set=TestSet(name="made-up", title="made-up", images=len(cases), paired=True),
        cases=[replace(case, output=case.low) for case in cases],
        methods=[*methods, outputs_method(out, "outputs")],
        ruler=ruler()[0],
        out=out,
        sharing=sharing,
    )


def carried_out(out: Path, cases: list[Case], methods: dict[str, Any], crew: Any = None) -> dict[str, Any]:
    """The summary of these methods, which workers load too, and of finished outputs."""
    sharing = crew and Sharing(crew=crew, methods=methods, ruler=ruler)
    return carry_out(planned(out, cases, [load() for load in methods.values()], sharing))


def figures(out: Path) -> tuple[list[Any], Any]:
    """Rows and summary without what time it took: of all digits, whoever worked."""
    rows = [json.loads(line) for line in (out / "journal.jsonl").read_text().splitlines()]
    summary = json.loads((out / "summary.json").read_text())
    for each in (*rows, *summary["methods"]):
        each["seconds"] = None
    keys = sorted(rows, key=lambda row: row["key"])
    return keys, summary | {"environment": summary["environment"] | {"workers": 0}}


def kinds(weights: Path) -> dict[str, Any]:
    return {"small": partial(small, weights), "clahe": partial(baseline_method, "clahe")}


def test_figures_are_those_of_one_process_and_a_death_costs_nothing(
    cases: list[Case], weights: Path, tmp_path: Path
) -> None:
    carried_out(tmp_path / "alone", cases, kinds(weights))
    for life in (10**9, 4):
        crew = Here(life)
        carried_out(tmp_path / f"shared{life}", cases, kinds(weights), crew)
        assert figures(tmp_path / f"shared{life}") == figures(tmp_path / "alone")
        assert (crew.deaths > 0) == (life == 4)
    rows, summary = figures(tmp_path / "alone")
    assert len(rows) == len({row["key"] for row in rows}) == 4 * len(NAMES)  # three methods, and the ground truths
    assert summary["methods"][0]["set_scores"]["colours"]["images"] == len(NAMES)


def test_what_is_known_is_not_done_again(cases: list[Case], weights: Path, tmp_path: Path) -> None:
    carried_out(tmp_path / "out", cases, kinds(weights))
    before = (tmp_path / "out" / "journal.jsonl").read_bytes()
    carried_out(tmp_path / "out", cases, kinds(weights), Here())
    assert (tmp_path / "out" / "journal.jsonl").read_bytes() == before


def test_a_worker_with_other_weights_or_metrics_is_one_line(cases: list[Case], weights: Path, tmp_path: Path) -> None:
    other = small_net(tmp_path / "other.safetensors", seed=1)
    for loaded, measured in ((other, ruler), (weights, partial(ruler, "psnr"))):
        sharing = Sharing(crew=Here(), methods={"small": partial(small, loaded)}, ruler=measured)
        with pytest.raises(ConfigError, match="a worker has another version of restorect, or other weights"):
            carry_out(planned(tmp_path / "out", cases, [small(weights)], sharing))


def test_processes_that_are_killed(cases: list[Case], weights: Path, tmp_path: Path) -> None:
    """One photo kills whoever works on it the first time, one always: all others are as from one process."""
    corner(cases[3], 0.95)
    methods = {"small": partial(deadly, weights, os.getpid(), tmp_path / "once")}
    carried_out(tmp_path / "alone", cases, methods)
    corner(cases[5], 1.0)
    summary = carried_out(tmp_path / "shared", cases, methods, Processes(2, 1, no_threads))
    assert (tmp_path / "once").exists()
    (failed,) = summary["methods"][0]["failed"]
    assert failed["name"] == cases[5].name
    assert failed["error"].startswith("its worker died, 2 times")
    alone, shared = figures(tmp_path / "alone")[0], figures(tmp_path / "shared")[0]
    apart = [row for row in shared if row not in alone]
    assert {row["name"] for row in apart} == {cases[5].name}
    assert len(shared) - len(apart) == len(alone) - 2  # of that photo, the network's row and the outputs' are others


@pytest.mark.slow
def test_actors_of_a_cluster(cases: list[Case], weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same on two nodes, one actor of which dies, with paths that begin where the command runs."""
    corner(cases[3], 0.95)
    with two_nodes(monkeypatch, Path(__file__).parent):
        monkeypatch.chdir(tmp_path)
        cases = paired(Path("set", "low"), Path("set", "high"))
        methods = {"small": partial(deadly, weights, os.getpid(), tmp_path / "once")}
        carried_out(tmp_path / "alone", cases, methods)
        carried_out(tmp_path / "shared", cases, methods, Actors(2, 1, no_threads))
    assert (tmp_path / "once").exists()
    assert figures(tmp_path / "shared") == figures(tmp_path / "alone")


def corner(case: Case, value: float) -> None:
    pixels = cv2.imread(str(case.low))
    pixels[0, 0] = round(255 * value)
    assert cv2.imwrite(str(case.low), pixels)
