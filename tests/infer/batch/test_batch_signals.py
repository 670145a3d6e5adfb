"""Two processes on one folder, and Ctrl-C with real signals."""

import signal
import subprocess
import time
from pathlib import Path

import pytest
from batch_fakes import make
from batch_process import finish, manifest_lines, parts, start, wrong_outputs


@pytest.fixture
def sources(tmp_path: Path) -> list[Path]:
    return [make(tmp_path / "in" / f"{n}.fake", bytes([n]) * 100) for n in range(8)]


NOTICE = "restorect: stopping after the current photo; Ctrl-C again stops at once\n"


def wait_for(process: "subprocess.Popen[str]", line: str) -> None:
    assert process.stdout is not None
    while (text := process.stdout.readline().strip()) != line:
        assert text, f"the process ended without saying {line!r}"


def test_a_second_process_on_the_same_folder_is_turned_away(tmp_path: Path, sources: list[Path]) -> None:
    out = tmp_path / "out"
    first = start(out, tmp_path / "in", seconds=0.3)
    wait_for(first, "Restored")
    code, lines, error = finish(start(out, tmp_path / "in"))
    assert code == 2
    assert "Restored" not in lines
    assert f"process {first.pid}" in error
    assert "another restorect is writing there" in error
    assert error.count("\n") == 1
    assert finish(first)[0] == 0
    assert sorted(path.name for path in out.glob("*.fake")) == [s.name for s in sources]
    assert not wrong_outputs(out, sources)


def test_a_killed_process_leaves_the_folder_free(tmp_path: Path, sources: list[Path]) -> None:
    first = start(tmp_path / "out", tmp_path / "in", seconds=0.3)
    wait_for(first, "Restored")
    first.kill()
    finish(first)
    assert finish(start(tmp_path / "out", tmp_path / "in"))[0] == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_finishes_the_current_photo(tmp_path: Path, sources: list[Path], number: int) -> None:
    out = tmp_path / "out"
    process = start(out, tmp_path / "in", seconds=0.4)
    wait_for(process, "Restored")
    process.send_signal(number)
    code, lines, error = finish(process)
    assert (code, error) == (130, NOTICE)
    assert 1 <= lines.count("Restored") <= 2
    restored = 1 + lines.count("Restored")
    whole, torn = manifest_lines(out)
    assert torn == 0
    assert [line["status"] for line in whole].count("done") == restored == len(list(out.glob("*.fake")))
    assert not parts(out)
    code, lines, _ = finish(start(out, tmp_path / "in"))
    assert (code, lines.count("Skipped"), lines.count("Restored")) == (0, restored, 8 - restored)


def test_a_second_signal_ends_at_once(tmp_path: Path, sources: list[Path]) -> None:
    out = tmp_path / "out"
    process = start(out, tmp_path / "in", seconds=5)
    wait_for(process, "Began")
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    assert process.stderr.readline() == NOTICE
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert finish(process)[0] == 130
    assert time.monotonic() - begun < 2, "it waited for the photo, which takes five seconds"
    assert not wrong_outputs(out, sources)
    assert finish(start(out, tmp_path / "in"))[0] == 0
    assert not parts(out)
