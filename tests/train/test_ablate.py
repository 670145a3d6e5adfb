"""The ablation of small nets: equal conditions, one switch at a time, and an outcome that says so."""

import dataclasses
import json
from pathlib import Path

import pytest
import torch
import yaml
from smallnets import small_nets
from worker import run

from restorect.configs import override, to_mapping
from restorect.errors import ConfigError, TrainingError
from restorect.train.ablate import SAMPLER_STEPS, VARIANTS, Study, ablate, table, variant_recipe, variants_of
from restorect.train.recipes import DataRecipe, ScheduleRecipe, StudentRecipe
from restorect.train.weights import StudentLosses


@pytest.fixture(scope="module")
def recipe(pairs_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> StudentRecipe:
    folder = tmp_path_factory.mktemp("before")
    run("decompose", str(pairs_folder), folder / "d", 2)
    run("teacher", str(pairs_folder), folder / "t", 2, decomposition=str(folder / "d/last.safetensors"))
    return StudentRecipe(
        data=DataRecipe(train=(str(pairs_folder),), hold_out=0.2),
        schedule=ScheduleRecipe(steps=4, patches=(32,), batches=(2,), validate_every=2, log_every=1),
        codes_share=0.25,
        teacher=str(folder / "t/last.safetensors"),
        decomposition=str(folder / "d/last.safetensors"),
    )


def study(recipe: StudentRecipe, folder: Path, **changes: object) -> Study:
    values = {"variants": ("full", "direct", "regression"), "seeds": (0, 5), **changes}
    return Study(recipe=recipe, folder=folder, device=torch.device("cpu"), **values)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def outcome(recipe: StudentRecipe, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, Path, list]:
    folder, told = tmp_path_factory.mktemp("study"), []
    torch.set_num_threads(1)
    with small_nets():
        found = ablate(study(recipe, folder), lambda *now: told.append(now))
    return found, folder, told


def test_a_switch_that_the_recipe_has_set_already_is_no_variant(recipe: StudentRecipe, tmp_path: Path) -> None:
    assert set(variants_of(recipe)) == set(VARIANTS) - {"flex", "noise-start", "no-align"}
    bare = dataclasses.replace(recipe, loss=StudentLosses(flex=0.0), network={"start": "mean"})
    assert set(variants_of(bare)) == set(VARIANTS) - {"no-flex", "mean-start", "no-align"}
    with pytest.raises(ConfigError, match=r"variant no-flex changes nothing: the recipe has loss.flex=0\.0 already"):
        study(bare, tmp_path, variants=("full", "no-flex"))


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_differs_in_its_switch_alone(name: str, recipe: StudentRecipe) -> None:
    if name in ("flex", "noise-start", "no-align"):  # what the recipe has
        losses = StudentLosses(flex=0.5, align=True)
        recipe = dataclasses.replace(recipe, loss=losses, network={"start": "mean"})
    full, changed = (to_mapping(variant_recipe(recipe, variant, 7)) for variant in ("full", name))
    assert full == to_mapping(dataclasses.replace(recipe, seed=7))
    assert changed == override(full, [f"{key}={json.dumps(value)}" for key, value in VARIANTS[name].changes.items()])
    assert (changed == full) is (name == "full")


def test_runs_have_the_same_data_steps_and_seeds(outcome: tuple[dict, Path, list]) -> None:
    _, folder, _ = outcome
    recipes = {
        (name, seed): yaml.safe_load((folder / name / f"seed-{seed}" / "recipe.yaml").read_text())
        for name in ("full", "regression")
        for seed in (0, 5)
    }
    for key in ("data", "schedule", "optimiser", "preset"):
        assert len({json.dumps(values[key]) for values in recipes.values()}) == 1
    assert {(seed, values["seed"]) for (_, seed), values in recipes.items()} == {(0, 0), (5, 5)}


def test_the_outcome_holds_figures_spread_and_curves(outcome: tuple[dict, Path, list]) -> None:
    found, folder, _ = outcome
    assert [variant["name"] for variant in found["variants"]] == ["full", "direct", "regression"]
    assert (found["steps"], found["seeds"], found["photos"], found["protocol"]) == (4, [0, 5], 2, "rgb-full")
    for variant in found["variants"]:
        first, second = (entry["psnr"] for entry in variant["runs"])
        assert variant["psnr"]["mean"] == pytest.approx((first + second) / 2, abs=1e-4)
        assert variant["psnr"]["std"] == pytest.approx(abs(first - second) / 2**0.5, abs=1e-4)
        assert first != second
    (full, direct, _) = found["variants"]
    assert [step for step, _ in full["runs"][0]["loss"]] == [2, 3, 4]  # a quarter of the steps went to the codes
    assert [step for step, _ in direct["runs"][0]["loss"]] == [1, 2, 3, 4]
    assert 0 <= full["runs"][0]["gate"] <= 1  # the share of samples that FLEX saw
    assert "gate" not in direct["runs"][0]
    assert full["runs"][0]["validation"][-1][0] == direct["runs"][0]["validation"][-1][0] == 4
    assert full["runs"][0]["validation"][-1][1] == pytest.approx(full["runs"][0]["psnr"], abs=1e-4)
    assert str(folder.parent) not in json.dumps(found)
    assert json.loads(json.dumps(found)) == found


def test_the_sampler_s_steps_are_timed_on_the_full_student(outcome: tuple[dict, Path, list]) -> None:
    found, _, _ = outcome
    assert tuple(row["steps"] for row in found["sampler"]) == SAMPLER_STEPS
    assert all(row["seconds"] > row["flow_seconds"] > 0 for row in found["sampler"])
    assert "processor seconds a photo | of these the flow" in table(found)
    own = next(row for row in found["sampler"] if row["steps"] == 4)  # what it was trained with
    assert own["psnr"] == pytest.approx(found["variants"][0]["runs"][0]["psnr"], abs=1e-3)


def test_the_table_names_every_variant(outcome: tuple[dict, Path, list]) -> None:
    found, _, _ = outcome
    text = table(found)
    for part in ("| full |", "| direct |", "| regression |", "| teacher |", "±", "| 8 |", "seeds 0, 5"):
        assert part in text
    gain = found["variants"][1]["psnr"]["mean"] - found["variants"][0]["psnr"]["mean"]
    assert f"{gain:+.2f} dB" in text


def test_progress_counts_all_runs(outcome: tuple[dict, Path, list]) -> None:
    _, _, told = outcome
    assert {total for _, total, _ in told} == {6000}
    assert told[-1] == (6000, 6000, "regression, seed 5")
    assert [done for done, _, _ in told] == sorted(done for done, _, _ in told)


def test_a_finished_study_is_resumed_without_training(recipe: StudentRecipe, outcome: tuple[dict, Path, list]) -> None:
    found, folder, _ = outcome
    told: list[tuple[int, int, str]] = []
    with small_nets():
        again = ablate(study(recipe, folder, resume=True), lambda *now: told.append(now))
        assert again["variants"] == found["variants"]
        assert told == []
        with pytest.raises(TrainingError, match="--resume"):
            ablate(study(recipe, folder))


def test_one_seed_has_no_spread(outcome: tuple[dict, Path, list], recipe: StudentRecipe) -> None:
    _, folder, _ = outcome
    with small_nets():
        alone = ablate(study(recipe, folder, seeds=(5,), variants=("regression",), resume=True))
    assert set(alone["variants"][0]["psnr"]) == {"mean"}
    assert alone["sampler"] == []
    assert "±" not in table(alone).split("\n", 2)[2]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"variants": ("full", "magic")}, "variant 'magic' is unknown; choose of full, direct"),
        ({"variants": ("full", "full")}, "each once"),
        ({"seeds": ()}, "at least one seed"),
        ({"teacher": ""}, "teacher: give the checkpoint"),
        ({"decomposition": ""}, "variant direct needs the checkpoint of stage 0"),
        ({"schedule": ScheduleRecipe(minutes=3, patches=(32,), batches=(1,))}, "ends after equal steps"),
    ],
)
def test_what_cannot_be_studied(changes: dict, message: str, recipe: StudentRecipe, tmp_path: Path) -> None:
    own = {key: value for key, value in changes.items() if key in ("variants", "seeds")}
    other = {key: value for key, value in changes.items() if key not in own}
    with pytest.raises(ConfigError, match=message):
        study(dataclasses.replace(recipe, **other), tmp_path, **own)
