"""Photos taken under water."""

import torch
from torch import Tensor

from restorect.data.degrade.simulator import Degraded
from restorect.render.balance import BalanceConfig
from restorect.render.exposure import ExposureConfig
from restorect.render.keep import KeepConfig
from restorect.tasks import Task


def _simulate(image_CHW: Tensor, generator: torch.Generator) -> Degraded:
    from restorect.data.degrade.underwater import degrade_underwater  # restoring does without it

    return degrade_underwater(image_CHW, generator)


TASK = Task(
    title="photos taken under water",
    simulate=_simulate,
    before=(BalanceConfig(),),
    after=(KeepConfig(share=0.3), ExposureConfig(trust=0.5, source="seen")),
    benchmarks=("uieb", "lsui"),
    recipe="underwater/student-tiny.yaml",
)
