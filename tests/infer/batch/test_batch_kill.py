"""Real processes killed with SIGKILL: whatever stands in the output folder is whole, and the next run ends the work."""

import random
import signal
import time
from pathlib import Path

import pytest
from batch_fakes import expected, make
from batch_process import finish, manifest_lines, parts, start, wrong_outputs

KILLS = 25
CALLS = 13  # system calls that change the disk, for one photo with two samples


@pytest.fixture
def sources(tmp_path: Path) -> list[Path]:
    return [make(tmp_path / "in" / f"{n:02d}.fake", bytes([n]) * 50_000) for n in range(12)]


def test_random_kills_lose_nothing(tmp_path: Path, sources: list[Path]) -> None:
    out, chance = tmp_path / "out", random.Random(4)
    inputs = {source: source.read_bytes() for source in sources}
    killed = 0
    while killed < KILLS:
        before = {path.name: path.stat().st_mtime_ns for path in out.glob("*.fake")}
        finished = {n for line in manifest_lines(out)[0] if line["status"] == "done" for n in line["outputs"]}
        process = start(out, tmp_path / "in", seconds=0.01)
        assert process.stdout is not None
        for _ in range(chance.randrange(len(sources) + 1)):  # so many photos later, however fast the machine is
            process.stdout.readline()
        time.sleep(chance.uniform(0.0, 0.1))
        process.kill()
        code, _, error = finish(process)
        assert code in (0, -signal.SIGKILL), error
        killed += code == -signal.SIGKILL
        assert not wrong_outputs(out, sources)
        assert all((out / name).stat().st_mtime_ns == when for name, when in before.items() if name in finished), (
            "finished work was done again"
        )
        if len(list(out.glob("*.fake"))) == len(sources):  # begin anew, so that the next kill again finds work
            for path in out.iterdir():
                path.unlink()
    code, lines, error = finish(start(out, tmp_path / "in"))
    assert (code, error) == (0, "")
    assert lines.count("Restored") + lines.count("Skipped") == len(sources)
    assert all((out / source.name).read_bytes() == expected(source) for source in sources)
    assert not parts(out)
    assert inputs == {source: source.read_bytes() for source in sources}


@pytest.mark.parametrize("die", range(1, CALLS + 1))
def test_a_kill_at_every_single_system_call(tmp_path: Path, die: int) -> None:
    """Two samples of one photo, each write torn in halves: no moment is left to chance."""
    source, out = make(tmp_path / "in" / "a.fake"), tmp_path / "out"
    code, _, error = finish(start(out, source, samples=2, die=die))
    assert code == -signal.SIGKILL, error
    wholes = {"a-1.fake": b"FAKE" + bytes([190]) * 5, "a-2.fake": b"FAKE" + bytes([200]) * 5}
    _, torn = manifest_lines(out)
    assert torn == (die in (2, 12)), "the kill within a line of the manifest has torn it"
    left = {path.name: path.read_bytes() for path in out.glob("*.fake")}
    assert left.items() <= wholes.items()
    code, _, error = finish(start(out, source, samples=2))
    assert (code, error) == (0, "")
    assert {path.name: path.read_bytes() for path in out.glob("*.fake")} == wholes
    assert not parts(out)
    code, lines, _ = finish(start(out, source, samples=2))
    assert (code, lines) == (0, ["Began", "Skipped"])


def test_the_system_calls_above_are_all_there_are(tmp_path: Path) -> None:
    """If the engine makes more calls than the test above kills at, this says so."""
    source = make(tmp_path / "in" / "a.fake")
    assert finish(start(tmp_path / "out", source, samples=2, die=CALLS + 1))[0] == 0
