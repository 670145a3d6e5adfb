"""Photos of retinas."""

import torch
from torch import Tensor

from restorect.data.degrade.simulator import Degraded
from restorect.render.field_of_view import FieldOfViewConfig
from restorect.tasks import Task


def _simulate(image_CHW: Tensor, generator: torch.Generator) -> Degraded:
    from restorect.data.degrade.fundus import degrade_fundus  # restoring does without it

    return degrade_fundus(image_CHW, generator)


TASK = Task(
    title="photos of retinas",
    simulate=_simulate,
    after=(FieldOfViewConfig(),),
    notice="retina photographs: for research and better viewing, not for diagnosis",
    benchmarks=("eyeq",),
    recipe="fundus/student-tiny.yaml",
    fast=False,
    scenes=False,
)
