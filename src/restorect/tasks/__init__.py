"""The tasks: what there is to restore, one file each. The name of a file is the task's, and `TASK` in it says the rest.

Nothing here imports torch before a task is asked for.
"""

import importlib
import pkgutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from restorect.errors import ConfigError

if TYPE_CHECKING:
    from restorect.data.degrade.simulator import Simulator
    from restorect.render.step import StepConfig


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is known of one kind of damage.

    Attributes:
        title: for people.
        simulate: makes a degraded photo and its reference of a clean one.
        before: steps in front of a student of this task, unless a recipe says otherwise.
        after: steps behind it, likewise; `restorect train exposure` adds its own.
        notice: what users are told once when such a photo has been restored; "" for nothing.
        benchmarks: names of its data sets in `restorect.evaluate.benchmarks`.
        recipe: of a student, below recipes/.
        fast: whether fast mode will do; not where the finest detail matters.
        scenes: whether its photos show scenes, of which `auto` learns made-up good ones too (black bars, night skies).
    """

    title: str
    simulate: "Simulator"
    before: "tuple[StepConfig, ...]" = ()
    after: "tuple[StepConfig, ...]" = ()
    notice: str = ""
    benchmarks: tuple[str, ...] = ()
    recipe: str = ""
    fast: bool = True
    scenes: bool = True


def task_names() -> tuple[str, ...]:
    """The names of all tasks."""
    return tuple(sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(__path__)))


def find_task(name: str) -> Task:
    """The task of that name.

    Raises:
        ConfigError: there is none.
    """
    if name not in task_names():
        raise ConfigError(f"task {name!r} is unknown; choose one of {', '.join(task_names())}")
    found: Task = importlib.import_module(f"{__name__}.{name.replace('-', '_')}").TASK
    return found


def tasks_without_fast() -> tuple[str, ...]:
    """The names of those that fast mode is not for."""
    return tuple(name for name in task_names() if not find_task(name).fast)


def check_fast(name: str) -> None:
    """Refuse tasks that fast mode is not for; names that are no task's pass.

    Raises:
        ConfigError: it is such a task.
    """
    if name in task_names() and not find_task(name).fast:
        raise ConfigError(f"fast mode is not for {find_task(name).title}: their finest detail matters; leave it out")
