"""The command starts light: help and version in a real process load neither torch nor another heavy library."""

import subprocess
import sys

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
