"""What a recipe trains on: photos to learn from, photos to validate with, and the simulator of its task."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from restorect.data.degrade.simulator import Degraded, Simulator
from restorect.data.pairs import Pair, find_pairs, hold_out
from restorect.data.store import PairStore
from restorect.errors import ConfigError, DataError
from restorect.images.find import photos_in
from restorect.tasks import find_task, task_names
from restorect.train.recipes import Recipe


def photos_of(recipe: Recipe, device: torch.device, side: int) -> tuple[PairStore, PairStore]:
    """Photos to train on, clean ones as pairs of themselves, and photos to validate with."""
    data = recipe.data
    pairs = find_pairs(data.train)
    if data.val:
        held_out = find_pairs(data.val)
    else:
        pairs, held_out = hold_out(pairs, data.hold_out)
    clean = [path for folder in data.clean for path in photos_in(Path(folder))]
    gb = data.memory_gb / 3
    sampling = data.sampling
    if sampling.fused > 0:
        _require_fused(pairs, data.train, f"data.sampling.fused={sampling.fused:g}", "data.sampling.fused=0")
    else:
        pairs = [replace(pair, fused=None) for pair in pairs]
    if recipe.schedule.best == "psnr_fused":
        _require_fused(held_out, data.val or data.train, "schedule.best=psnr_fused", "schedule.best=psnr")
    held = PairStore(held_out, device, gb)  # whole: that is how they are restored
    pairs += [Pair(path.stem, path, path) for path in clean]
    return PairStore(pairs, device, gb, side, sampling.half), held


def _require_fused(pairs: Sequence[Pair], folders: Sequence[str], asked: str, instead: str) -> None:
    if not any(pair.fused for pair in pairs):
        raise DataError(
            f"{', '.join(folders)}: no pair has a second reference, which {asked} needs; "
            f"add the folder fused/ beside high/, or give {instead}"
        )


def simulator_of(recipe: Recipe) -> Simulator:
    """The task's; a task without one, or several tasks at once, are trained on pairs alone."""
    if recipe.task in task_names():
        return find_task(recipe.task).simulate
    if recipe.data.clean or recipe.data.sampling.simulate > 0:
        raise ConfigError(
            f"task {recipe.task!r} has no simulator: choose one of {', '.join(task_names())}, "
            "or train on pairs alone (data.sampling.simulate=0 and no clean photos)"
        )
    return lambda image, generator: Degraded(image, image)  # never called
