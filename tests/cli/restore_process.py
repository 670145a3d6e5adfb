"""The program of `restore_program.py` as a process that does not outlive the test."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import restorect

PROGRAM = Path(__file__).with_name("restore_program.py")
ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(restorect.__file__).parents[1])}


@contextlib.contextmanager
def started(*arguments: object, **environment: object) -> Iterator[subprocess.Popen[str]]:
    """Arguments begin with the command's name."""
    with subprocess.Popen(
        [sys.executable, str(PROGRAM), *map(str, arguments)],
        env=ENVIRONMENT | {name: str(value) for name, value in environment.items()},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()
