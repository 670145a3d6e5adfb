"""Whatever goes wrong in a command is one line and an exit code; usage errors keep their usage."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from restore_files import photo

import restorect
from restorect.cli.guard import guarded
from restorect.cli.room import check_threads
from restorect.errors import ConfigError, RestorectError

ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(restorect.__file__).parents[1])}
resource = pytest.importorskip("resource")


def failing(error: BaseException) -> Callable[[], object]:
    def command() -> object:
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ConfigError("no\x1b[2J such\nsize"), "no\\x1b[2J such size"),
        (
            OSError(errno.ENOSPC, "x", "/a\nb"),
            "/a\\nb: the disk is full; free some space and run the same command again",
        ),
        (OSError(errno.EMFILE, "x", b"/\xff"), "/\\xff: too many files are open; raise the limit"),
        (MemoryError(), "there is not enough memory for it"),
        (
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
            "there is not enough memory",
        ),
        (RuntimeError("can't start new thread"), "the system gives no further process or thread"),
        (ImportError("libx.so: failed to map segment from shared object"), "a library cannot be loaded: there is not"),
        (
            UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"),
            "a name holds letters that no file name",
        ),
        (ValueError("embedded null byte"), "a name holds letters that no file name can have"),
        (RecursionError("too\ndeep"), "unexpected RecursionError: too deep; please report it"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_an_error_is_one_line(error: BaseException, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(failing(error)) == 2
    out, told = capsys.readouterr()
    assert out == ""
    assert told.startswith(f"restorect: {line}")
    assert told.count("\n") == 1
    assert told[:-1].isprintable()


@pytest.mark.parametrize(("given", "code"), [(None, 0), (0, 0), (3, 3), ("text", 0)])
def test_exit_codes(given: object, code: int) -> None:
    assert guarded(lambda: given) == code
    assert guarded(failing(SystemExit(given))) == code


def test_developers_can_see_where_it_came_from(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RESTORECT_TRACEBACK", "1")
    assert guarded(failing(KeyError("x"))) == 2
    assert "Traceback" in capsys.readouterr().err


def test_nothing_in_a_usage_error_moves_the_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    app = typer.Typer(rich_markup_mode=None, no_args_is_help=True)

    @app.command()
    def only(size: int = 0) -> None:
        pass

    for arguments in (["--\x1b[2J\nfake"], ["--size", "a\x1b[2J"], ["a\x9b\u202e"]):
        assert guarded(lambda given=arguments: app(given, standalone_mode=False)) == 2
        told = capsys.readouterr().err
        assert "Usage: " in told
        assert "Error: " in told
        assert all(line.isprintable() for line in told.split("\n"))
        assert "fake" not in told.split("\n")


def restorect_under(limit: Callable[[], None], *arguments: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "restorect.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, preexec_fn=limit, check=False)


@pytest.mark.parametrize("megabytes", [60, 250, 700, 1100])
def test_too_little_memory_to_begin_is_one_line(megabytes: int, tmp_path: Path) -> None:
    source = photo(tmp_path / "a.png")

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (megabytes * 2**20,) * 2)

    done = restorect_under(limit, "restore", source, "-o", tmp_path / "out", "--size", "nano")
    assert done.returncode == 2
    assert done.stderr.startswith("restorect: ")
    assert done.stderr.count("\n") == 1
    assert "memory" in done.stderr


def test_too_few_files_are_one_line_for_each_photo(tmp_path: Path) -> None:
    """The pipes to a decoder's own process cannot be had; what is decoded here can be."""
    import imagecodecs
    import numpy as np

    (tmp_path / "b.avif").write_bytes(imagecodecs.avif_encode(np.zeros((24, 32, 3), np.uint8)))
    photo(tmp_path / "a.png")

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (6, 6))

    done = restorect_under(limit, "restore", tmp_path, "-o", tmp_path / "out", "--size", "nano", "--quiet")
    assert done.returncode == 1, done.stderr
    assert done.stderr.count("\n") == 1
    assert "b.avif: " in done.stderr
    assert "open files" in done.stderr.lower() or "files are open" in done.stderr
    assert (tmp_path / "out" / "a.png").exists()


def fewest_files() -> int:
    """The lowest limit of open files at which this Python starts at all; `-S` leaves out what installations add."""
    for number in range(3, 20):
        limit = (number, number)
        done = subprocess.run(
            [sys.executable, "-S", "-c", "pass"],
            capture_output=True,
            preexec_fn=lambda limit=limit: resource.setrlimit(resource.RLIMIT_NOFILE, limit),
            check=False,
        )
        if done.returncode == 0:
            return number
    raise AssertionError("Python does not start")


@pytest.mark.parametrize(
    ("command", "more"), [("--version", 0), ("doctor", 0), ("restore", 0), ("restore", 8), ("evaluate", 0)]
)
def test_however_few_files_there_are_it_is_done_or_told_in_one_line(command: str, more: int, tmp_path: Path) -> None:
    source = photo(tmp_path / "in" / "a.png")
    for side in ("low", "high"):
        photo(tmp_path / "pairs" / side / "a.png")
    arguments = {
        "restore": [source, "-o", tmp_path / "out", "--size", "nano", "--quiet"],
        "evaluate": ["--pairs", tmp_path / "pairs", "-o", tmp_path / "out", "--size", "nano", "--metrics", "psnr"],
    }.get(command, [])
    limit = (fewest_files() + more,) * 2
    done = subprocess.run(
        [sys.executable, "-S", "-m", "restorect.cli", command, *map(str, arguments)],
        capture_output=True,
        text=True,
        env=ENVIRONMENT | {"PYTHONPATH": os.pathsep.join([ENVIRONMENT["PYTHONPATH"], *filter(None, sys.path)])},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, limit),
        check=False,
    )
    told = [line for line in done.stderr.splitlines() if line]
    if command == "doctor":
        assert done.returncode in (0, 1)
        assert all(line.startswith("WARNING: ") for line in told)
    elif done.returncode:
        assert done.returncode in (1, 2)
        assert len(told) == 1
        assert "too many files are open; raise the limit (ulimit -n)" in told[0]
    else:
        assert command == "--version" or (tmp_path / "out").is_dir()
    assert done.returncode == 0 or more < 8 or command == "doctor"


def test_too_few_threads_to_begin_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenBLAS would end the process by a signal, OpenMP with words of its own."""
    import threading

    begin, begun = threading.Thread.start, []

    def start(thread: threading.Thread) -> None:
        if len(begun) == 5:
            raise RuntimeError("can't start new thread")
        begun.append(thread)
        begin(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    with pytest.raises(RestorectError, match=r"the system gives 5 threads, and \d+ are needed"):
        check_threads()
    assert not any(thread.is_alive() for thread in begun)
    monkeypatch.undo()
    check_threads()


def test_threads_out_of_reason_are_one_line(tmp_path: Path) -> None:
    source = photo(tmp_path / "a.png")
    for command in (
        ["restore", source, "-o", tmp_path / "out", "--size", "nano"],
        ["evaluate", "--photos", tmp_path, "-o", tmp_path / "out", "--size", "nano", "--metrics", "uciqe"],
        ["train", "decompose", "--data", tmp_path, "-o", tmp_path / "out"],
    ):
        done = restorect_under(lambda: None, *command, "--threads", "100000")
        assert done.returncode == 2
        assert "threads is 100000; it must be from 1 to " in done.stderr
        assert done.stderr.count("\n") == 1
