"""`restorect ablate`: options to a study, files of its outcome, and one line for each mistake."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from restorect.cli.ablate import curves
from restorect.cli.main import app
from restorect.errors import RestorectError
from restorect.train import ablate

runner = CliRunner()
SVG = "{http://www.w3.org/2000/svg}"


def outcome() -> dict:
    """What a study of two variants and two seeds gives."""

    def one(name: str, base: float) -> dict:
        runs = [
            {
                "seed": seed,
                "psnr": base + seed,
                "ssim": 0.5,
                "psnr_gtmean": base + seed + 3,
                "ssim_gtmean": 0.6,
                "loss": [[step, (base + seed) / step] for step in range(1, 101)],
                "validation": [[50, base + seed - 1], [100, base + seed]],
            }
            for seed in (0, 2)
        ]
        spread = {"psnr": {"mean": base + 1, "std": 1.41421}, "ssim": {"mean": 0.5, "std": 0.0}}
        spread |= {"psnr_gtmean": {"mean": base + 4, "std": 1.41421}, "ssim_gtmean": {"mean": 0.6, "std": 0.0}}
        return {"name": name, "question": "why", "changes": {}, **spread, "runs": runs}

    return {
        **{"format_version": 1, "kind": "ablation", "protocol": "rgb-full", "photos": 2, "steps": 100},
        **{"seeds": [0, 2], "recipe": {}, "hardware": "CPU", "variants": [one("full", 20.0), one("no-flex", 18.0)]},
        **{"teacher": {"psnr": 25.0, "ssim": 0.9, "psnr_gtmean": 26.0, "ssim_gtmean": 0.95}, "sampler": []},
    }


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.yaml"
    path.write_text("preset: nano\nschedule: {minutes: 5, patches: [32], batches: [1]}\nloss: {flex: 0.5}\n")
    return path


@pytest.fixture
def studies(monkeypatch: pytest.MonkeyPatch) -> list[ablate.Study]:
    """The studies that the command asks for, in place of carrying them out."""
    studies: list[ablate.Study] = []

    def remember(study: ablate.Study, on_progress: object) -> dict:
        studies.append(study)
        study.folder.mkdir()
        return outcome()

    monkeypatch.setattr(ablate, "ablate", remember)
    return studies


def test_options_become_the_study_and_its_outcome_files(
    recipe: Path, tmp_path: Path, studies: list[ablate.Study]
) -> None:
    line = ["ablate", str(recipe), "-o", str(tmp_path / "out"), "--teacher", "t.safetensors", "--steps", "40"]
    line += [
        "--variants",
        "full, no-flex",
        "--seeds",
        "0,2",
        "--data",
        "a",
        "--data",
        "b",
        "--set",
        "optimiser.lr=1e-3",
    ]
    result = runner.invoke(app, line)
    assert result.exit_code == 0, result.output
    (study,) = studies
    assert (study.variants, study.seeds, study.resume) == (("full", "no-flex"), (0, 2), False)
    assert (study.recipe.preset, study.recipe.loss.flex, study.recipe.teacher) == ("nano", 0.5, "t.safetensors")
    assert (study.recipe.schedule.steps, study.recipe.schedule.minutes) == (40, 0)
    assert (study.recipe.data.train, study.recipe.optimiser.lr) == (("a", "b"), 1e-3)
    assert json.loads((tmp_path / "out/ablation.json").read_text()) == outcome()
    assert (
        "| no-flex | why | 19.00 ± 1.41 | 0.5000 ± 0.0000 | 22.00 ± 1.41 | 0.6000 ± 0.0000 | -2.00 dB |"
        in (tmp_path / "out/ablation.md").read_text()
    )
    for name in ("curves-loss.svg", "curves-psnr.svg"):
        assert ElementTree.fromstring((tmp_path / "out" / name).read_text()).tag == f"{SVG}svg"


def test_without_names_all_variants_that_suit_the_recipe_are_trained(
    recipe: Path, tmp_path: Path, studies: list[ablate.Study]
) -> None:
    line = ["ablate", str(recipe), "-o", str(tmp_path / "out"), "--teacher", "t", "--decomposition", "d"]
    result = runner.invoke(app, [*line, "--steps", "4", "--set", "loss.flex=0"])
    assert result.exit_code == 0, result.output
    assert set(studies[0].variants) == set(ablate.VARIANTS) - {"no-flex", "noise-start", "no-align"}
    assert "left out: no-flex, since the recipe has loss.flex=0.0 already" in result.output


def test_curves_show_mean_and_spread_over_seeds() -> None:
    svg = ElementTree.fromstring(curves(outcome(), "validation", "PSNR"))
    titles = [title.text for title in svg.iter(f"{SVG}title")]
    assert sorted(titles) == sorted(
        [
            "full, step 50: 20 ± 1",
            "full, step 100: 21 ± 1",
            "no-flex, step 50: 18 ± 1",
            "no-flex, step 100: 19 ± 1",
        ]
    )
    assert len(list(svg.iter(f"{SVG}polyline"))) == 2


def test_long_curves_are_thinned() -> None:
    svg = ElementTree.fromstring(curves(outcome(), "loss", "L1"))
    assert len(list(svg.iter(f"{SVG}title"))) == 2 * 25


def test_the_variants_are_listed(recipe: Path, tmp_path: Path) -> None:
    result = runner.invoke(app, ["ablate", str(recipe), "-o", str(tmp_path), "--variants", "list"])
    assert result.exit_code == 0
    for part in ("full", "no-scln", "flow=False", "qk_norm=False"):
        assert part in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--seeds", "a"), "--seeds a: write whole numbers with commas"),
        (("--variants", "magic", "--teacher", "t", "--steps", "3"), "variant 'magic' is unknown"),
        (("--steps", "3"), "teacher: give the checkpoint"),
        (("--teacher", "t"), "ends after equal steps"),
        (("--teacher", "t", "--steps", "3", "--set", "flux=1"), "flux: no such setting"),
        (("--teacher", "t", "--steps", "3", "--device", "abacus"), "device 'abacus'"),
    ],
)
def test_a_mistake_is_one_line(arguments: tuple[str, ...], message: str, recipe: Path, tmp_path: Path) -> None:
    error = runner.invoke(app, ["ablate", str(recipe), "-o", str(tmp_path / "out"), *arguments]).exception
    assert isinstance(error, RestorectError)
    assert message in str(error)
    assert "\n" not in str(error)
