"""The files that training writes: names that would cost another file, and what to do when one cannot be written."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from restorect.errors import ConfigError, TrainingError, shown
from restorect.files import refuse_taken

_WEIGHTS = ".safetensors"


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn the system's refusal to write a file of a run (a full disk, above all) into one line.

    Raises:
        TrainingError: the file cannot be written; what it held before is still there.
    """
    try:
        yield
    except OSError as error:
        raise TrainingError(
            f"{path}: cannot be written ({error.strerror or error}); make room or let the folder be written to, "
            "then go on with --resume"
        ) from error


def card_beside(weights: Path) -> Path:
    """Where the card of a weight file goes: the same name with .md.

    Raises:
        ConfigError: the weight file's name does not end in .safetensors; its card might be the file itself.
    """
    if weights.suffix != _WEIGHTS:
        raise ConfigError(f"-o {shown(weights)}: weights are written to a {_WEIGHTS} file; give a name that ends so")
    return weights.with_suffix(".md")


def check_target(weights: Path, *, source: Path | None = None, force: bool = False) -> None:
    """Refuse, before any work, to write weights and their card where that would cost another file.

    Args:
        weights: the file to write.
        source: what is read for it; that is never overwritten.
        force: replace what is there already.

    Raises:
        ConfigError: the name does not end in .safetensors, is that of the source, or is taken.
    """
    for path in (weights, card_beside(weights)):
        if source is not None and source.exists() and path.exists() and path.samefile(source):
            raise ConfigError(f"-o {shown(weights)}: would overwrite {shown(source)}, which is read; give another name")
        refuse_taken(path, force=force)
