from pathlib import Path

import cv2
import numpy as np
import pytest
from worker import run


def write_pairs(root: Path, count: int, side: int = 80) -> Path:
    """A small made-up data set: smooth colourful images, darkened and noisy in low/."""
    rng = np.random.default_rng(7)
    for name in ("low", "high"):
        (root / name).mkdir(parents=True)
    for number in range(count):
        coarse = rng.uniform(0.2, 1.0, (6, 6, 3)).astype(np.float32)
        high = cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC).clip(0, 1)
        low = (0.2 * high + rng.normal(0, 0.01, high.shape)).clip(0, 1)
        cv2.imwrite(str(root / "high" / f"p{number}.png"), np.round(high * 255).astype(np.uint8))
        cv2.imwrite(str(root / "low" / f"p{number}.png"), np.round(low * 255).astype(np.uint8))
    return root


@pytest.fixture(scope="session")
def pairs_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pairs(tmp_path_factory.mktemp("pairs"), 10)


@pytest.fixture(scope="session")
def decomposition(pairs_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("decompose")
    run("decompose", str(pairs_folder), folder, 30)
    return folder / "last.safetensors"


@pytest.fixture(scope="session")
def teacher(pairs_folder: Path, decomposition: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("teacher")
    run("teacher", str(pairs_folder), folder, 20, decomposition=str(decomposition))
    return folder / "last.safetensors"
