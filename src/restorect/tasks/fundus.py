"""Photos of retinas."""

from restorect.data.degrade.fundus import degrade_fundus
from restorect.render.field_of_view import FieldOfViewConfig
from restorect.tasks import Task

TASK = Task(
    title="photos of retinas",
    simulate=degrade_fundus,
    after=(FieldOfViewConfig(),),
    notice="retina photographs: for research and better viewing, not for diagnosis",
    benchmarks=("eyeq",),
    recipe="fundus/student-tiny.yaml",
    fast=False,
)
