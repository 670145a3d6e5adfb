"""What the classifier says of one photograph; free of heavy imports, because the batch knows it too."""

from dataclasses import dataclass

AUTO = "auto"
"""The task's name that asks for a choice."""
NOTHING = "none"
"""The class of good photographs."""
MILD = 0.5
"""Share of the strength with which a doubtful photograph is restored."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The kind of damage, or that there is none.

    Attributes:
        task: the task to restore, or "none" for nothing to restore.
        confidence: probability of this answer, 0 to 1: for a task its share among all classes, for "none" likewise.
        mild: the photograph may be good as it is; it is restored with half of the strength.
    """

    task: str
    confidence: float
    mild: bool = False

    @property
    def nothing_to_restore(self) -> bool:
        """The photograph is good and shall stay as it is."""
        return self.task == NOTHING

    def eased(self, strength: float) -> float:
        """The strength to restore with, of the one that is asked for."""
        return strength * MILD if self.mild else strength

    def __str__(self) -> str:
        if self.nothing_to_restore and self.confidence < 0.5:
            return f"left as it is: nothing is certain enough ({self.confidence:.0%} for a good photo)"
        name = "nothing to restore" if self.nothing_to_restore else self.task
        return f"{name}, {self.confidence:.0%} sure{', mildly' if self.mild else ''}"
