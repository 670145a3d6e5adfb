"""The command starts light, without torch or another heavy library, and readies memory for when torch comes."""

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

HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")
ON_REQUEST = HUGE_PAGES.exists() and "[madvise]" in HUGE_PAGES.read_text()
FAULTS = """
import contextlib, os, resource, sys
from restorect.cli.main import main
sys.argv = ["restorect", "--version"]
with contextlib.suppress(SystemExit):
    main()
import torch
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
torch.ones(64 * 2**20)
print(os.environ.get("THP_MEM_ALLOC_ENABLE"), resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
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


def wish_and_faults(wish: str | None) -> tuple[str, int]:
    """In a process of the command: the wish for huge pages that torch finds, and page faults of a tensor of 256 MB."""
    environment = {name: value for name, value in os.environ.items() if name != "THP_MEM_ALLOC_ENABLE"}
    environment |= {} if wish is None else {"THP_MEM_ALLOC_ENABLE": wish}
    result = subprocess.run(
        [sys.executable, "-c", FAULTS], env=environment, capture_output=True, text=True, timeout=120, check=True
    )
    found, faults = result.stdout.split()[-2:]
    return found, int(faults)


def test_huge_pages_are_asked_for_unless_the_user_says_otherwise() -> None:
    assert wish_and_faults(None)[0] == "1"
    assert wish_and_faults("0")[0] == "0"


@pytest.mark.skipif(not ON_REQUEST, reason="this system does not give huge pages on request")
def test_large_maps_come_in_huge_pages() -> None:
    asked, unasked = wish_and_faults(None)[1], wish_and_faults("0")[1]
    assert unasked > 60_000  # 256 MB are 65,536 pages of 4 KB
    assert asked < unasked / 2  # or 128 of 2 MB; the system may not find all of them
