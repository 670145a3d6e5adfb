"""Validation figures: closed forms, and sources by name."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from restorect.data.pairs import find_pairs
from restorect.data.store import PairStore
from restorect.render.field_of_view import FieldOfViewConfig
from restorect.render.step import Scene
from restorect.train.validate import validate


def _pairs(folder: Path, grey: dict[str, int], fused: dict[str, int] | None = None) -> PairStore:
    for side, levels in (("low", grey), ("high", dict.fromkeys(grey, 100)), ("fused", fused or {})):
        for name, level in levels.items():
            (folder / side).mkdir(exist_ok=True)
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


def test_second_references_have_figures_of_their_own(tmp_path: Path) -> None:
    pairs = _pairs(tmp_path, {"a-1": 110, "a-2": 101, "b-1": 110}, {"a-1": 130, "b-1": 111})
    figures = validate(lambda low, high: low, pairs)
    twenty, one = 20 * np.log10(255 / 20), 20 * np.log10(255)
    assert figures["psnr_fused"] == pytest.approx((twenty + one) / 2, abs=1e-3)  # over the two that have one
    assert 0.9 < figures["ssim_fused"] < 1
    assert figures["psnr"] == pytest.approx((40 * np.log10(255 / 10) + one) / 3, abs=1e-3)
    assert "psnr_fused" not in validate(lambda low, high: low, _without_fused(pairs))


def _without_fused(pairs: PairStore) -> PairStore:
    return PairStore([replace(pair, fused=None) for pair in pairs.pairs], torch.device("cpu"), 1)


def test_gt_mean_forgives_a_factor(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    high = rng.integers(60, 120, (16, 16, 3), dtype=np.uint8)
    pairs = _pairs(tmp_path, {"a": 100})
    for side, image in (("low", 2 * high), ("high", high)):
        Image.fromarray(image).save(tmp_path / side / "a.png")
    figures = validate(lambda low, high: low, pairs := PairStore(pairs.pairs, torch.device("cpu"), 1))
    assert figures["psnr"] < 12
    assert figures["psnr_gtmean"] == 100
    assert figures["ssim_gtmean"] == pytest.approx(1)
    # As a file has it: what is beyond white is cut off before the mean is looked at.
    cut = validate(lambda low, high: 3 * low, pairs)
    assert 8 < cut["psnr_gtmean"] < 40


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
    step = FieldOfViewConfig().build()
    kept = lambda low, high: step(stained(low, high), Scene(low, low, low))  # noqa: E731
    assert validate(kept, pairs)["psnr"] == 100
