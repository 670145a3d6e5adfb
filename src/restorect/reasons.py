"""One line for whatever went wrong: what it is, and what to do."""

import errno

from restorect.errors import RestorectError, shown
from restorect.remedies import REMEDIES

AGAIN = "run the same command again"
# After these no further file can be written either, so a batch stops.
_NO_WAY_ON = {
    errno.ENOSPC: f"the disk is full; free some space and {AGAIN}",
    errno.EDQUOT: f"your disk quota is used up; free some space and {AGAIN}",
    errno.EROFS: f"the output folder has become read-only; make it writable and {AGAIN}",
}
_REMEDIES = {
    errno.ENOENT: "there is no such file; check the spelling",
    errno.EACCES: "permission denied; check who may read the file and write to the output folder",
    errno.EPERM: "permission denied; check who may read the file and write to the output folder",
    errno.EISDIR: "a folder stands where a file should be; move it or choose another name",
    errno.ENOTDIR: "a file stands where a folder should be; move it or choose another name",
    errno.ELOOP: "its symbolic links lead in a circle; give the real file",
    errno.ENAMETOOLONG: "the name is too long for this disk; choose a shorter one",
    errno.EIO: "the disk reports an error; copy the file to another disk",
    errno.EMFILE: "too many files are open; raise the limit (ulimit -n) or close other programs",
    errno.ENFILE: "too many files are open on this machine; close other programs",
    errno.EAGAIN: "the system gives no further process or thread; raise the limit (ulimit -u) or close other programs",
    errno.EFBIG: "the file is larger than this disk or the limit of the process (ulimit -f) allows; use another disk",
}
_MEMORY = "there is not enough memory for it; close other programs or make the photo smaller"
_DEVICE_MEMORY = "the device has too little memory for it; make the photo smaller or use --device cpu"
_NO_NAME = "a name holds letters that no file name can have; correct it"
# What libraries say who have no error of their own for it: torch, Python's threads, the loader of libraries.
_BY_TEXT = {
    "can't allocate memory": _MEMORY,
    "not enough memory": _MEMORY,
    "cannot allocate memory": _MEMORY,
    "std::bad_alloc": _MEMORY,
    "failed to map segment": f"a library cannot be loaded: {_MEMORY}",
    "surrogates not allowed": _NO_NAME,
    "embedded null": _NO_NAME,
    "can't start new thread": _REMEDIES[errno.EAGAIN],
    "too many open files": _REMEDIES[errno.EMFILE],
}


def reason_of(error: BaseException) -> str:
    """The one line that tells a user about `error`."""
    return REMEDIES.in_full(_reason(error))


def _reason(error: BaseException) -> str:
    if isinstance(error, RestorectError):
        return shown(" ".join(str(error).splitlines()))
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return _MEMORY
    if type(error).__name__ == "OutOfMemoryError":  # torch's, which this file must not import
        return _DEVICE_MEMORY
    if isinstance(error, OSError) and error.errno is not None:
        remedy = _NO_WAY_ON.get(error.errno) or _REMEDIES.get(error.errno)
        return remedy or f"{error.strerror} (system error {error.errno})"
    text = " ".join(str(error).split())
    known = next((reason for words, reason in _BY_TEXT.items() if words in text.lower()), None)
    return known or shown(f"unexpected {type(error).__name__}: {text[:500]}; please report it together with the file")


def no_way_on(error: BaseException) -> bool:
    """Whether no later file can be written either (a full disk)."""
    return isinstance(error, OSError) and error.errno in _NO_WAY_ON


def is_shortage(error: BaseException) -> bool:
    """Whether the machine lacks something just now: nothing is said then about the file that was worked on."""
    return isinstance(error, OSError) and error.errno in (errno.EAGAIN, errno.EMFILE, errno.ENFILE, errno.ENOMEM)
