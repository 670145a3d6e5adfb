"""Photos taken in the dark."""

import torch
from torch import Tensor

from restorect.data.degrade.simulator import Degraded
from restorect.render.floor import FloorConfig
from restorect.render.fusion import FusionConfig
from restorect.render.hue import HueConfig
from restorect.tasks import Task


def _simulate(image_CHW: Tensor, generator: torch.Generator) -> Degraded:
    from restorect.data.degrade.low_light import degrade_low_light  # restoring does without it

    return degrade_low_light(image_CHW, generator)


TASK = Task(
    title="photos taken in the dark",
    simulate=_simulate,
    # Shadows opened more cost PSNR, less leaves them flat; a wider spread flattens lights.
    after=(HueConfig(), FloorConfig(), FusionConfig(opened=0.28, spread=0.165)),
    benchmarks=(
        *("lol-v1", "lol-v2-real", "lol-v2-syn", "sid", "sice-mix", "sice-grad"),
        *("dicm", "lime", "mef", "npe", "vv"),
    ),
    recipe="low-light/student-tiny.yaml",
)
