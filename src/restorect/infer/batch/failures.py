"""One line for whatever went wrong with a file: what it is, and what to do."""

import errno
from dataclasses import dataclass

from restorect.errors import RestorectError, shown

# After these no further file can be written either, so the batch stops.
_NO_WAY_ON = {
    errno.ENOSPC: "the disk is full; free some space and run the same command again",
    errno.EDQUOT: "your disk quota is used up; free some space and run the same command again",
    errno.EROFS: "the output folder has become read-only; make it writable and run the same command again",
}
_REMEDIES = {
    errno.ENOENT: "there is no such file; check the spelling",
    errno.EACCES: "permission denied; check who may read the file and write to the output folder",
    errno.EPERM: "permission denied; check who may read the file and write to the output folder",
    errno.EISDIR: "a folder stands where a file should be; move it or choose another name",
    errno.ENOTDIR: "a file stands where a folder should be; move it or choose another name",
    errno.ELOOP: "its symbolic links lead in a circle; give the real file",
    errno.ENAMETOOLONG: "the name is too long for this disk; give a shorter --suffix or --name-template",
    errno.EIO: "the disk reports an error; copy the file to another disk",
}


class OutputError(RestorectError):
    """An output cannot be written where it should go."""


class BusyError(OutputError):
    """Another batch is writing to the same output folder."""


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


def reason_of(error: BaseException) -> str:
    """The one line that tells a user about `error`."""
    if isinstance(error, RestorectError):
        return shown(" ".join(str(error).splitlines()))
    if isinstance(error, MemoryError):
        return "there is not enough memory for it; close other programs or make the photo smaller"
    if type(error).__name__ == "OutOfMemoryError":  # torch's, which this file must not import
        return "the device has too little memory for it; make the photo smaller or use --device cpu"
    if isinstance(error, OSError) and error.errno is not None:
        remedy = _NO_WAY_ON.get(error.errno) or _REMEDIES.get(error.errno)
        return remedy or f"{error.strerror} (system error {error.errno})"
    text = " ".join(str(error).split())
    return shown(f"unexpected {type(error).__name__}: {text}; please report it together with the file")


def stops_everything(error: BaseException) -> bool:
    """Whether no later file can succeed either (a full disk)."""
    return isinstance(error, OSError) and error.errno in _NO_WAY_ON
