"""A file that could not be restored, and errors of the output folder."""

from dataclasses import dataclass

from restorect.errors import RestorectError, shown
from restorect.reasons import no_way_on
from restorect.reasons import reason_of as reason_of


class OutputError(RestorectError):
    """An output cannot be written where it should go."""


class BusyError(OutputError):
    """Another batch is writing to the same output folder."""


class LostError(OutputError):
    """The output folder, or the lock in it, was removed while a batch was writing there."""


@dataclass(frozen=True)
class Failure:
    """A file that could not be restored.

    Args:
        path: as the user gave it or as it was found.
        reason: one line, with the remedy.
    """

    path: str
    reason: str

    @classmethod
    def of(cls, path: object, error: BaseException) -> "Failure":
        """The failure that `error` means for `path`."""
        return cls(str(path), reason_of(error).removeprefix(f"{shown(path)}: "))

    def __str__(self) -> str:
        return f"{shown(self.path)}: {self.reason}"


def stops_everything(error: BaseException) -> bool:
    """Whether no later file can succeed either: a full disk, or an output folder that is another's by now."""
    return isinstance(error, LostError) or no_way_on(error)
