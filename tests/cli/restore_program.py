"""The `restorect` command in a real process, with a quick stand-in for the networks: `restore_program.py ARGUMENT...`.

The environment variable `SECONDS_A_PHOTO` slows it down; with `GO_ON_WHEN` all photos but the first wait until that
path exists.
"""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import restorect
from restorect.auto.decision import Decision
from restorect.cli import __main__ as start
from restorect.errors import CheckpointError
from restorect.infer.options import Options, Restored

Run = Callable[..., tuple[int, str, str]]
"""Takes arguments; gives exit code, standard output, standard error."""


class Brightener:
    """Takes the square root; sample k is a little darker than sample k - 1."""

    weights_hash, device, precision, engine = "f" * 64, "cpu", "float32", "torch"
    default_steps = 4
    first = True

    def __init__(self, size: str = "tiny", seconds: float = 0.0, task: str = "low-light") -> None:
        self.size, self.seconds, self.task, self.calls = size, seconds, task, 0

    def restore(self, image: Any, options: Options) -> Restored:
        self.calls += 1
        time.sleep(self.seconds)
        gate = os.environ.get("GO_ON_WHEN")
        while gate and not Brightener.first and not Path(gate).exists():
            time.sleep(0.01)
        Brightener.first = False
        darker = range(options.samples - 1, -1, -1)
        images = [np.sqrt(np.clip(image, 0, 1)) * np.float32(1 - 0.1 * k) for k in darker]
        doubt = np.std(images, axis=0).mean(axis=2) if options.samples > 1 else np.full(image.shape[:2], 0.125)
        return Restored(images=images, spread=doubt.astype(np.float32) if options.uncertainty else None, by=self)

    def peak_bytes(self, height: int, width: int) -> int:
        return height * width * 100


class Chooser:
    """Leaves what is bright alone, takes blue for underwater (without weights), red for a retina, and brightens.

    Of what is a little too bright to be sure it is told so.
    """

    task, weights_hash, device, precision, engine = "auto", "e" * 64, "cpu", "float32", "torch"

    def __init__(self, size: str = "tiny", seconds: float = 0.0) -> None:
        self.size, self.seconds = size, seconds

    def decide(self, image: Any) -> Decision:
        red, _, blue = image.reshape(-1, 3).mean(axis=0)
        task = "none" if image.mean() > 0.4 else "fundus" if red > 2 * blue else "underwater" if blue > 2 * red else ""
        return Decision(task=task or "low-light", confidence=0.875, mild=bool(task == "" and image.mean() > 0.3))

    def restore(self, image: Any, options: Options) -> Restored:
        decision = self.decide(image)
        if decision.nothing_to_restore:
            return Restored(images=[image] * options.samples, decision=decision)
        if decision.task == "underwater":
            raise CheckpointError("looks like a case for underwater, but there are no weights for it")
        by = Brightener(self.size, self.seconds, decision.task)
        by.precision = self.precision
        options = replace(options, strength=decision.eased(options.strength))
        return replace(by.restore(image, options), decision=decision)

    def peak_bytes(self, height: int, width: int) -> int:
        return height * width * 100


def load_brightener(task: str, size: str, *, device: str, weights: Path | None, precision: str = "float32") -> Any:
    if task not in ("auto", "low-light", "fundus") or weights is not None:
        raise CheckpointError(f"no weights for {task}; use --weights")
    seconds = float(os.environ.get("SECONDS_A_PHOTO", "0"))
    networks: Any = Chooser(size, seconds) if task == "auto" else Brightener(size, seconds, task)
    networks.precision = precision
    return networks


def main() -> None:
    restorect.load = load_brightener
    start.main()


if __name__ == "__main__":
    sys.exit(main())
