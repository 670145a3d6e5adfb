"""Photos taken in the dark."""

from restorect.data.degrade.low_light import degrade_low_light
from restorect.render.floor import FloorConfig
from restorect.render.fusion import FusionConfig
from restorect.render.hue import HueConfig
from restorect.tasks import Task

TASK = Task(
    title="photos taken in the dark",
    simulate=degrade_low_light,
    after=(HueConfig(), FloorConfig(), FusionConfig()),
    benchmarks=(
        *("lol-v1", "lol-v2-real", "lol-v2-syn", "sid", "sice-mix", "sice-grad"),
        *("dicm", "lime", "mef", "npe", "vv"),
    ),
    recipe="low-light/student-tiny.yaml",
)
