"""Errors a user can cause: one line that says what is wrong, with which file, and what to do."""


def shown(name: object) -> str:
    r"""A name as one printable line for messages: a line break becomes `\n`, a byte that is no text `\xff`."""
    text = str(name).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class RestorectError(Exception):
    """Base of every error that a user can cause. The command line prints its text and never a traceback."""


class ConfigError(RestorectError, ValueError):
    """A setting has a value that is not allowed, or a name that does not exist."""


class ImageError(RestorectError):
    """A photograph cannot be read, understood or written."""


class CheckpointError(RestorectError):
    """A weight file is missing, of another version, or does not fit the network it describes."""


class ExportError(RestorectError):
    """A network cannot be written for another runtime, or a file for one is not restorect's."""


class DataError(RestorectError):
    """A training or test folder is not usable: empty, unpaired, or of differing sizes."""


class TrainingError(RestorectError):
    """Training cannot go on: a non-finite loss, or a run folder that belongs to another recipe."""


class DeviceError(RestorectError):
    """The device asked for does not exist on this machine."""
