"""The command starts light: help and version in a real process load neither torch nor another heavy library."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import restorect

HEAVY = ("torch", "numpy", "cv2", "PIL", "tifffile", "imagecodecs", "safetensors")
PROGRAM = f"""
import sys
from restorect.cli.main import main
sys.argv = ["restorect", *sys.argv[1:]]
try:
    main()
finally:
    print("LOADED", *[name for name in {HEAVY!r} if name in sys.modules])
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("bench", "--help")])
def test_help_loads_nothing_heavy(arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1] == "LOADED"


def test_help_names_the_commands() -> None:
    result = run("--help")
    assert "Usage: restorect" in result.stdout
    assert "bench" in result.stdout


def test_version_is_the_package_s() -> None:
    assert run("--version").stdout.splitlines()[0] == f"restorect {restorect.__version__}"


def test_an_unknown_command_is_a_usage_error() -> None:
    result = run("no-such-command")
    assert result.returncode == 2
    assert "no-such-command" in result.stderr
    assert "Traceback" not in result.stderr


def test_the_package_itself_loads_nothing_heavy() -> None:
    code = "import sys, restorect; print([n for n in sys.modules if n.split('.')[0] in ('torch', 'numpy', 'cv2')])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert result.stdout.strip() == "[]"


def test_the_package_has_no_attribute_of_chance() -> None:
    with pytest.raises(AttributeError, match="no attribute 'restorer'"):
        _ = restorect.restorer  # type: ignore[attr-defined]


_HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")
_TOUCH = """
import contextlib, resource, sys
from restorect.cli.main import main
sys.argv = ["restorect", "--version"]
with contextlib.suppress(SystemExit):
    main()
import torch
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
torch.ones(64 * 2**20)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(
    not _HUGE_PAGES.exists() or "[madvise]" not in _HUGE_PAGES.read_text(),
    reason="this system gives huge pages always or never, not on request",
)
@pytest.mark.parametrize(("wish", "few"), [(None, True), ("0", False)])
def test_large_maps_come_in_huge_pages_unless_unwished(wish: str | None, few: bool) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "THP_MEM_ALLOC_ENABLE"}
    if wish is not None:
        environment["THP_MEM_ALLOC_ENABLE"] = wish
    shown = subprocess.run([sys.executable, "-c", _TOUCH], env=environment, capture_output=True, text=True, check=True)
    faults = int(shown.stdout.split()[-1])
    assert (faults < 40_000) == few, faults  # 65,536 pages of 4 KB, or 128 of 2 MB
