"""Validation figures: closed forms, and sources by name."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from restorect.data.pairs import find_pairs
from restorect.data.store import PairStore
from restorect.train.validate import validate


def _pairs(folder: Path, grey: dict[str, int]) -> PairStore:
    for side in ("low", "high"):
        (folder / side).mkdir()
        for name, value in grey.items():
            level = value if side == "low" else 100
            Image.fromarray(np.full((16, 16, 3), level, np.uint8)).save(folder / side / f"{name}.png")
    return PairStore(find_pairs([str(folder)]), torch.device("cpu"), 1)


def test_means_spread_and_sources(tmp_path: Path) -> None:
    figures = validate(lambda low, high: low, _pairs(tmp_path, {"a-1": 110, "a-2": 101, "b-1": 110, "7": 110}))
    ten, one = 20 * np.log10(255 / 10), 20 * np.log10(255)
    assert figures["psnr"] == pytest.approx((3 * ten + one) / 4, abs=1e-3)
    assert figures["psnr_std"] == pytest.approx(np.std([ten, ten, ten, one]), abs=1e-3)
    assert figures["psnr_a"] == pytest.approx((ten + one) / 2, abs=1e-3)
    assert "psnr_b" not in figures  # one photo is no source
    assert "psnr_7" not in figures


def test_outputs_are_rounded_as_a_file_is(tmp_path: Path) -> None:
    figures = validate(lambda low, high: high + 0.4 / 255, _pairs(tmp_path, {"a": 0}))
    assert figures["psnr"] == 100  # identical after rounding, and capped


def test_a_retina_keeps_its_frame_as_when_it_is_restored(tmp_path: Path) -> None:
    pairs = _pairs(tmp_path, {"a": 100})
    for side in ("low", "high"):
        place = np.arange(64) - 31.5
        disc = np.hypot(place[:, None], place[None]) < 28
        Image.fromarray((disc[..., None] * np.uint8([150, 80, 30])).astype(np.uint8)).save(tmp_path / side / "a.png")
    pairs = PairStore(find_pairs([str(tmp_path)]), torch.device("cpu"), 1)
    stained = lambda low, high: torch.where(low == 0, low + 0.2, low)  # noqa: E731
    assert validate(stained, pairs)["psnr"] < 25
    assert validate(stained, pairs, "fundus")["psnr"] == 100
