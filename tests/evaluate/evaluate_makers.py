"""Small made-up photographs and sets for the tests of the evaluation."""

from pathlib import Path

import cv2
import numpy as np


def picture(seed: int, height: int = 24, width: int = 32) -> np.ndarray:
    """A smooth colourful uint8 picture, H x W x 3."""
    coarse = np.random.default_rng(seed).uniform(0.2, 1.0, (4, 5, 3)).astype(np.float32)
    smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).clip(0, 1)
    return np.round(255 * smooth).astype(np.uint8)


def save(path: Path, rgb: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.ascontiguousarray(rgb[:, :, ::-1]))
    return path


def dark(rgb: np.ndarray, share: float = 0.25) -> np.ndarray:
    return np.round(rgb * share).astype(np.uint8)


def write_set(root: Path, names: list[str], low: str = "low", high: str | None = "high") -> Path:
    """Pairs (or single dark photos) of these stems."""
    for seed, name in enumerate(names):
        bright = picture(seed)
        save(root / low / f"{name}.png", dark(bright))
        if high is not None:
            save(root / high / f"{name}.png", bright)
    return root
