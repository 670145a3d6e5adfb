"""The batch with the real network (random weights) and the real image code."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from batch_fakes import settings_of

from notes import read_note
from restorect.images.read import read_photo
from restorect.infer.batch import NameTemplate, Naming, Summary, plan_batch, run_batch
from restorect.infer.restorer import Restorer
from restorect.nets.checkpoint import Card
from restorect.nets.presets import student_preset
from restorect.render.restoration import Restoration, RestorationConfig


@pytest.fixture(scope="module")
def restorer() -> Restorer:
    torch.manual_seed(0)
    card = Card(kind="student", task="low-light", preset="nano")
    return Restorer(Restoration(RestorationConfig(student=student_preset("nano"))), card, "random", torch.device("cpu"))


def batch(restorer: Restorer, source: Path, out: Path, **values: object) -> Summary:
    settings = settings_of(**values)
    naming = Naming(task="low-light", size="nano", settings=settings, template=NameTemplate())
    return run_batch(plan_batch([str(source)], out, naming), lambda: restorer)


def test_the_same_bytes_whatever_the_order_and_the_company(restorer: Restorer, tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    for number, shape in enumerate(((33, 47, 3), (64, 64, 3), (21, 80))):
        top, dtype = (60, np.uint8) if number else (3000, np.uint16)
        path = tmp_path / "in" / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        cv2.imwrite(str(path), chance.integers(0, top, shape).astype(dtype))
    assert batch(restorer, tmp_path / "in", tmp_path / "all", samples=2, seed=3).restored == 3
    assert batch(restorer, tmp_path / "in" / "1.png", tmp_path / "one", samples=2, seed=3).restored == 1
    for name in ("1-1.png", "1-2.png"):
        assert (tmp_path / "all" / name).read_bytes() == (tmp_path / "one" / name).read_bytes()
    assert (tmp_path / "all" / "1-1.png").read_bytes() != (tmp_path / "all" / "1-2.png").read_bytes()
    result = cv2.imread(str(tmp_path / "all" / "0-1.png"), cv2.IMREAD_UNCHANGED)
    assert result is not None
    assert (result.dtype, result.shape) == (np.uint16, (33, 47, 3))


def test_a_real_network_s_need_for_memory_grows_with_the_photo(restorer: Restorer) -> None:
    assert 0 < restorer.peak_bytes(100, 100) < restorer.peak_bytes(3000, 4000) < 1 << 40


def test_another_brightness_is_not_done_before_and_stands_in_the_note(restorer: Restorer, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.random.default_rng(0).integers(0, 90, (33, 47, 3)).astype(np.uint8))

    def done(**values: float) -> tuple[int, int, float, dict[str, str]]:
        summary = batch(restorer, tmp_path / "a.png", tmp_path / "out", **values)
        photo = read_photo(tmp_path / "out" / "a.png")
        return summary.restored, summary.skipped, photo.pixels.mean(), read_note(photo.metadata.xmp)

    restored, _, plain, note = done()
    assert restored == 1
    assert "brightness" not in note
    assert done(brightness=0.0)[:2] == (0, 1), "0 is as it was before there was a choice"
    restored, skipped, bright, note = done(brightness=1.0)
    assert (restored, skipped, note["brightness"], note["strength"]) == (1, 0, "1.0", "1.0")
    assert done(brightness=1.0)[:2] == (0, 1)
    restored, skipped, dark, note = done(brightness=-1.0)
    assert (restored, skipped, note["brightness"]) == (1, 0, "-1.0")
    assert dark < plain < bright
