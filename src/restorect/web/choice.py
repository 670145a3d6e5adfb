"""What a person chooses for a photograph on the page; the same settings as those of the command."""

from dataclasses import dataclass, fields

from restorect.auto.decision import AUTO
from restorect.configs import require
from restorect.infer.batch.settings import RestoreSettings
from restorect.infer.options import Options
from restorect.tasks import task_names
from restorect.weights.catalogue import shipped

STYLES = ("natural", "reference")
_MOST_SAMPLES = 8


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Task, networks and options of one photograph; checked when made. See `Options` for what they mean.

    Raises:
        ConfigError: a value is not allowed; the message says what is.
    """

    task: str = AUTO
    size: str = "tiny"
    strength: float = Options.strength
    brightness: float = Options.brightness
    seed: int = Options.seed
    samples: int = Options.samples
    uncertainty: bool = Options.uncertainty
    style: str = Options.style
    fast: bool = Options.fast

    def __post_init__(self) -> None:
        tasks, sizes = tasks_to_choose(), sizes_to_choose()
        require(self.task in tasks, f"task {self.task!r} is unknown; choose one of {', '.join(tasks)}")
        require(self.size in sizes, f"size {self.size!r} is unknown; choose one of {', '.join(sizes)}")
        require(self.samples <= _MOST_SAMPLES, f"samples is {self.samples}; the page shows at most {_MOST_SAMPLES}")
        self.settings()

    def settings(self) -> RestoreSettings:
        """How to read, restore and write."""
        own = {field.name: getattr(self, field.name) for field in fields(Options) if hasattr(self, field.name)}
        return RestoreSettings(restore=Options(**own))


def tasks_to_choose() -> tuple[str, ...]:
    """The names of tasks, first the one that looks at each photograph."""
    return (AUTO, *task_names())


def sizes_to_choose() -> tuple[str, ...]:
    """The sizes of the networks that come with the package, first the one that is usual."""
    return tuple(sorted({size for _, size in shipped()}, key=lambda size: (size != Choice.size, size)))
