"""Whether restorations are still what they were: every shipped network on small photos, bit for bit.

    python benchmarks/golden_outputs.py COMMIT       this tree against an earlier commit, on this machine
    python benchmarks/golden_outputs.py --write      the arrays that tests/test_golden.py compares with, rounded

All tasks and sizes, strengths 1 and 0.5, three samples, `auto`, 8 and 16 bit and float. Both sides of a comparison run
here, for processors round differently.
"""

import argparse
import io
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
GOLDEN = ROOT / "tests" / "golden.npz"
TASKS = ("low-light", "underwater", "backlit", "fundus")
NETWORKS = [(task, size) for task in TASKS for size in ("nano", "tiny")] + [("low-light", "small")]


def photos() -> dict[str, np.ndarray]:
    """Small photos (H, W, 3) float32 in [0, 1]: a dim room with a lamp, deep water, a retina in its frame."""
    y, x = np.mgrid[0:56, 0:72].astype(np.float32)
    grain = np.random.default_rng(5).normal(0, 0.01, (56, 72, 3)).astype(np.float32)
    stripes = 0.5 + 0.3 * np.sin(x / 5)[..., None] * np.array([1, 0.7, 0.4], np.float32) + 0.2 * (y / 56)[..., None]
    lamp = np.exp(-((x - 50) ** 2 + (y - 16) ** 2) / 30)[..., None] * np.array([1, 0.8, 0.4], np.float32)
    disc = ((x - 36) ** 2 + (y - 28) ** 2 < 26**2)[..., None]
    room = 0.12 * stripes + lamp + grain
    water = stripes * np.array([0.15, 0.6, 0.7], np.float32) + grain
    retina = np.where(disc, stripes * np.array([0.8, 0.4, 0.2], np.float32) + 0.3 * lamp + grain, 0.01)
    made = {"room": room, "water": water, "retina": retina}
    return {name: np.clip(photo, 0, 1).astype(np.float32) for name, photo in made.items()}


def photo_of(task: str) -> str:
    """The photo that a task's networks are tried on."""
    return {"underwater": "water", "fundus": "retina"}.get(task, "room")


def cases() -> Iterator[tuple[str, np.ndarray]]:
    """Names and restorations of everything that is compared."""
    import torch

    import restorect

    torch.set_num_threads(1)
    made = photos()
    for task, size in NETWORKS:
        photo = made[photo_of(task)]
        restorer = restorect.load(task, size)
        yield f"{task} {size}", restorer(photo)
        yield f"{task} {size} half", restorer(photo, strength=0.5)
        yield f"{task} {size} 8 bit", restorer(np.round(photo * 255).astype(np.uint8))
        yield f"{task} {size} 16 bit", restorer(np.round(photo * 65535).astype(np.uint16))
        for number, sample in enumerate(restorer.sample(photo, 3, seed=7)):
            yield f"{task} {size} sample {number}", sample.image
    auto = restorect.load("auto", "nano")
    for name, photo in made.items():
        yield f"auto {name}", auto(photo)


def of_commit(commit: str) -> dict[str, np.ndarray]:
    """The same cases by the code and the weights of a commit."""
    with tempfile.TemporaryDirectory() as folder:
        archive = subprocess.run(["git", "archive", commit, "src"], cwd=ROOT, capture_output=True, check=True).stdout
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(folder, filter="data")
        out = Path(folder) / "cases.npz"
        environment = {**os.environ, "PYTHONPATH": f"{folder}/src"}
        subprocess.run([sys.executable, __file__, "--to", str(out)], env=environment, check=True)
        with np.load(out) as arrays:
            return dict(arrays)


def main() -> int:
    """Compare, or write the arrays of the test."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commit", nargs="?", help="what this tree is compared with")
    parser.add_argument("--write", action="store_true", help="write the arrays of the test")
    parser.add_argument("--to", type=Path, help="write all cases to this file")
    arguments = parser.parse_args()
    now = dict(cases())
    if arguments.write or arguments.to:
        kept = now if arguments.to else {f"{t} {s}": now[f"{t} {s}"] for t, s in NETWORKS}
        np.savez_compressed(arguments.to or GOLDEN, **kept)
        return 0
    before = of_commit(arguments.commit)
    for name in sorted(now.keys() | before.keys()):
        if name not in now or name not in before:
            print(f"{name}: only on one side")
        elif not np.array_equal(now[name], before[name]):
            largest = np.abs(now[name].astype(np.float64) - before[name]).max()
            print(f"{name}: differs by up to {largest:.2g}")
    same = sum(name in before and np.array_equal(each, before[name]) for name, each in now.items())
    print(f"{same} of {len(now)} the same")
    return int(same < len(now.keys() | before.keys()))


if __name__ == "__main__":
    raise SystemExit(main())
