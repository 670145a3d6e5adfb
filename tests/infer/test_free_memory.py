"""How much memory there is, by the machine, the container and the process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import restorect
from restorect.infer import free_memory
from restorect.infer.free_memory import available_bytes


def test_the_memory_there_is() -> None:
    free = available_bytes()
    assert free is None or 0 < free < 1 << 50


def test_the_least_limit_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "max").write_text("1000000\n")
    (tmp_path / "current").write_text("400000\n")
    monkeypatch.setattr(free_memory, "_CGROUP_LIMITS", ((tmp_path / "max", tmp_path / "current"),))
    assert available_bytes() == 600_000
    (tmp_path / "memory.stat").write_text("anon 1000\ninactive_file 150000\nactive_file 7\n")
    assert available_bytes() == 750_000, "the system takes that back by itself"
    (tmp_path / "max").write_text("max\n")
    assert available_bytes() != 600_000


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit of addresses")
def test_the_limit_of_the_process_counts() -> None:
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (10**9, 10**9));"
        "from restorect.infer import free_memory as f; print(f._process(), f.available_bytes())"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(restorect.__file__).parents[1]), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    left, available = map(int, done.stdout.split())
    assert 0 <= left < 990_000_000, "the interpreter has some of it"
    assert available <= left + 10_000_000
