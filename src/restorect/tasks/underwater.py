"""Photos taken under water."""

from restorect.data.degrade.underwater import degrade_underwater
from restorect.render.balance import BalanceConfig
from restorect.render.exposure import ExposureConfig
from restorect.render.keep import KeepConfig
from restorect.tasks import Task

TASK = Task(
    title="photos taken under water",
    simulate=degrade_underwater,
    before=(BalanceConfig(),),
    after=(KeepConfig(share=0.3), ExposureConfig(trust=0.5, source="seen")),
    benchmarks=("uieb", "lsui"),
    recipe="underwater/student-tiny.yaml",
)
