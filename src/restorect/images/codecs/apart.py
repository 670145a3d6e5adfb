"""Decoders in a process of their own: libheif and LibRaw can crash on damaged files, hang, or print about them."""

import importlib.util
import subprocess
import sys
from collections.abc import Sequence

SECONDS = 30.0  # beside what a picture of its size may take
_PROLOGUE = "import sys\nsys.path[:] = [path for path in sys.path if path]\n"  # the working folder is not imported from


def installed(module: str) -> bool:
    """Say whether a module could be imported, without importing it."""
    try:
        return importlib.util.find_spec(module) is not None
    except ValueError:  # a module set to None in sys.modules
        return False


def run_apart(
    code: str, arguments: Sequence[str], data: bytes, *, library: str, megapixels: float = 0, allowed: int = 0
) -> tuple[int, bytes]:
    """Run Python code on a file's content.

    Args:
        code: reads the content from standard input and writes its result to standard output.
        arguments: its `sys.argv[1:]`.
        data: the content.
        library: its name for messages.
        megapixels: of the picture; each may take a second.
        allowed: an exit status, besides 0, that is no failure.

    Returns:
        The exit status and the result.

    Raises:
        ValueError: the code failed, or the library crashed or did not end.
    """
    command = [sys.executable, "-c", _PROLOGUE + code, *arguments]
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and code; the file goes in as data
            command, input=data, capture_output=True, timeout=SECONDS + megapixels, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ValueError(f"{library} does not come to an end") from error
    if done.returncode not in (0, allowed):
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise ValueError(lines[-1] if done.returncode > 0 and lines else f"{library} crashed on it")
    return done.returncode, done.stdout
