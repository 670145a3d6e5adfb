"""Who gets bands, what that takes, and whether it is true."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from restorect.bands.memory import band_bytes, in_bands, peak_bytes, whole_bytes
from restorect.nets.presets import PRESETS, student_preset

CPU = torch.device("cpu")
CODE = """
import sys
import numpy as np, torch
from restorect.bench.costs import resident_mib
from restorect.infer.restorer import Restorer
torch.set_num_threads(1)
size, height, width, kind = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
restorer = Restorer.load("low-light", size)
restorer(np.zeros((64, 64, 3), np.float32))
photo = np.ones((height, width, 3), kind)  # nearly black; white would rightly stay as it is
if kind == "float32":
    photo *= 0.1
before, _ = resident_mib()
restored = restorer(photo)
assert restored.dtype == photo.dtype and (restored != photo).any()
print(restorer.peak_bytes(height, width) / 2**20, resident_mib()[1] - before)
"""


def estimate_and_peak(size: str, height: int, width: int, kind: str) -> tuple[float, float]:
    """Both in MiB, of a process of its own."""
    arguments = [sys.executable, "-c", CODE, size, str(height), str(width), kind]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=1700, check=True)
    estimate, peak = map(float, done.stdout.split())
    return estimate, peak


def test_small_photos_are_restored_whole_and_large_ones_in_bands() -> None:
    config = student_preset("tiny").transformer
    assert not in_bands(config, 400, 600, CPU)
    assert not in_bands(config, 1, 1, CPU)
    assert in_bands(config, 1000, 1000, CPU)
    assert in_bands(config, 1, 600_000, CPU)
    assert not in_bands(config, 4000, 6000, torch.device("mps"))


@given(st.sampled_from(PRESETS), st.integers(100, 3000), st.integers(100, 3000))
def test_a_larger_photo_needs_no_less(preset: str, height: int, width: int) -> None:
    config = student_preset(preset).transformer
    for needed in (whole_bytes, band_bytes):
        assert needed(config, height, width) <= needed(config, height + 100, width + 7)
    bands = in_bands(config, height, width, CPU)
    assert peak_bytes(config, height, width) == (band_bytes if bands else whole_bytes)(config, height, width)


def test_bands_take_a_fraction_of_what_whole_maps_take() -> None:
    config = student_preset("tiny").transformer
    assert band_bytes(config, 4000, 6000) < 1e9 < 6e9 < whole_bytes(config, 4000, 6000)
    assert band_bytes(config, 10_000, 10_000) < 4e9


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system tells no peak")
@pytest.mark.parametrize(
    ("size", "height", "width", "kind"),
    [
        ("nano", 1000, 1000, "uint8"),
        pytest.param("nano", 2000, 2000, "uint8", marks=pytest.mark.slow),
        pytest.param("tiny", 2000, 2000, "float32", marks=pytest.mark.slow),
    ],
)
def test_the_estimate_is_near_the_peak(size: str, height: int, width: int, kind: str) -> None:
    estimate, peak = estimate_and_peak(size, height, width, kind)
    assert 1.0 <= estimate / peak <= 1.7
