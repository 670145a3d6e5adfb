"""Presets replaced by nets small enough to train in a second."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from unittest import mock

from restorect.flow.velocity import VelocityConfig
from restorect.nets import presets
from restorect.nets.priors import PriorConfig
from restorect.nets.student import StudentConfig
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
