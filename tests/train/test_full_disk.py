"""A disk that fills up while a run is written to it: one line, and what was saved before can be gone on with."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from restorect.errors import TrainingError
from restorect.train.logs import RunLog
from small_disk import small_disk

FULL = "No space left on device"
# Imported by every Python that finds it on its path: from the nth time on, nothing gets onto the disk any more.
FAILING_DISK = """
import errno, os, stat
sync, left = os.fsync, int(os.environ["SYNCS"])

def fsync(file):
    global left
    if not stat.S_ISDIR(os.fstat(file).st_mode):
        left -= 1
        if left < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return sync(file)

os.fsync = fsync
"""


def train(pairs: Path, out: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Three steps of stage 0 by the command, with a state after each; goes on where a run was left."""
    settings = "steps=3 patches=[32] batches=[1] checkpoint_every=1 validate_every=2 float16=true log_every=1".split()
    command = [sys.executable, "-m", "restorect.cli", "train", "decompose", "--data", str(pairs), "-o", str(out)]
    command += ["--resume", *(f"--set=schedule.{setting}" for setting in settings)]
    env = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=900)


def one_line(done: subprocess.CompletedProcess[str], folder: Path) -> str:
    lines = done.stderr.strip().splitlines()
    told = [line for line in lines if line.startswith("restorect: ")]
    assert done.returncode == 2, done.stderr
    assert len(told) == 1
    assert lines[-1] == told[0]
    assert "Traceback" not in done.stderr
    assert str(folder) in told[0]
    assert FULL in told[0]
    return told[0]


def all_is_whole(folder: Path) -> None:
    """Whatever has its final name can be read; nothing else is left lying about."""
    for path in folder.glob("*"):
        assert path.name in {"state.pt", "log.jsonl", "recipe.yaml", "tensorboard", *(
            f"{name}{half}.safetensors" for name in ("best", "last") for half in ("", "-f16"))}  # fmt: skip
        if path.suffix == ".safetensors":
            load_file(path)
    if (folder / "state.pt").exists():
        torch.load(folder / "state.pt", weights_only=True)


@pytest.fixture(scope="module")
def whole(pairs_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that nothing has disturbed."""
    out = tmp_path_factory.mktemp("whole")
    done = train(pairs_folder, out)
    assert done.returncode == 0, done.stderr
    return out


def goes_on(pairs: Path, folder: Path, whole: Path) -> None:
    done = train(pairs, folder)
    assert done.returncode == 0, done.stderr
    own, wanted = (load_file(f / "last.safetensors") for f in (folder, whole))
    assert all(torch.equal(own[name], wanted[name]) for name in wanted)


@pytest.fixture
def disk(whole: Path, tmp_path: Path) -> Iterator[Path]:
    """A disk with room for one state and the checkpoints, but not for a second state beside the first."""
    with small_disk(tmp_path / "disk", int(1.9 * (whole / "state.pt").stat().st_size)) as mounted:
        yield mounted


def test_a_full_disk_leaves_the_last_state(disk: Path, pairs_folder: Path, whole: Path, tmp_path: Path) -> None:
    line = one_line(train(pairs_folder, disk / "run"), disk / "run")
    assert "state.pt: cannot be written" in line
    assert "--resume" in line
    all_is_whole(disk / "run")
    assert torch.load(disk / "run" / "state.pt", weights_only=True)["step"] == 1
    shutil.copytree(disk / "run", tmp_path / "moved")
    goes_on(pairs_folder, tmp_path / "moved", whole)


@pytest.mark.parametrize(("syncs", "file"), [(0, ""), (1, "log.jsonl"), (3, "state.pt"), (4, "best.safetensors")])
def test_whichever_file_meets_the_full_disk(
    syncs: int, file: str, pairs_folder: Path, whole: Path, tmp_path: Path
) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(FAILING_DISK)
    path = os.pathsep.join([str(tmp_path / "site"), *sys.path])
    done = train(pairs_folder, tmp_path / "run", PYTHONPATH=path, SYNCS=str(syncs))
    assert file in one_line(done, tmp_path / "run")
    all_is_whole(tmp_path / "run")
    goes_on(pairs_folder, tmp_path / "run", whole)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_log_that_cannot_grow_is_one_line(tmp_path: Path) -> None:
    log = RunLog(tmp_path, 0)
    (tmp_path / "log.jsonl").unlink()
    (tmp_path / "log.jsonl").symlink_to("/dev/full")
    with pytest.raises(TrainingError, match=rf"log\.jsonl: cannot be written \({FULL}\); .*--resume"):
        log.write("train", 1, {"loss": 1.0})
    log.close()


def test_a_log_is_kept_when_a_run_goes_on_without_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = RunLog(tmp_path, 0)
    log.write("train", 1, {"loss": 1.0})
    log.close()
    before = (tmp_path / "log.jsonl").read_bytes()

    def full(file: int) -> None:
        raise OSError(28, FULL)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TrainingError, match=r"log\.jsonl: cannot be written"):
        RunLog(tmp_path, 1)
    assert (tmp_path / "log.jsonl").read_bytes() == before
