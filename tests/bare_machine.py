"""A machine on which nothing is installed but torch, numpy, opencv, Pillow, safetensors, PyYAML, rich and typer."""

import contextlib
import os
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, packages_distributions, requires

_WANTED = {"torch", "numpy", "opencv-python-headless", "pillow", "safetensors", "pyyaml", "rich", "typer"}
_BARE = """
import importlib.util
from importlib.machinery import PathFinder

find = PathFinder.find_spec
PathFinder.find_spec = lambda name, *more: None if name.partition(".")[0] in BLOCKED else find(name, *more)
assert importlib.util.find_spec("imagecodecs") is None
"""


def needed() -> set[str]:
    """The wanted distributions, and all that they ask for themselves."""
    found, waiting = set(), set(_WANTED)
    while waiting:
        name = waiting.pop()
        found.add(name)
        with contextlib.suppress(PackageNotFoundError):
            asked = [text for text in requires(name) or [] if "extra ==" not in text]
            waiting |= {normal(re.split(r"[^\w.-]", text)[0]) for text in asked} - found
    return found


def normal(name: str) -> str:
    return name.lower().replace("_", "-")


def blocked() -> set[str]:
    """Modules that a bare machine would not have: our other dependencies, and whatever else is installed here."""
    kept = needed() | {"restorect", "setuptools"}
    here = {module for module, names in packages_distributions().items() if not {normal(n) for n in names} & kept}
    return here | {"pydantic", "imagecodecs", "platformdirs", "tifffile", "psutil"} - kept  # newer typers need pydantic


def on_a_bare_machine(program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a program where those modules are not to be found."""
    command = [sys.executable, "-c", f"BLOCKED = {blocked()!r}\n{_BARE}{program}", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
