"""The `restorect` command in a real process, with a quick stand-in for the networks: `restore_program.py ARGUMENT...`.

The environment variable `SECONDS_A_PHOTO` slows it down.
"""

import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from restorect.cli import main as command
from restorect.cli import restore as restore_command
from restorect.errors import CheckpointError


class Brightener:
    """Takes the square root; sample k is a little darker than sample k - 1."""

    task, weights_hash, device = "low-light", "f" * 64, "cpu"
    default_steps = 4

    def __init__(self, size: str = "tiny", seconds: float = 0.0) -> None:
        self.size, self.seconds, self.calls = size, seconds, 0

    def __call__(self, image: Any, *, strength: float, seed: int, samples: int, steps: int | None) -> Any:
        self.calls += 1
        time.sleep(self.seconds)
        results = [np.sqrt(np.clip(image, 0, 1)) * np.float32(1 - 0.1 * k) for k in range(samples)]
        return results if samples > 1 else results[0]

    def peak_bytes(self, height: int, width: int) -> int:
        return height * width * 100


def load_brightener(task: str, size: str, *, device: str, weights: Path | None, threads: int | None) -> Brightener:
    if (task, weights) != ("low-light", None):
        raise CheckpointError(f"no weights for {task}; use --weights")
    return Brightener(size, float(os.environ.get("SECONDS_A_PHOTO", "0")))


def main() -> None:
    restore_command.load_restorer = load_brightener
    command.main()


if __name__ == "__main__":
    sys.exit(main())
