"""The training state: everything a killed run needs to go on as if nothing had happened.

One file, written to a temporary name and renamed, loadable with `weights_only=True`.
"""

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from restorect.errors import TrainingError
from restorect.files import write_atomically

FORMAT_VERSION = 1


@dataclass
class TrainingState:
    """Counters and tensors of a run.

    Attributes:
        recipe: JSON of the effective recipe without its schedule; a run may only be resumed with the same.
        step: optimiser steps done.
        position: samples drawn, over all processes; batches are drawn by it.
        minutes: of training, over all starts of the run.
        best: best validation figure so far, by default the PSNR; -1 for none.
        finished: whether the schedule has ended.
        tensors: state dicts of the stage, of its average and of the optimiser.
    """

    recipe: str
    step: int = 0
    position: int = 0
    minutes: float = 0.0
    best: float = -1.0
    finished: bool = False
    tensors: dict[str, Any] = field(default_factory=dict)


def save_state(path: Path, state: TrainingState) -> None:
    """Write the state, atomically."""
    buffer = io.BytesIO()
    torch.save({"format_version": FORMAT_VERSION, **vars(state)}, buffer)
    write_atomically(path, buffer.getvalue())


def load_state(path: Path, recipe: str, device: torch.device) -> TrainingState:
    """Read the state of a run.

    Raises:
        TrainingError: the file is damaged, of another version, or of a run with another recipe.
    """
    try:
        content = torch.load(path, map_location=device, weights_only=True)
        version = content.pop("format_version")
        state = TrainingState(**content)
    except Exception as error:  # torch.load raises many kinds for a damaged file
        raise TrainingError(f"{path}: not a readable training state; start the run anew in another folder") from error
    if version != FORMAT_VERSION:
        raise TrainingError(f"{path}: training state of version {version}, this restorect reads {FORMAT_VERSION}")
    if state.recipe != recipe:
        raise TrainingError(f"{path}: this run was started with another recipe; resume with that one (recipe.yaml)")
    return state
