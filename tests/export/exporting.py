"""Small restorations to export, quick to trace, and graphs as other programs run them."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch

from restorect.flow.velocity import VelocityConfig
from restorect.infer.restorer import Restorer
from restorect.nets.checkpoint import save_checkpoint
from restorect.nets.estimate import EstimateConfig
from restorect.nets.priors import PriorConfig
from restorect.nets.student import StudentConfig
from restorect.nets.transformer import TransformerConfig
from restorect.render.checkpoint import restoration_card
from restorect.render.restoration import Restoration, RestorationConfig
from restorect.render.step import StepConfig


def small_restorer(
    folder: Path,
    *after: StepConfig,
    before: tuple[StepConfig, ...] = (),
    task: str = "low-light",
    view: int = 96,
    stem: int = 2,
) -> Restorer:
    """Untrained, but with noise on its weights, so that every part shows; from a file in the folder."""
    torch.manual_seed(0)
    student = StudentConfig(
        transformer=TransformerConfig(dim=8, blocks=(1, 1, 1, 1), refine=1, stem=stem),
        conditions=PriorConfig(width=4, blocks=1, view=view),
        estimate=EstimateConfig(width=8) if view else None,
        velocity=VelocityConfig(width=16, blocks=1, skip=True),
        steps=2,
        start="mean",
    )
    network = Restoration(RestorationConfig(student=student, before=before, after=after))
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        if network.student.estimate is not None:  # as if trained: what it sees is of unit size
            network.student.estimate.standardise.variance.fill_(16)
        for parameter in network.parameters():
            inputs = parameter[0].numel() if parameter.ndim > 1 else 16
            parameter += torch.randn(parameter.shape, generator=generator) * 0.3 / inputs**0.5
    path = folder / f"{task}.safetensors"
    save_checkpoint(path, network, restoration_card(network.config, task=task, preset="small"))
    return Restorer.load(weights=path)


def photo(height: int, width: int, seed: int = 0) -> np.ndarray:
    """(H, W, 3) float32 in [0, 1]: a ramp with a lamp and grain."""
    y, x = np.mgrid[0:height, 0:width]
    grain = np.random.default_rng(seed).normal(0, 0.02, (height, width, 3))
    lamp = np.exp(-((x - width / 2) ** 2 + (y - height / 3) ** 2) / (0.01 * height * width + 1))[..., None]
    ramp = (0.1 + 0.3 * (x + 1) / width)[..., None] * np.array([1, 0.8, 0.5])
    return np.clip(ramp + lamp * np.array([1, 0.9, 0.6]) + grain, 0, 1).astype(np.float32)


def session(model: Path) -> Any:
    """Ready to run, on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def planes(image: np.ndarray) -> np.ndarray:
    """(H, W, 3) as (1, 3, H, W)."""
    return np.ascontiguousarray(image.transpose(2, 0, 1)[None])
