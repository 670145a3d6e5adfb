"""Degradation simulators, one file a task."""

from restorect.data.degrade.backlit import degrade_backlit
from restorect.data.degrade.fundus import degrade_fundus
from restorect.data.degrade.low_light import degrade_low_light
from restorect.data.degrade.simulator import Degraded as Degraded
from restorect.data.degrade.simulator import Simulator as Simulator
from restorect.data.degrade.underwater import degrade_underwater

SIMULATORS: dict[str, Simulator] = {
    "low-light": degrade_low_light,
    "underwater": degrade_underwater,
    "backlit": degrade_backlit,
    "fundus": degrade_fundus,
}
"""The simulator of each task with its default ranges: clean (3, H, W) in [0, 1] and a CPU generator -> pair."""
