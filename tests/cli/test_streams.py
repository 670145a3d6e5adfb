"""Standard streams that are full, closed or that nobody reads: one line or silence, and the photos get done."""

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from restore_files import files, photo

import restorect
from restorect.cli import streams
from restorect.cli.streams import Stream, StreamError

PROGRAM = Path(__file__).parent / "restore_program.py"
ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(restorect.__file__).parents[1])}
FULL = Path("/dev/full")
NAMES = [*(f"{n}.png" for n in range(4)), "restorect-manifest.jsonl"]

pytestmark = pytest.mark.skipif(not FULL.exists(), reason="the system has no device that is always full")


@pytest.fixture
def given(tmp_path: Path) -> Path:
    for number in range(4):
        photo(tmp_path / "in" / f"{number}.png", number)
    return tmp_path / "in"


def run(*arguments: object, before: Callable[[], None] | None = None, **streams: object) -> "subprocess.Popen[str]":
    """The command in a process of its own; `before` runs in it before it begins."""
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), *map(str, arguments)], text=True, env=ENVIRONMENT, preexec_fn=before, **streams
    )


def one_line(text: str | None) -> str:
    assert text is not None
    assert text.count("\n") == 1, text
    assert "Traceback" not in text
    return text


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["doctor"], ["metrics", "list"], ["info", "a.png"]])
@pytest.mark.parametrize("closed", [False, True])
def test_results_that_cannot_be_written_are_one_line(arguments: list[str], closed: bool, tmp_path: Path) -> None:
    photo(tmp_path / "a.png")
    with FULL.open("w") as full:
        how = {"before": lambda: os.close(1)} if closed else {"stdout": full}
        process = run(*arguments, stderr=subprocess.PIPE, cwd=tmp_path, **how)
        _, error = process.communicate()
    assert one_line(error).startswith("restorect: standard output: " + ("" if closed else "the disk is full"))
    assert process.returncode == 1


def test_json_to_a_full_disk_is_one_line_and_stops(given: Path, tmp_path: Path) -> None:
    with FULL.open("w") as full:
        process = run("restore", given, "-o", tmp_path / "out", "--json", stdout=full, stderr=subprocess.PIPE)
        _, error = process.communicate()
    assert one_line(error).startswith("restorect: standard output: the disk is full; free some space")
    assert process.returncode == 1


def test_json_that_nobody_reads_any_more_does_not_end_silently(given: Path, tmp_path: Path) -> None:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = run("restore", given, "-o", tmp_path / "out", "--json", **pipes)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert "nobody reads it any more; give the same command again" in one_line(process.stderr.read())
    assert process.wait() == 1


@pytest.mark.parametrize("how", ["full", "closed", "broken"])
def test_whatever_is_behind_standard_error_the_photos_get_done(how: str, given: Path, tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with FULL.open("w") as full:
        ways = {
            "full": {"stderr": full},
            "closed": {"before": lambda: os.close(2)},
            "broken": {"stderr": writer},
        }
        process = run("restore", given, "-o", tmp_path / "out", stdout=subprocess.PIPE, **ways[how])
        assert process.communicate()[0] == ""
    os.close(writer)
    assert process.returncode == 0
    assert files(tmp_path / "out") == NAMES


def test_a_closed_stream_s_number_goes_to_no_photo(given: Path, tmp_path: Path) -> None:
    """Else what a library prints would land in the first file that is opened."""

    def close_all() -> None:
        for number in (0, 1, 2):
            os.close(number)

    process = run("restore", given, "-o", tmp_path / "out", before=close_all)
    assert process.wait() == 0
    assert files(tmp_path / "out") == NAMES
    code = (
        "import os; [os.close(n) for n in (0, 1, 2)]; from restorect.cli.streams import prepare; prepare();"
        "import sys; new = os.open(sys.argv[1], os.O_WRONLY); os.write(new, str(new).encode())"
    )
    target = tmp_path / "number"
    target.touch()
    subprocess.run([sys.executable, "-c", code, str(target)], env=ENVIRONMENT, check=True)
    assert int(target.read_text()) > 2


def test_no_input_at_all(tmp_path: Path) -> None:
    process = run("restore", "-", "-o", "-", before=lambda: os.close(0), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, error = process.communicate()
    assert (out, process.returncode) == ("", 1)
    assert one_line(error).startswith("failed: stdin: is empty")


def test_a_stream_writes_any_name() -> None:
    raw = io.BytesIO()
    stream = Stream(io.TextIOWrapper(io.BufferedWriter(raw), encoding="ascii"), vital=True)  # type: ignore[arg-type]
    print("é\udcff", file=stream, flush=True)
    assert raw.getvalue() == b"\\xe9\\udcff\n"


@pytest.mark.parametrize("vital", [True, False])
def test_only_results_are_vital(vital: bool) -> None:
    old = io.TextIOWrapper(io.BufferedWriter(io.FileIO("/dev/full", "w")))
    stream = Stream(old, vital=vital)
    with pytest.raises(StreamError, match="standard output: the disk is full") if vital else contextlib.nullcontext():
        print("a" * 100_000, file=stream, flush=True)
    with contextlib.suppress(OSError):
        old.close()


def test_what_is_left_unwritten_does_not_fail_once_more_at_the_end() -> None:
    code = "import sys; from restorect.cli import streams; streams.prepare(); sys.stdout.write('a'); streams.leave()"
    buffered = {name: value for name, value in ENVIRONMENT.items() if name != "PYTHONUNBUFFERED"}
    with FULL.open("w") as full:
        done = subprocess.run([sys.executable, "-c", code], stdout=full, stderr=subprocess.PIPE, env=buffered)
    assert (done.returncode, done.stderr) == (0, b"")
    assert streams.OUTPUT == "standard output"
