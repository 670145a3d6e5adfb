"""The command starts light, without torch or another heavy library, and readies memory for when torch comes."""

import contextlib
import gc
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import restorect
from restorect.cli import __main__ as start
from restorect.cli.collector import resting
from restorect.cli.main import COMMANDS, GROUPS, _asked, app
from restorect.cli.restore import restore

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

# What a small JPEG without a profile is restored without: other formats, training, measuring, large photos.
UNNEEDED = (
    *("sympy", "scipy", "jinja2", "rich", "yaml", "imagecodecs", "tifffile", "pi_heif", "rawpy", "OpenEXR"),
    *(
        "tensorboard",
        "onnxruntime",
        "numpy.ma",
        "restorect.cli.evaluate",
        "restorect.cli.train",
        "torchvision",
        "torch._dynamo",
        "torch._inductor",
        "xml.sax",
    ),
    *(f"restorect.{folder}" for folder in ("train", "evaluate", "losses", "metrics", "bands.restoration")),
    *(f"restorect.data.degrade.{task}" for task in ("low_light", "underwater", "backlit", "fundus")),
    *(f"restorect.images.codecs.{name}" for name in ("avif", "bmp", "exr", "hdr", "heic", "jxl", "png", "raw")),
    *(f"restorect.images.codecs.{name}" for name in ("tiff", "webp", "apart")),
)
RESTORING = f"""
import gc, sys
from restorect.cli.__main__ import main

def see(phase, info):
    spec = getattr(sys.modules.get("torch"), "__spec__", None)
    if phase == "start" and getattr(spec, "_initializing", False):
        print("COLLECTED")

gc.callbacks.append(see)
sys.argv = ["restorect", *sys.argv[1:]]
try:
    main()
finally:
    print("LOADED", *[name for name in {UNNEEDED!r} if name in sys.modules])
    print("FROZEN", gc.get_freeze_count(), gc.isenabled())
"""

HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")
ON_REQUEST = HUGE_PAGES.exists() and "[madvise]" in HUGE_PAGES.read_text()
COMMAND = """
import contextlib, sys
from restorect.cli.main import main
sys.argv = ["restorect", "--version"]
with contextlib.suppress(SystemExit):
    main()
import torch
"""
PYTHON = """
import torch
import restorect
"""
FAULTS = """
import os, resource
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
torch.ones(64 * 2**20)
print(os.environ.get("THP_MEM_ALLOC_ENABLE"), resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


SLOW = "import time; print('loading', flush=True); time.sleep(60)"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, timeout=900, check=False
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


def test_only_the_command_that_is_asked_for_is_built() -> None:
    (alone,) = (each.callback for each in _asked(["restore"]).registered_commands)
    assert alone is restore
    assert [each.name for each in _asked(["train"]).registered_groups] == ["train"]
    for words in ([], ["--version"], ["config"], ["no-such-command"]):
        assert _asked(words) is app
    files = {name for name in os.listdir(Path(start.__file__).parent) if name.endswith(".py")}
    assert {f"{name}.py" for name in (*COMMANDS, *GROUPS)} <= files
    assert len(app.registered_commands) == len(COMMANDS)


def test_the_package_itself_loads_nothing_heavy() -> None:
    code = "import sys, restorect; print([n for n in sys.modules if n.split('.')[0] in ('torch', 'numpy', 'cv2')])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=900, check=True)
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize("task", ["auto", "low-light"])
def test_restoring_a_jpeg_loads_only_what_it_needs(tmp_path: Path, task: str) -> None:
    photo, out = tmp_path / "dark.jpg", tmp_path / "out"
    pixels = np.random.default_rng(0).integers(0, 30, (48, 64, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(photo)
    arguments = ["restore", photo, "-o", out, "--task", task, "--size", "nano", "--threads", "1"]
    result = subprocess.run(
        [sys.executable, "-c", RESTORING, *map(str, arguments)], capture_output=True, text=True, timeout=900, check=True
    )
    assert (out / "dark.jpg").exists(), result.stderr
    *before, loaded, frozen = result.stdout.splitlines()
    assert loaded == "LOADED"
    assert "COLLECTED" not in before  # while torch was imported
    _, count, enabled = frozen.split()
    assert int(count) > 100_000  # which the end of the process does not go through
    assert enabled == "True"


def test_what_is_garbage_is_collected_again_after_loading() -> None:
    with contextlib.suppress(KeyError), resting():
        assert not gc.isenabled()
        raise KeyError
    assert gc.isenabled()
    gc.unfreeze()


def test_the_package_has_no_attribute_of_chance() -> None:
    with pytest.raises(AttributeError, match="no attribute 'restorer'"):
        _ = restorect.restorer  # type: ignore[attr-defined]


def wish_and_faults(wish: str | None, start: str) -> tuple[str, int]:
    """After this start: the wish for huge pages that torch finds, and page faults of a tensor of 256 MB."""
    environment = {name: value for name, value in os.environ.items() if name != "THP_MEM_ALLOC_ENABLE"}
    environment |= {} if wish is None else {"THP_MEM_ALLOC_ENABLE": wish}
    result = subprocess.run(
        [sys.executable, "-c", start + FAULTS], env=environment, capture_output=True, text=True, timeout=900, check=True
    )
    found, faults = result.stdout.split()[-2:]
    return found, int(faults)


@pytest.mark.parametrize("start", [COMMAND, PYTHON], ids=["command", "python"])
def test_huge_pages_are_asked_for_unless_the_user_says_otherwise(start: str) -> None:
    assert wish_and_faults(None, start)[0] == "1"
    assert wish_and_faults("0", start)[0] == "0"


@pytest.mark.skipif(not ON_REQUEST, reason="this system does not give huge pages on request")
@pytest.mark.parametrize("start", [COMMAND, PYTHON], ids=["command", "python"])
def test_large_maps_come_in_huge_pages(start: str) -> None:
    asked, unasked = wish_and_faults(None, start)[1], wish_and_faults("0", start)[1]
    assert unasked > 60_000  # 256 MB are 65,536 pages of 4 KB
    assert asked < unasked / 2  # or 128 of 2 MB; the system may not find all of them


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal that one process alone gets")
@pytest.mark.parametrize("ignored", [False, True])
def test_ctrl_c_while_the_command_loads_ends_it_without_a_traceback(tmp_path: Path, ignored: bool) -> None:
    (tmp_path / "typer.py").write_text(SLOW.replace("60", "2") if ignored else SLOW)  # stands for a slow disk
    with subprocess.Popen(
        [sys.executable, "-m", "restorect.cli", "--version"],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN if ignored else signal.SIG_DFL),
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "loading\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=900)
    if ignored:  # as for background jobs: it goes on, and finds that this typer is empty
        assert "AttributeError" in errors
    else:
        assert (process.returncode, errors) == (-signal.SIGINT, "")


def test_ctrl_c_is_heard_again_once_the_command_runs() -> None:
    program = """
import signal, restorect.cli.main as command, restorect.cli.__main__ as start
signal.signal(signal.SIGINT, signal.default_int_handler)  # which the shell of these tests may have ignored
command.main = lambda: print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)
start.main()
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=900, check=True)
    assert result.stdout == "True\n"
