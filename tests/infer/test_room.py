"""What does not fit into memory is refused in Python as by the command: in one line, with the size that would fit."""

import re
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch

from restorect.bands.memory import band_bytes, peak_bytes, whole_bytes
from restorect.errors import ImageError
from restorect.infer import room
from restorect.infer.auto_restorer import AutoRestorer
from restorect.infer.options import Options
from restorect.infer.restorer import Restorer
from restorect.nets.presets import student_preset

NANO = student_preset("nano").transformer
LARGE = np.full((1200, 1000, 3), 20, np.uint8)
SMALL = np.full((60, 50, 3), 20, np.uint8)
LIMITED = """
import resource, sys
import numpy as np, psutil, restorect
restorer = restorect.load(sys.argv[1], "nano")
restorer(np.full((60, 50, 3), 20, np.uint8))  # what is loaded, and the workspace of libraries
limit = psutil.Process().memory_info().vms + 1_000_000_000
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
side = int(float(sys.argv[2]) ** 0.5)
photo = np.full((side, side, 3), 20, np.uint8)
try:
    print(restorer(photo, fast=len(sys.argv) > 3).shape)
except restorect.RestorectError as error:
    print(error)
"""


@pytest.fixture(scope="module")
def restorer() -> Restorer:
    return Restorer.load("low-light", "nano")


def free(monkeypatch: pytest.MonkeyPatch, count: float) -> None:
    monkeypatch.setattr(room, "available_bytes", lambda: int(count))


def test_every_way_of_restoring_is_refused(restorer: Restorer, monkeypatch: pytest.MonkeyPatch) -> None:
    codes = restorer.sample(SMALL, 1)[0].codes
    assert codes is not None
    ways: list[Any] = [
        lambda image: restorer(image),
        lambda image: restorer.restore(image, Options(samples=2, uncertainty=True)),
        lambda image: restorer.sample(image, 2),
        lambda image: restorer.sample(image, 2, brightness=(0.0, 1.0)),
        lambda image: restorer.uncertainty(image),
        lambda image: restorer.restore_with(image, codes),
        lambda image: restorer.interpolate(image, codes, codes, 0.5),
        AutoRestorer.load("nano"),
        lambda image: AutoRestorer.load("nano").sample(image, 2),
    ]
    free(monkeypatch, 150e6)
    for way in ways:
        with pytest.raises(ImageError, match=r"^would need about [^\n]* make it [\d.]+ megapixels or smaller[^\n]*$"):
            way(LARGE)
    assert np.array_equal(restorer(LARGE, strength=0), LARGE), "a copy takes no maps"


def test_fast_mode_is_named_where_it_would_do(restorer: Restorer, monkeypatch: pytest.MonkeyPatch) -> None:
    """20 megapixels; in fast mode the network takes what a megapixel does."""
    photo = np.broadcast_to(np.uint8(20), (4000, 5000, 3))
    between, below = peak_bytes(NANO, 1024, 1024) + 2 * photo.nbytes, peak_bytes(NANO, 1024, 1024)
    lines = {}
    for count in (between, below):
        free(monkeypatch, count)
        with pytest.raises(ImageError) as refused:
            restorer(photo)
        lines[count] = str(refused.value)
    assert "megapixels or smaller, use fast=True, close other programs" in lines[between]
    assert "fast" not in lines[below]
    free(monkeypatch, below)
    with pytest.raises(ImageError) as refused:
        restorer(photo, fast=True)
    assert "fast" not in str(refused.value)
    floats, auto = np.broadcast_to(np.float32(0.1), (4000, 5000, 3)), AutoRestorer.load("nano")
    free(monkeypatch, 1.1 * (auto.peak_bytes(1024, 1024) + floats.nbytes))
    with pytest.raises(ImageError, match=r"use fast=True \(not for photos of retinas\)"):
        auto(floats)


def test_the_size_that_is_named_fits(restorer: Restorer, monkeypatch: pytest.MonkeyPatch) -> None:
    free(monkeypatch, 150e6)
    with pytest.raises(ImageError) as refused:
        restorer(LARGE)
    found = re.search(r"make it ([\d.]+) megapixels", str(refused.value))
    assert found
    side = int((1e6 * float(found[1])) ** 0.5)
    assert restorer(LARGE[:side, :side]).shape == (side, side, 3)


def test_each_image_of_a_batch_counts(restorer: Restorer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small ones are restored together; of large ones only the results add up."""
    assert peak_bytes(NANO, 100, 90, 3) == 3 * whole_bytes(NANO, 100, 90)
    assert peak_bytes(NANO, 1000, 1000, 3) == band_bytes(NANO, 1000, 1000)
    batch = torch.full((4, 3, 100, 90), 0.1)
    free(monkeypatch, 2 * whole_bytes(NANO, 100, 90))
    assert restorer(batch[:1]).shape == (1, 3, 100, 90)
    with pytest.raises(ImageError, match="would need"):
        restorer(batch)


def test_nothing_is_refused_where_the_system_does_not_tell(restorer: Restorer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "available_bytes", lambda: None)
    assert restorer(SMALL).shape == SMALL.shape


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit of addresses")
@pytest.mark.parametrize("task", ["low-light", "auto"])
def test_a_process_of_little_memory_refuses_and_lives(task: str) -> None:
    """Who follows the line gets a result, and so does who takes fast mode; a hundredth less, as addresses vary."""

    def told(pixels: float, *more: str) -> str:
        words = [sys.executable, "-c", LIMITED, task, str(pixels), *more]
        done = subprocess.run(words, capture_output=True, text=True, timeout=900, check=True)
        return done.stdout.strip()

    refused = told(28e6)
    found = re.fullmatch(r"would need about \S+ GB of memory, .* make it ([\d.]+) megapixels or smaller.*", refused)
    assert found, refused
    helps = task != "auto"  # whose look at a photo so large takes more than there is
    assert ("use fast=True" in refused) == helps
    assert told(0.99e6 * float(found[1])).startswith("(")
    assert told(28e6, "fast").startswith("(") == helps
