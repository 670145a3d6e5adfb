"""Restorations are what they were when `benchmarks/golden_outputs.py --write` was run last."""

import sys
from pathlib import Path

import numpy as np
import pytest

import restorect

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))
from golden_outputs import GOLDEN, NETWORKS, photo_of, photos  # noqa: E402


@pytest.mark.parametrize(("task", "size"), NETWORKS)
def test_shipped_networks_give_what_they_gave(task: str, size: str) -> None:
    with np.load(GOLDEN) as arrays:
        expected = arrays[f"{task} {size}"]
    photo = photos()[photo_of(task)]
    restored = restorect.load(task, size)(photo)
    np.testing.assert_allclose(restored, expected, atol=1e-5, rtol=0)


def test_the_photos_are_not_left_as_they_are() -> None:
    made = photos()
    with np.load(GOLDEN) as arrays:
        sizes = [size for task, size in NETWORKS if task == "low-light"]
        assert all(np.abs(arrays[f"low-light {size}"] - made["room"]).mean() > 0.05 for size in sizes)
        assert len({arrays[name].tobytes() for name in arrays.files}) == len(arrays.files)
