"""Photos taken against the light."""

from restorect.data.degrade.backlit import degrade_backlit
from restorect.render.exposure import ExposureConfig
from restorect.render.floor import FloorConfig
from restorect.render.hue import HueConfig
from restorect.tasks import Task

TASK = Task(
    title="photos taken against the light",
    simulate=degrade_backlit,
    after=(ExposureConfig(trust=0.5, mean=0.43), HueConfig(), FloorConfig()),
    benchmarks=("baid",),
    recipe="backlit/student-tiny.yaml",
)
