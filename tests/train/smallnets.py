"""Presets replaced by nets small enough to train in a second."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest import mock

import torch

from restorect.flow.velocity import VelocityConfig
from restorect.nets import presets
from restorect.nets.checkpoint import save_checkpoint
from restorect.nets.estimate import EstimateConfig
from restorect.nets.priors import PriorConfig
from restorect.nets.student import StudentConfig
from restorect.nets.teacher import TeacherConfig
from restorect.nets.transformer import TransformerConfig
from restorect.render.checkpoint import restoration_card
from restorect.render.exposure import ExposureConfig
from restorect.render.restoration import Restoration, RestorationConfig
from restorect.render.step import StepConfig

TRANSFORMER = TransformerConfig(dim=8, blocks=(1, 1, 1, 1), refine=1, heads=(1, 1, 1, 1), stem=4)
PRIORS = PriorConfig(width=4, blocks=1, view=16)


@contextmanager
def small_nets() -> Iterator[None]:
    """Within it, "tiny", "full" and "wide" are small; "full" has no folded stem and no estimate, "wide" twice the
    width.
    """
    full = replace(TRANSFORMER, stem=1)
    student = StudentConfig(
        transformer=TRANSFORMER,
        conditions=PRIORS,
        estimate=EstimateConfig(width=8),
        velocity=VelocityConfig(width=16, blocks=1),
    )
    teacher = TeacherConfig(transformer=TRANSFORMER, priors=PRIORS)
    wide = TeacherConfig(
        transformer=TransformerConfig(dim=16, blocks=(1, 1, 1, 1), refine=1, heads=(1, 1, 1, 1), stem=2), priors=PRIORS
    )
    with (
        mock.patch.dict(presets.STUDENTS, {"tiny": student, "full": replace(student, transformer=full, estimate=None)}),
        mock.patch.dict(presets.TEACHERS, {"tiny": teacher, "full": replace(teacher, transformer=full), "wide": wide}),
    ):
        yield


def write_student(path: Path, after: tuple[StepConfig, ...] = (ExposureConfig(trust=0.7),), **card: object) -> Path:
    """An untrained small "tiny" for low light, with a step that shows, and with these fields on its card."""
    torch.manual_seed(1)
    with small_nets():
        config = RestorationConfig(student=presets.student_preset("tiny"), after=after)
    save_checkpoint(path, Restoration(config), restoration_card(config, task="low-light", preset="tiny", **card))
    return path
