"""The measuring of costs: what is counted, each case in its own process, and errors in one line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn
from typer.testing import CliRunner

from restorect.bench import costs, networks
from restorect.bench.costs import Figures, measure, resident_mib
from restorect.bench.networks import Workload, build, measure_all, measure_apart
from restorect.cli.main import app
from restorect.errors import CheckpointError, ConfigError, DeviceError, RestorectError
from restorect.nets.checkpoint import Card, save_checkpoint
from restorect.nets.presets import student_preset
from restorect.render.restoration import Restoration, RestorationConfig

runner = CliRunner()


def restorect(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, as a user starts it: errors included."""
    command = [sys.executable, "-c", "from restorect.cli.main import main; main()", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)


def nano(**changes: object) -> Workload:
    return Workload(**{"height": 24, "width": 16, "preset": "nano", "runs": 1, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode])
def test_gflops_count_two_for_a_multiply_add(context: type) -> None:
    conv, linear = nn.Conv2d(3, 5, 3, padding=1), nn.Linear(7, 11)
    image, vector = torch.zeros(1, 3, 8, 9), torch.zeros(2, 7)

    def forward() -> None:
        with context():
            conv(image)
            linear(vector)

    assert measure(lambda: forward, runs=1).gflops == (2 * 3 * 5 * 9 * 8 * 9 + 2 * 2 * 7 * 11) / 1e9


def test_the_median_of_the_runs_counts_and_warm_up_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    passes = iter([100.0, 50.0, 1.0, 30.0, 2.0, 700.0])  # two to warm up, three timed, one to count the arithmetic
    monkeypatch.setattr(costs.time, "process_time", lambda: clock[0])
    monkeypatch.setattr(costs.time, "perf_counter", lambda: 3 * clock[0])

    def forward() -> None:
        clock[0] += next(passes)

    figures = measure(lambda: forward, runs=3)
    assert (figures.cpu_seconds, figures.wall_seconds) == (2.0, 6.0)
    assert next(passes, None) is None


def test_the_peak_holds_what_a_pass_allocates() -> None:
    size = 64 * 2**20

    def forward() -> None:
        block = bytearray(os.urandom(1)) * size
        del block

    figures = measure(lambda: forward, runs=1)
    if figures.peak_mib is None:
        pytest.skip("this system does not tell")
    assert figures.peak_mib >= 64
    assert figures.peak_mib >= figures.loaded_mib > 1


def test_resident_memory_is_told() -> None:
    now, peak = resident_mib()
    assert now > 1
    if sys.platform in ("linux", "darwin", "win32"):
        assert peak is not None
        assert now <= peak


@pytest.mark.timeout(900)  # nothing below depends on the clock, but a new torch takes minutes on a busy machine
def test_a_preset_in_a_process_of_its_own() -> None:
    figures = measure_apart(nano())
    assert figures.cpu_seconds > 0
    assert figures.wall_seconds > 0
    assert figures.gflops == pytest.approx(measure(lambda: build(nano()), runs=1).gflops)
    assert figures.device_peak_mib is None


def test_a_weight_file_runs_through_the_restorer(tmp_path: Path) -> None:
    file = tmp_path / "mine.safetensors"
    student = Restoration(RestorationConfig(student=student_preset("nano")))
    save_checkpoint(
        file, student, Card(kind="student", task="low-light", preset="nano", config=student.config.written())
    )
    case = nano(preset=None, weights=str(file))
    assert case.name == "mine.safetensors"
    figures = measure(lambda: build(case), runs=1)
    assert figures.gflops == pytest.approx(measure(lambda: build(nano()), runs=1).gflops)


def test_a_weight_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"gone\.safetensors"):
        build(nano(preset=None, weights=str(tmp_path / "gone.safetensors")))


def test_a_larger_photo_costs_more_arithmetic() -> None:
    small, large = (measure(lambda h=h: build(nano(height=h, width=h)), runs=1).gflops for h in (32, 96))
    assert large > small


def test_the_measuring_process_has_the_threads_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, str] = {}

    def record(*_: object, env: dict[str, str], **__: object) -> subprocess.CompletedProcess[str]:
        seen.update(env)
        return subprocess.CompletedProcess([], 0, '\n{"error": "enough"}\n', "")

    monkeypatch.setattr(networks.subprocess, "run", record)
    with pytest.raises(RestorectError, match=r"^enough$"):
        measure_apart(nano(threads=3))
    assert seen["OMP_NUM_THREADS"] == "3"
    before = torch.get_num_threads()
    try:
        build(nano(threads=2))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_the_same_name_in_the_working_folder_does_no_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import restorect as package

    monkeypatch.setenv("PYTHONPATH", str(Path(package.__file__).parents[1]))
    (tmp_path / "statistics.py").write_text("raise SystemExit('not this one')\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert measure_apart(nano()).gflops > 0


def test_progress_is_told_before_each_case(monkeypatch: pytest.MonkeyPatch) -> None:
    figures = Figures(cpu_seconds=1.0, wall_seconds=1.0, peak_mib=None, loaded_mib=None, gflops=1.0)
    monkeypatch.setattr(networks, "measure_apart", lambda case: figures)
    told: list[tuple[int, int, str]] = []
    cases = [nano(), nano(height=8)]
    assert measure_all(cases, lambda *now: told.append(now)) == [figures, figures]
    assert told == [(0, 2, "nano (random) at 24x16"), (1, 2, "nano (random) at 8x16")]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size": "tiny"}, "one of a size, a preset and a weight file"),
        ({"preset": None}, "one of a size, a preset and a weight file"),
        ({"height": 0}, "0x16 has no pixel"),
        ({"threads": 0}, "at least 1"),
        ({"runs": 0}, "at least 1"),
    ],
)
def test_bad_cases(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        nano(**changes)


def test_an_unknown_preset_is_told_by_the_measuring_process() -> None:
    with pytest.raises(RestorectError, match="preset 'huge' is unknown; choose one of base"):
        measure_apart(nano(preset="huge"))


@pytest.mark.parametrize("device", ["abacus", "cuda:99"])
def test_a_device_that_is_not_here(device: str) -> None:
    with pytest.raises(DeviceError, match=f"device '{device}' is not available on this machine"):
        build(nano(device=device))


def test_a_process_that_dies_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "_CHILD", "raise MemoryError('no room')")
    with pytest.raises(
        RestorectError, match=r"^nano \(random\) at 24x16: could not be measured \(MemoryError: no room"
    ):
        measure_apart(nano())
    monkeypatch.setattr(networks, "_CHILD", "import os, signal; os.kill(os.getpid(), signal.SIGTERM)")
    with pytest.raises(RestorectError, match="ended from outside, perhaps for want of memory"):
        measure_apart(nano())


def test_the_command_prints_a_table_and_writes_json(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    line = ["bench", "--preset", "nano", "--resolution", "24x16", "--resolution", "8x8", "--runs", "1"]
    result = runner.invoke(app, [*line, "--json", str(file)])
    assert result.exit_code == 0
    assert "24x16" in result.stdout
    assert "GFLOPs" in result.stdout
    report = json.loads(file.read_text(encoding="utf-8"))
    assert [(r["preset"], r["height"], r["width"]) for r in report["results"]] == [("nano", 24, 16), ("nano", 8, 8)]
    assert all(r["cpu_seconds"] > 0 and r["gflops"] > 0 for r in report["results"])


def test_json_alone_on_standard_output(monkeypatch: pytest.MonkeyPatch) -> None:
    figures = Figures(cpu_seconds=0.5, wall_seconds=0.25, peak_mib=None, loaded_mib=None, gflops=2.0)
    monkeypatch.setattr(networks, "measure_apart", lambda case: figures)
    result = runner.invoke(app, ["bench", "--json", "-", "--preset", "tiny", "--threads", "2"])
    (entry,) = json.loads(result.stdout)["results"]
    assert (entry["cpu_seconds"], entry["gflops"], entry["threads"], entry["peak_mib"]) == (0.5, 2.0, 2, None)
    assert (entry["height"], entry["width"]) == (400, 600)


def test_the_json_file_is_not_overwritten_unless_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figures = Figures(cpu_seconds=0.5, wall_seconds=0.25, peak_mib=None, loaded_mib=None, gflops=2.0)
    monkeypatch.setattr(networks, "measure_apart", lambda case: figures)
    file = tmp_path / "mine.json"
    file.write_text("mine", encoding="utf-8")
    line = ["bench", "--preset", "nano", "--json", str(file)]
    assert isinstance(runner.invoke(app, line).exception, RestorectError)
    assert file.read_text(encoding="utf-8") == "mine"
    assert runner.invoke(app, [*line, "--force"]).exit_code == 0
    assert json.loads(file.read_text(encoding="utf-8"))["results"]
    gone = runner.invoke(app, ["bench", "--preset", "nano", "--json", str(tmp_path / "no" / "x.json")]).exception
    assert isinstance(gone, RestorectError)
    assert "cannot be written" in str(gone)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--resolution", "big"), "--resolution big: write height x width"),
        (("--resolution", "0x5"), "0x5 has no pixel"),
        (("--preset", "huge"), "preset 'huge' is unknown"),
        (("--preset", "nano", "--device", "abacus"), "device 'abacus' is not available on this machine"),
    ],
)
def test_a_user_s_mistake_is_one_line_and_exit_2(arguments: tuple[str, ...], message: str) -> None:
    result = restorect("bench", *arguments)
    assert result.returncode == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stderr.count("\n") == 1
