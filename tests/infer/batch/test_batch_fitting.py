"""What a refusal for want of memory names: the size that would fit, exactly, and fast mode where it would help."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from batch_fakes import FakeRestorer, settings_of
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from restorect.bands.memory import peak_bytes
from restorect.errors import ImageError
from restorect.images.photo import Metadata, PhotoInfo
from restorect.infer.batch import Job, MemoryBudget, Source, Stop
from restorect.infer.batch.memory import needed_bytes
from restorect.infer.batch.photo_job import PhotoJobs
from restorect.infer.fitting import Need, largest_fitting
from restorect.nets.presets import student_preset
from restorect.tasks import find_task, task_names, tasks_without_fast

INFO = PhotoInfo(
    format="png", height=4000, width=6000, channels=3, bit_depth=8, has_alpha=False, profile="sRGB", orientation=1,
    pages=1, stored_bits=8, linear=False, lossless=True, metadata=Metadata(),
)  # fmt: skip
LIMITED = """
import resource, psutil, torch
from restorect.cli.main import main
limit = psutil.Process().memory_info().vms + 1_700_000_000
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
main()
"""
TINY = student_preset("tiny").transformer


def restoring(info: PhotoInfo) -> int:
    """What tiny needs with a file of 10 MB."""
    return needed_bytes(info, file_bytes=10**7, samples=1) + peak_bytes(TINY, info.height, info.width)


def named(words: str) -> float:
    """The megapixels that a line names."""
    found = re.search(r"make it ([\d.]+) megapixels or smaller", words)
    assert found, words
    return float(found[1])


def test_the_size_is_that_of_the_closed_form() -> None:
    """A square photo of n x n pixels that needs 7 bytes a pixel fits into 7 n^2 bytes, and not into one less."""
    square = replace(INFO, height=5000, width=5000)

    def fitting(limit: int) -> PhotoInfo | None:
        return largest_fitting(square, lambda info: 7 * info.height * info.width <= limit)

    for side in (1, 2, 3, 99, 100, 1234, 4999):
        fits, less = fitting(7 * side**2), fitting(7 * side**2 - 1)
        assert fits is not None
        assert (fits.height, fits.width) == (side, side)
        assert (0 if less is None else less.height) == side - 1
    words = Need(info=square, at=lambda info: 7 * info.height * info.width).remedy(7 * 3000**2)
    assert words == "make it 9 megapixels or smaller, close other programs or use a machine with more"


@given(st.integers(1, 9000), st.integers(1, 9000), st.floats(0.05, 0.99))
def test_the_next_larger_size_does_not_fit(height: int, width: int, share: float) -> None:
    photo = replace(INFO, height=height, width=width)
    limit = share * restoring(photo)
    found = largest_fitting(photo, lambda info: restoring(info) <= limit)
    longer = max(height, width)
    if found is None:
        return
    assert restoring(found) <= limit
    most = max(found.height, found.width)
    assert found.height == max(1, height * most // longer)
    assert found.width == max(1, width * most // longer)
    larger = replace(photo, height=max(1, height * (most + 1) // longer), width=max(1, width * (most + 1) // longer))
    assert restoring(larger) > limit


@pytest.mark.parametrize("limit", [2e8, 5e8, 1e9, 2e9])
def test_the_megapixels_that_are_named_pass_the_check_and_one_in_a_hundred_more_do_not(limit: float) -> None:
    budget = MemoryBudget(lambda: int(limit / 0.95))
    need = Need(info=INFO, at=restoring)
    with pytest.raises(ImageError) as refused:
        budget.check(need.bytes, need.remedy)
    megapixels = named(str(refused.value))

    def of(megapixels: float) -> int:
        scale = (megapixels * 1e6 / (INFO.height * INFO.width)) ** 0.5
        return restoring(replace(INFO, height=int(INFO.height * scale), width=int(INFO.width * scale)))

    budget.check(of(megapixels), need.remedy)
    with pytest.raises(ImageError):
        budget.check(of(1.015 * megapixels), need.remedy)


def test_a_strip_of_many_pixels_is_answered_at_once() -> None:
    strip = replace(INFO, height=1, width=10**9)
    found = largest_fitting(strip, lambda info: info.width <= 123_456_789)
    assert found is not None
    assert found.width == 123_456_789


def test_where_nothing_fits_no_size_is_named() -> None:
    words = Need(info=INFO, at=restoring).remedy(1000)
    assert words == "close other programs or use a machine with more"


class Networks(FakeRestorer):
    """Of a task, with maps of 100 bytes a pixel."""

    def __init__(self, task: str) -> None:
        super().__init__()
        self.task = task

    def peak_bytes(self, height: int, width: int) -> int:
        return 100 * height * width


def refusal(path: Path, task: str, limit: int, **options: object) -> str:
    """The line for a photo that does not fit."""
    jobs = PhotoJobs(Networks(task), settings_of(**options), MemoryBudget(lambda: limit), Stop())  # type: ignore[arg-type]
    with pytest.raises(ImageError) as refused:
        jobs.read(Job(source=Source(path=path), outputs=(), format="png"))
    return str(refused.value)


def test_fast_mode_is_named_where_it_fits_and_is_allowed(tmp_path: Path) -> None:
    """2000 x 1000 pixels need 57 bytes each to be read and written, and 100 for the maps; in fast mode 2^20 of them."""
    path = tmp_path / "a.png"
    Image.fromarray(np.zeros((1000, 2000, 3), np.uint8)).save(path)
    between, below = 250_000_000, 150_000_000
    assert "use --fast, close" in refusal(path, "low-light", between)
    assert "--fast" not in refusal(path, "low-light", below)
    assert "--fast" not in refusal(path, "fundus", between)
    assert "use --fast (not for photos of retinas), close" in refusal(path, "auto", between)
    assert "--fast" not in refusal(path, "low-light", below, fast=True)
    assert named(refusal(path, "low-light", between)) < 2
    assert named(refusal(path, "low-light", below)) < named(refusal(path, "low-light", between))
    assert named(refusal(path, "low-light", between, samples=3)) < named(refusal(path, "low-light", between))


def test_the_tasks_without_fast_mode() -> None:
    assert tasks_without_fast() == tuple(name for name in task_names() if not find_task(name).fast) == ("fundus",)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit of addresses")
def test_a_user_who_follows_the_line_gets_a_result(tmp_path: Path) -> None:
    """In real processes that may take so much more than libraries do; a hundredth less, as addresses vary a little."""
    path, out = tmp_path / "a.png", tmp_path / "out"

    def restore(side: int) -> subprocess.CompletedProcess[str]:
        Image.fromarray(np.full((side, side, 3), 20, np.uint8)).save(path)
        arguments = [str(path), "-o", str(out), "--task", "low-light", "--size", "nano", "-q"]
        return subprocess.run(
            [sys.executable, "-c", LIMITED, "restore", *arguments],
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
            # Each arena takes 64 MB of addresses, and their number depends on how busy the machine is.
            env=os.environ | {"MALLOC_ARENA_MAX": "1"},
        )

    refused = restore(5000)
    assert refused.returncode == 1
    restored = restore(int((0.99e6 * named(refused.stderr)) ** 0.5))
    assert restored.returncode == 0, restored.stderr
    assert (out / "a.png").exists()
