"""A small student whose tone curve shows what its codes are."""

import torch

from restorect.flow.velocity import VelocityConfig
from restorect.nets.priors import PriorConfig
from restorect.nets.student import Student, StudentConfig
from restorect.nets.tone import ToneCurve
from restorect.nets.transformer import TransformerConfig


def toned_student(view: int = 48, **settings: object) -> tuple[Student, ToneCurve]:
    """The student, untrained but for a lively curve, and that curve; further settings are those of its config."""
    torch.manual_seed(0)
    config = StudentConfig(
        transformer=TransformerConfig(dim=8, blocks=(1, 1, 1, 1), refine=1, stem=2, tone=True),
        conditions=PriorConfig(width=4, blocks=1, view=view),
        velocity=VelocityConfig(width=16, blocks=1),
        **settings,  # type: ignore[arg-type]
    )
    student = Student(config).eval().requires_grad_(False)
    tone = student.transformer.tone
    assert tone is not None
    torch.nn.init.normal_(tone.second.weight, std=0.1)
    return student, tone
