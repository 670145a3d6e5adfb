"""Second references, from the recipe to the figures."""

import json
import shutil
from pathlib import Path

import cv2
import pytest
from smallnets import write_student
from worker import run

from restorect.configs import from_mapping
from restorect.data.pairs import find_pairs
from restorect.errors import ConfigError, DataError
from restorect.nets.checkpoint import read_checkpoint
from restorect.train.pack import pack
from restorect.train.recipes import DecompositionRecipe


@pytest.fixture
def two_references(pairs_folder: Path, tmp_path: Path) -> Path:
    """Ten pairs, of which nine have a second reference: the first one, upside down."""
    root = tmp_path / "pairs"
    shutil.copytree(pairs_folder, root)
    (root / "fused").mkdir()
    for file in sorted((root / "high").iterdir())[:9]:
        cv2.imwrite(str(root / "fused" / file.name), cv2.imread(str(file))[::-1])
    return root


def _train(root: Path, out: Path, *, best: str = "psnr", **sampling: float) -> dict[str, float]:
    data = {"train": [str(root)], "hold_out": 0.2, "sampling": sampling}
    schedule = {"steps": 2, "patches": [32], "batches": [2], "validate_every": 1, "best": best}
    return run("decompose", str(root), out, 2, data=data, schedule=schedule)


def test_they_are_trained_towards_and_reported(two_references: Path, tmp_path: Path) -> None:
    figures = _train(two_references, tmp_path / "run", fused=0.5, identity=0.1, best="psnr_fused")
    assert {"psnr", "psnr_fused", "ssim_fused", "psnr_gtmean"} <= figures.keys()
    assert figures["psnr_fused"] != figures["psnr"]
    other = _train(two_references, tmp_path / "other", fused=0.0)
    assert other["psnr"] != figures["psnr"]


def test_the_best_weights_are_those_of_the_figure_asked_for(two_references: Path, tmp_path: Path) -> None:
    for best in ("psnr", "psnr_fused", "psnr_gtmean", "ssim"):
        _train(two_references, tmp_path / best, best=best)
        lines = (json.loads(line) for line in (tmp_path / best / "log.jsonl").read_text().splitlines())
        figures = [line[best] for line in lines if line["kind"] == "val"]
        assert len(figures) == 2
        chosen = read_checkpoint(tmp_path / best / "best.safetensors")[1].metrics["validation"]
        assert chosen[best] == pytest.approx(max(figures), abs=1e-4)
    with pytest.raises(ConfigError, match=r"schedule\.best: 'loss' is not allowed; choose one of psnr, psnr_fused"):
        from_mapping(DecompositionRecipe, {"schedule": {"steps": 1, "best": "loss"}})


@pytest.mark.parametrize(
    ("settings", "instead"),
    [({"fused": 0.5}, "data.sampling.fused=0"), ({"best": "psnr_fused"}, "schedule.best=psnr")],
)
def test_a_recipe_that_asks_for_what_no_folder_has(
    two_references: Path, tmp_path: Path, settings: dict[str, object], instead: str
) -> None:
    shutil.rmtree(two_references / "fused")
    with pytest.raises(DataError) as caught:
        _train(two_references, tmp_path / "run", **settings)  # type: ignore[arg-type]
    assert str(caught.value).startswith(f"{two_references}: no pair has a second reference")
    assert str(caught.value).endswith(f"add the folder fused/ beside high/, or give {instead}")
    assert "\n" not in str(caught.value)


def test_nights_are_prepared_of_clean_photos_too(two_references: Path, tmp_path: Path) -> None:
    data = {"train": [str(two_references)], "hold_out": 0.2, "clean": [str(two_references / "fused")]}
    sampling = {"simulate": 0.5, "nights": 2, "fused": 0.5}
    run("decompose", str(two_references), tmp_path / "run", 3, data={**data, "sampling": sampling})
    twice = [tmp_path / name / "last.safetensors" for name in ("run", "again")]
    run("decompose", str(two_references), tmp_path / "again", 3, data={**data, "sampling": sampling})
    assert twice[0].read_bytes() == twice[1].read_bytes()
    small = {**data, "sampling": sampling, "memory_gb": 1e-3}
    with pytest.raises(ConfigError, match=r"data\.sampling\.nights: 2 of each photo take"):
        run("decompose", str(two_references), tmp_path / "small", 3, data=small)


def test_cards_tell_the_figures_apart(two_references: Path, tmp_path: Path) -> None:
    for file in two_references.rglob("p0.png"):
        file.rename(file.with_name("sice-1.png"))
    for file in two_references.rglob("p1.png"):
        file.rename(file.with_name("sice-2.png"))
    assert {pair.source for pair in find_pairs([two_references])} == {"sice", *(f"p{n}" for n in range(2, 10))}
    out = tmp_path / "packed.safetensors"
    card = pack(write_student(tmp_path / "run.safetensors"), out, tests={"val": [str(two_references)]})
    text, m = out.with_suffix(".md").read_text(), card.metrics["val"]
    for name, figure in (("GT-mean", "gtmean"), ("towards the second references", "fused"), ("sice only", "sice")):
        row = f"| val, {name} | rgb-full | {m['psnr_' + figure]:.2f} dB | {m['ssim_' + figure]:.4f} |\n"
        assert row in text
