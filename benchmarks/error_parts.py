"""What the error of restorations consists of: exposure, colour, large forms, detail; and whether networks share it.

    python benchmarks/error_parts.py DATA/val --task low-light --sizes tiny nano small --every 2

Prints a Markdown table of PSNR on RGB, style reference: of each size's restoration as it is, scaled to the truth's
mean (GT-mean), with the affine and with the cubic map of its colours that fits the truth best, and, after GT-mean,
with everything coarser or everything finer than some pixels (`SIGMA`, Gaussian) taken from the truth. Last comes the
average of all sizes: what different networks do wrong in different ways goes away in it.
"""

import argparse
from collections import defaultdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

import restorect
from restorect.data.pairs import find_pairs
from restorect.images.seen import read_srgb
from restorect.infer.options import Options

SIGMA = 16.0
Array = NDArray[Any]


def psnr(image: Array, truth: Array) -> float:
    """In dB, of values up to 1."""
    return float(-10 * np.log10(max(float(np.square(image.clip(0, 1) - truth).mean()), 1e-10)))


def mapped(image: Array, truth: Array, degree: int) -> Array:
    """The image with its colours mapped to the truth's by least squares: powers of each channel up to a degree."""
    powers = [image.reshape(-1, 3) ** power for power in range(1, degree + 1)]
    known = np.concatenate([*powers, np.ones((image.size // 3, 1))], axis=1)
    return np.asarray(known @ np.linalg.lstsq(known, truth.reshape(-1, 3), rcond=None)[0]).reshape(truth.shape)


def parts(image: Array, truth: Array) -> dict[str, float]:
    """PSNR of a restoration (H, W, 3) in [0, 1], as it is and with parts of it made right."""
    scaled = (image * (truth.mean() / max(float(image.mean()), 1e-6))).clip(0, 1)
    coarse, true_coarse = (cv2.GaussianBlur(each, (0, 0), SIGMA) for each in (scaled, truth))
    return {
        "as it is": psnr(image, truth),
        "GT-mean": psnr(scaled, truth),
        "affine colours": psnr(mapped(image, truth, 1), truth),
        "cubic colours": psnr(mapped(image, truth, 3), truth),
        "true coarse part": psnr(scaled - coarse + true_coarse, truth),
        "true fine part": psnr(coarse + truth - true_coarse, truth),
    }


def main() -> None:
    """See the docstring of this module."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--task", default="low-light")
    parser.add_argument("--sizes", nargs="+", default=["tiny", "nano", "small"])
    parser.add_argument("--every", type=int, default=1)
    options = parser.parse_args()
    restorers = {size: restorect.load(options.task, size) for size in options.sizes}
    rows: dict[str, list[dict[str, float]]] = defaultdict(list)
    for pair in find_pairs([options.folder])[:: options.every]:
        low, truth = read_srgb(pair.low), read_srgb(pair.high).astype(np.float64) / 255
        images = {
            size: restorer.restore(low, Options(style="reference")).images[0].astype(np.float64) / 255
            for size, restorer in restorers.items()
        }
        for size, image in images.items():
            rows[size].append(parts(image, truth))
        if len(images) > 1:
            rows["their average"].append(parts(np.mean(list(images.values()), axis=0), truth))
    names = list(next(iter(rows.values()))[0])
    print(f"| | {' | '.join(names)} |\n|---|{'---|' * len(names)}")
    for who, measured in rows.items():
        print(f"| {who} | {' | '.join(f'{np.mean([row[name] for row in measured]):.2f}' for name in names)} |")


if __name__ == "__main__":
    main()
