"""What the classifier says of one photograph; free of heavy imports, because the batch knows it too."""

from dataclasses import dataclass

AUTO = "auto"
"""The task's name that asks for a choice."""
NOTHING = "none"
"""The class of good photographs."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The kind of damage, or that there is none.

    Attributes:
        task: the task to restore, or "none" for nothing to restore.
        confidence: probability of this answer, 0 to 1: for a task its share among all classes, for "none" likewise.
    """

    task: str
    confidence: float

    @property
    def nothing_to_restore(self) -> bool:
        """The photograph is good and shall stay as it is."""
        return self.task == NOTHING

    def __str__(self) -> str:
        if self.nothing_to_restore and self.confidence < 0.5:
            return f"left as it is: nothing is certain enough ({self.confidence:.0%} for a good photo)"
        name = "nothing to restore" if self.nothing_to_restore else self.task
        return f"{name}, {self.confidence:.0%} sure"
