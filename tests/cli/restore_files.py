"""Photos for the tests of `restorect restore`, and what lies in a folder afterwards."""

from pathlib import Path

import cv2
import numpy as np


def photo(
    path: Path, seed: int = 0, shape: tuple[int, ...] = (24, 32, 3), dtype: type = np.uint8, top: int = 60
) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, top, shape).astype(dtype)
    assert cv2.imwrite(str(path), pixels)
    return path


def pixels_of(path: Path) -> np.ndarray:
    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert pixels is not None
    return pixels


def files(out: Path) -> list[str]:
    return sorted(p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file() and p.name[0] != ".")
