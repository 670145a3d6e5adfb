"""What a batch tells while it runs; whoever runs it shows these in their own way."""

from dataclasses import dataclass, field

from restorect.auto.decision import Decision
from restorect.infer.batch.failures import Failure


@dataclass(frozen=True, kw_only=True)
class Began:
    """The work starts: so many photos, in this output folder."""

    total: int
    out: str


@dataclass(frozen=True, kw_only=True)
class Skipped:
    """A photo whose outputs are already there, whole and made with the same settings."""

    path: str
    outputs: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Restored:
    """A photo whose outputs are written.

    Args:
        path: the input.
        outputs: paths under the output folder.
        megapixels: of the input.
        seconds: from reading to written, waiting left out.
        model_seconds: of these, in the networks.
        warnings: what the user should know about the file, one line each.
        task: what was restored; `none` where there was nothing to restore and the outputs are copies.
        confidence: of the choice, 0 to 1; `None` where the task was given.
        mild: the choice was doubtful, and the photo restored with half of the strength.
    """

    path: str
    outputs: tuple[str, ...]
    megapixels: float
    seconds: float
    model_seconds: float
    warnings: tuple[str, ...] = ()
    task: str = ""
    confidence: float | None = None
    mild: bool = False

    @property
    def decision(self) -> Decision | None:
        """What was chosen, if a choice was asked for."""
        if self.confidence is None:
            return None
        return Decision(task=self.task, confidence=self.confidence, mild=self.mild)


@dataclass(frozen=True, kw_only=True)
class Failed:
    """A photo that could not be restored."""

    path: str
    reason: str
    stops_everything: bool = False


Event = Began | Skipped | Restored | Failed


@dataclass(kw_only=True)
class Summary:
    """The outcome of a batch, counted from its events.

    Args:
        total: photos planned, planning failures included.
        restored: photos whose outputs were written.
        unchanged: of these, the good ones, which were copied.
        passed_over: what else lies in the folders that were searched, counted by kind.
        interrupted: whether it was asked to stop before the end.
        seconds: wall time.
    """

    total: int = 0
    restored: int = 0
    unchanged: int = 0
    skipped: int = 0
    failures: list[Failure] = field(default_factory=list)
    passed_over: dict[str, int] = field(default_factory=dict)
    megapixels: float = 0.0
    model_seconds: float = 0.0
    interrupted: bool = False
    seconds: float = 0.0

    @property
    def left(self) -> int:
        """Photos that were not begun."""
        return self.total - self.restored - self.skipped - len(self.failures)

    @property
    def exit_code(self) -> int:
        """0: all is well; 1: some photos failed; 130: interrupted."""
        if self.interrupted and self.left:
            return 130
        return 1 if self.failures or self.left else 0

    def count(self, event: Event) -> None:
        """Take one event into account."""
        if isinstance(event, Began):
            self.total = event.total
        elif isinstance(event, Skipped):
            self.skipped += 1
        elif isinstance(event, Restored):
            self.restored += 1
            self.unchanged += event.decision is not None and event.decision.nothing_to_restore
            self.megapixels += event.megapixels
            self.model_seconds += event.model_seconds
        else:
            self.failures.append(Failure(event.path, event.reason))
