"""A small restoration whose tone curve shows what its codes are."""

import torch

from restorect.flow.velocity import VelocityConfig
from restorect.nets.priors import PriorConfig
from restorect.nets.stem import FoldedStem
from restorect.nets.student import StudentConfig
from restorect.nets.tone import ToneCurve
from restorect.nets.transformer import TransformerConfig
from restorect.render.restoration import Restoration, RestorationConfig
from restorect.render.step import StepConfig


def toned_restoration(
    *after: StepConfig, before: tuple[StepConfig, ...] = (), view: int = 48, **settings: object
) -> tuple[Restoration, ToneCurve]:
    """The restoration, untrained but for a lively curve, and that curve; further settings are those of the student."""
    torch.manual_seed(0)
    config = StudentConfig(
        transformer=TransformerConfig(dim=8, blocks=(1, 1, 1, 1), refine=1, stem=2),
        conditions=PriorConfig(width=4, blocks=1, view=view),
        velocity=VelocityConfig(width=16, blocks=1),
        **settings,  # type: ignore[arg-type]
    )
    restoration = Restoration(RestorationConfig(student=config, before=before, after=after))
    restoration.eval().requires_grad_(False)
    stem = restoration.student.transformer.stem
    assert isinstance(stem, FoldedStem)
    torch.nn.init.normal_(stem.tone.second.weight, std=0.1)
    return restoration, stem.tone
