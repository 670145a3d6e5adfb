"""The weights in the repository: they load strictly, say what they are, keep their bounds and do their work."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from restorect.errors import CheckpointError
from restorect.files import file_hash, portable
from restorect.infer.restorer import Restorer
from restorect.metrics.psnr import psnr
from restorect.nets.checkpoint import load_decomposition, load_teacher, read_checkpoint, save_checkpoint
from restorect.render.checkpoint import load_restoration
from restorect.weights.catalogue import checksums, shipped

ROOT = Path(__file__).parents[1]
STUDENTS = sorted(shipped().items())
TEACHERS = sorted((ROOT / "teachers").glob("*-teacher.safetensors"))
DECOMPOSITIONS = sorted((ROOT / "teachers").glob("*-decomposition.safetensors"))
LARGEST = {"small": 14e6, "tiny": 7e6, "nano": 5e6}


def test_low_light_comes_in_three_sizes() -> None:
    assert {size for task, size in shipped() if task == "low-light"} == {"small", "tiny", "nano"}


@pytest.mark.parametrize(("name", "path"), STUDENTS)
def test_students_keep_their_bounds_and_carry_a_card(name: tuple[str, str], path: Path) -> None:
    _, card = load_restoration(path)
    assert (card.task, card.preset) == name
    assert path.stat().st_size <= LARGEST[card.preset]
    running = ("standardise", "running_", "num_batches")  # figures of a wider range
    assert {t.dtype for n, t in load_file(path).items() if not any(r in n for r in running)} == {torch.float16}
    assert card.data
    assert card.licence == "Apache-2.0"
    assert {"steps", "hardware"} <= set(card.notes)
    assert "validation" in card.metrics
    test = "lol-v1-eval15" if card.task == "low-light" else "validation"
    assert all(m["protocol"] == "rgb-full" for m in card.metrics.values())
    text = path.with_suffix(".md").read_text(encoding="utf-8")
    assert f"{card.metrics[test]['psnr']:.2f} dB" in text


@pytest.mark.parametrize("path", TEACHERS)
def test_teachers_load(path: Path) -> None:
    _, card = load_teacher(path)
    assert card.metrics
    assert path.with_suffix(".md").is_file()


def test_stage_0_loads() -> None:
    assert DECOMPOSITIONS
    assert all(load_decomposition(path)[1].data for path in DECOMPOSITIONS)


@pytest.mark.parametrize("path", [*(path for _, path in STUDENTS), *TEACHERS, *DECOMPOSITIONS])
def test_no_path_of_a_machine_is_inside(path: Path) -> None:
    _, card = read_checkpoint(path)
    assert portable(card.recipe) == card.recipe
    assert not any(Path(name).is_absolute() for name in card.data)


def test_files_stay_small() -> None:
    files = [path for _, path in STUDENTS] + TEACHERS + DECOMPOSITIONS
    assert TEACHERS
    assert all(path.stat().st_size < 15 * 2**20 for path in files)
    assert sum(path.stat().st_size for path in files) < 90 * 2**20


@pytest.mark.parametrize(("name", "path"), STUDENTS)
def test_any_photo_comes_out_finite_and_in_range(name: tuple[str, str], path: Path) -> None:
    restorer = Restorer.load(*name)
    rng = np.random.default_rng(0)
    odd = [np.zeros((37, 53, 3)), np.ones((37, 53, 3)), rng.uniform(0, 1, (1, 1, 3)), rng.uniform(0, 0.02, (5, 200, 3))]
    for image in odd:
        output = restorer(image.astype(np.float32))
        assert output.shape == image.shape
        assert np.isfinite(output).all()
        assert output.min() >= 0
        assert output.max() <= 1


@pytest.mark.parametrize(("name", "path"), [(name, path) for name, path in STUDENTS if name[0] == "low-light"])
def test_dark_photos_come_out_bright_and_like_the_day(name: tuple[str, str], path: Path) -> None:
    from restorect.data.degrade.dark import DarkConfig
    from restorect.data.degrade.low_light import LowLightConfig, degrade_low_light
    from restorect.data.degrade.night_scene import NightSceneConfig

    restorer = Restorer.load(*name)
    with Image.open(ROOT / "examples" / "forest-path.jpg") as file:
        small = np.asarray(file.convert("RGB").resize((320, 200)), dtype=np.float32) / 255
    day = torch.from_numpy(small).permute(2, 0, 1) ** 0.6  # the forest itself is dark
    empty = NightSceneConfig(lights=0.0, cast=0.0, dark=DarkConfig(probability=0.0))
    dusk = LowLightConfig(exposure=(0.05, 0.05), scene=empty)
    night = degrade_low_light(day, torch.Generator().manual_seed(3), dusk).low
    restored = restorer(night)
    before, after = float(psnr(night[None], day[None])), float(psnr(restored[None], day[None]))
    assert after > before + 3
    assert restored.mean() > 1.5 * night.mean()


def test_the_table_of_check_sums_is_that_of_the_files() -> None:
    folder = next(path for _, path in STUDENTS).parent
    files = {path.name: file_hash(path) for path in folder.glob("*.safetensors")}
    remedy = "run in src/restorect/weights: sha256sum *.safetensors > SHA256SUMS"
    assert checksums(folder) == files, remedy
    assert len(files) == len(STUDENTS) + 1


def test_a_shipped_file_that_was_damaged_is_not_used(tmp_path: Path) -> None:
    path = next(path for (task, size), path in STUDENTS if size == "nano")
    copy = tmp_path / path.name
    content = bytearray(path.read_bytes())
    content[-1000] ^= 1
    copy.write_bytes(content)
    with pytest.raises(CheckpointError, match="do not fit their check sum: the copy is damaged"):
        Restorer.load(weights=copy)


def test_another_file_in_the_place_of_a_shipped_one_is_not_used(tmp_path: Path) -> None:
    """It is whole, and says so itself; the table beside it knows another."""
    path = next(path for (task, size), path in STUDENTS if size == "nano")
    copy = tmp_path / path.name
    network, card = load_restoration(path)
    save_checkpoint(copy, network, replace(card, notes={**card.notes, "mine": "yes"}))
    Restorer.load(weights=copy)  # a file of one's own
    (tmp_path / "SHA256SUMS").write_bytes((path.parent / "SHA256SUMS").read_bytes())
    with pytest.raises(CheckpointError, match="is not the file that was shipped"):
        Restorer.load(weights=copy)
