"""A disk without file locks, as some network shares are: simulated by refusing `flock` as they do."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import restorect
from restorect.infer.batch import BusyError, OutputError
from restorect.infer.batch.lock import locked
from restorect.infer.batch.part import LOCK_NAME
from restorect.infer.batch.soft_lock import SOFT_ENDING

HOLD = """
import errno, fcntl, sys, time
from pathlib import Path
from restorect.infer.batch.lock import locked
def refuse(descriptor, how):
    raise OSError(errno.ENOLCK, "No locks available")
fcntl.flock = refuse
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""

SOFT = LOCK_NAME + SOFT_ENDING


@pytest.fixture(autouse=True)
def no_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_descriptor: int, _how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)


def holder(out: Path) -> "subprocess.Popen[str]":
    environment = os.environ | {"PYTHONPATH": str(Path(restorect.__file__).parents[1])}
    command = [sys.executable, "-c", HOLD, str(out)]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert running.stdout is not None
    assert running.stdout.readline() == "held\n"
    return running


def test_it_is_held_once_and_given_back(tmp_path: Path) -> None:
    for _ in range(2):
        with locked(tmp_path):
            assert (tmp_path / SOFT).exists()
            for _ in range(2):  # the loser has not freed it
                with pytest.raises(BusyError, match=f"process {os.getpid()} on "), locked(tmp_path):
                    pass
        assert not (tmp_path / SOFT).exists()


def test_it_is_given_back_when_the_batch_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), locked(tmp_path):
        raise ZeroDivisionError
    with locked(tmp_path):
        pass


def test_another_process_is_named_and_its_death_noticed(tmp_path: Path) -> None:
    running = holder(tmp_path)
    with pytest.raises(BusyError) as caught, locked(tmp_path):
        pass
    assert f"process {running.pid} on " in str(caught.value)
    assert str(caught.value).endswith(f"if it has ended, remove {tmp_path / SOFT}")
    running.send_signal(signal.SIGKILL)
    running.communicate()
    assert (tmp_path / SOFT).exists()
    with locked(tmp_path):
        pass


def test_another_machine_s_is_never_taken_over(tmp_path: Path) -> None:
    marker = tmp_path / SOFT
    marker.write_text("4711\nsome-other-machine\n")
    with pytest.raises(BusyError, match="if it has ended, remove"), locked(tmp_path):
        pass
    assert marker.read_text() == "4711\nsome-other-machine\n"
    marker.unlink()
    with locked(tmp_path):
        pass


def test_it_is_not_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    (tmp_path / SOFT).symlink_to(tmp_path / "precious")
    with pytest.raises(OutputError), locked(tmp_path):
        pass
    assert (tmp_path / "precious").read_text() == "precious"
