"""Presets replaced by nets small enough to train in a second."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest import mock

import torch

from restorect.flow.velocity import VelocityConfig
from restorect.nets import presets
from restorect.nets.checkpoint import save_checkpoint, student_card
from restorect.nets.priors import PriorConfig
from restorect.nets.student import Student, StudentConfig
from restorect.nets.teacher import TeacherConfig
from restorect.nets.transformer import TransformerConfig

TRANSFORMER = TransformerConfig(
    dim=8, blocks=(1, 1, 1, 1), refine=1, heads=(1, 1, 1, 1), stem=4, gain=True, detail=True
)
PRIORS = PriorConfig(width=4, blocks=1, view=16)


@contextmanager
def small_nets() -> Iterator[None]:
    """Within it, "tiny", "toned" and "wide" are small; "toned" has a tone curve, "wide" twice the width."""
    toned = replace(TRANSFORMER, tone=True)
    student = StudentConfig(
        transformer=TRANSFORMER,
        conditions=PRIORS,
        velocity=VelocityConfig(width=16, blocks=1),
        exposure_trust=0.7,  # so that whoever goes past `Student.restore` is found out
    )
    teacher = TeacherConfig(transformer=TRANSFORMER, priors=PRIORS)
    wide = TeacherConfig(
        transformer=TransformerConfig(dim=16, blocks=(1, 1, 1, 1), refine=1, heads=(1, 1, 1, 1), stem=2), priors=PRIORS
    )
    with (
        mock.patch.dict(presets.STUDENTS, {"tiny": student, "toned": replace(student, transformer=toned)}),
        mock.patch.dict(
            presets.TEACHERS, {"tiny": teacher, "toned": replace(teacher, transformer=toned), "wide": wide}
        ),
    ):
        yield


def write_student(path: Path, **card: object) -> Path:
    """An untrained small "tiny" for low light, with these fields on its card."""
    torch.manual_seed(1)
    with small_nets():
        config = presets.student_preset("tiny")
    save_checkpoint(path, Student(config), student_card(config, task="low-light", preset="tiny", **card))
    return path
