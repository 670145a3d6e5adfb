"""Two processes on one folder, and Ctrl-C with real signals; a photo waits at a gate meanwhile, however busy it is."""

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


def wait_at(gate: Path) -> None:
    """Until a photo is in the networks of the other process."""
    while not Path(f"{gate}.reached").exists():
        time.sleep(0.005)


def test_a_second_process_on_the_same_folder_is_turned_away(tmp_path: Path, sources: list[Path]) -> None:
    out, gate = tmp_path / "out", tmp_path / "gate"
    first = start(out, tmp_path / "in", gate=gate)
    wait_for(first, "Restored")
    code, lines, error = finish(start(out, tmp_path / "in"))
    assert code == 2
    assert "Restored" not in lines
    assert f"process {first.pid}" in error
    assert "another restorect is writing there" in error
    assert error.count("\n") == 1
    gate.touch()
    assert finish(first)[0] == 0
    assert sorted(path.name for path in out.glob("*.fake")) == [s.name for s in sources]
    assert not wrong_outputs(out, sources)


def test_a_killed_process_leaves_the_folder_free(tmp_path: Path, sources: list[Path]) -> None:
    first = start(tmp_path / "out", tmp_path / "in", gate=tmp_path / "gate")
    wait_for(first, "Restored")
    first.kill()
    finish(first)
    assert finish(start(tmp_path / "out", tmp_path / "in"))[0] == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_finishes_the_current_photo(tmp_path: Path, sources: list[Path], number: int) -> None:
    out, gate = tmp_path / "out", tmp_path / "gate"
    process = start(out, tmp_path / "in", gate=gate)
    wait_for(process, "Restored")
    wait_at(gate)
    process.send_signal(number)
    assert process.stderr is not None
    assert process.stderr.readline() == NOTICE
    gate.touch()
    code, lines, error = finish(process)
    assert (code, error) == (130, "")
    assert lines.count("Restored") == 1
    restored = 2
    whole, torn = manifest_lines(out)
    assert torn == 0
    assert [line["status"] for line in whole].count("done") == restored == len(list(out.glob("*.fake")))
    assert not parts(out)
    code, lines, _ = finish(start(out, tmp_path / "in"))
    assert (code, lines.count("Skipped"), lines.count("Restored")) == (0, restored, 8 - restored)


def test_a_second_signal_ends_at_once(tmp_path: Path, sources: list[Path]) -> None:
    out, gate = tmp_path / "out", tmp_path / "gate"
    process = start(out, tmp_path / "in", gate=gate)
    wait_at(gate)
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    assert process.stderr.readline() == NOTICE
    process.send_signal(signal.SIGINT)
    assert finish(process)[0] == 130, "it does not wait for the photo, which would wait for ever"
    assert not wrong_outputs(out, sources)
    assert finish(start(out, tmp_path / "in"))[0] == 0
    assert not parts(out)
