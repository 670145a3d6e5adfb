"""Photos taken against the light."""

import torch
from torch import Tensor

from restorect.data.degrade.simulator import Degraded
from restorect.render.exposure import ExposureConfig
from restorect.render.floor import FloorConfig
from restorect.render.fusion import FusionConfig
from restorect.render.hue import HueConfig
from restorect.tasks import Task


def _simulate(image_CHW: Tensor, generator: torch.Generator) -> Degraded:
    from restorect.data.degrade.backlit import degrade_backlit  # restoring does without it

    return degrade_backlit(image_CHW, generator)


# Fine cells, and weights that hold on coarse scales too: what is bright is not lifted beside what is dark.
_FUSION = FusionConfig(cells=288, scales=7)
TASK = Task(
    title="photos taken against the light",
    simulate=_simulate,
    after=(ExposureConfig(trust=0.5, mean=0.57), HueConfig(), FloorConfig(), _FUSION),
    benchmarks=("baid",),
    recipe="backlit/student-tiny.yaml",
)
