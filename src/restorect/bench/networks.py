"""What networks cost at given photo sizes, each line of the benchmark measured in a process of its own.

Shapes: image_HW3 and low_B3HW, sRGB in [0, 1].
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from restorect.bench.costs import Figures, Pass, measure
from restorect.configs import from_mapping, require
from restorect.errors import RestorectError
from restorect.progress import OnProgress, silent

OnFigures = Callable[["Workload", Figures], None]
# The working folder is no place to import from: a file of the user's may be called like a module.
_CHILD = "import sys; sys.path = [p for p in sys.path if p]; from restorect.bench.networks import main; main()"
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True, kw_only=True)
class Workload:
    """One line of a benchmark: a network, a photo's size, and how to run it.

    Exactly one of `size`, `preset` and `weights` is given.

    Attributes:
        height: of the photo, in pixels.
        width: of the photo, in pixels.
        size: a shipped size of `task`, run through `Restorer`.
        preset: a student with random weights.
        weights: a checkpoint, run through `Restorer`.
        task: what the weights restore.
        threads: threads of one operation on the CPU.
        runs: timed passes.
        device: "cpu", "cuda", "cuda:1", "mps" or "auto".
    """

    height: int
    width: int
    size: str | None = None
    preset: str | None = None
    weights: str | None = None
    task: str = "low-light"
    threads: int = 1
    runs: int = 5
    device: str = "cpu"

    def __post_init__(self) -> None:
        given = [name for name in (self.size, self.preset, self.weights) if name is not None]
        require(len(given) == 1, "bench: give one of a size, a preset and a weight file for each line")
        require(min(self.height, self.width) >= 1, f"bench: {self.height}x{self.width} has no pixel")
        require(self.threads >= 1 and self.runs >= 1, "bench: threads and runs must be at least 1")

    @property
    def name(self) -> str:
        """What the line is called in a table."""
        if self.preset is not None:
            return f"{self.preset} (random)"
        return self.size or Path(self.weights or "").name


def measure_all(
    cases: Sequence[Workload], on_progress: OnProgress = silent, on_figures: OnFigures | None = None
) -> list[Figures]:
    """Measure one case after another, each in a process of its own.

    Args:
        cases: the lines of the benchmark.
        on_progress: told before each: how many are done, of how many, and which comes.
        on_figures: given those of each as soon as they are there.

    Raises:
        RestorectError: a case cannot be run; the message says which, and why.
    """
    figures = []
    for number, case in enumerate(cases):
        on_progress(number, len(cases), f"{case.name} at {case.height}x{case.width}")
        figures.append(measure_apart(case))
        if on_figures is not None:
            on_figures(case, figures[-1])
    return figures


def measure_apart(case: Workload) -> Figures:
    """Measure a case in a fresh process, so that neither memory nor caches of another case mix in.

    Raises:
        RestorectError: the case cannot be run.
    """
    environment = {**os.environ, **dict.fromkeys(_THREADS, str(case.threads))}
    done = subprocess.run(  # noqa: S603 - this interpreter, this package
        [sys.executable, "-c", _CHILD],
        input=json.dumps(asdict(case)),
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    lines = done.stdout.splitlines()
    answer = json.loads(lines[-1]) if done.returncode == 0 and lines else {}
    if "error" in answer:
        raise RestorectError(answer["error"])
    if not answer:
        said = (done.stderr.strip().splitlines() or ["it was ended from outside, perhaps for want of memory"])[-1]
        raise RestorectError(f"{case.name} at {case.height}x{case.width}: could not be measured ({said})")
    return from_mapping(Figures, answer)


def main() -> None:
    """The measuring process: a case as JSON on standard input, its figures or an error as JSON on standard output."""
    case = from_mapping(Workload, json.load(sys.stdin))
    try:
        answer = asdict(measure(lambda: build(case), runs=case.runs, device=_plain_device(case.device)))
    except RestorectError as error:
        answer = {"error": str(error)}
    sys.stdout.write(f"\n{json.dumps(answer)}\n")


def build(case: Workload) -> Pass:
    """Load the network of a case and return one pass over a dark, seeded photo of the case's size.

    Raises:
        RestorectError: no such size, preset, weight file or device.
    """
    import torch

    from restorect.devices import use_threads

    use_threads(case.threads)
    if case.preset is not None:
        return _student_pass(case.preset, case.height, case.width, _plain_device(case.device))
    from restorect.infer.restorer import Restorer

    size = case.size or ""
    restorer = Restorer.load(case.task, size, device=case.device, weights=case.weights)
    generator = torch.Generator().manual_seed(0)
    image = (torch.rand(case.height, case.width, 3, generator=generator) * 0.2).numpy()

    def forward() -> None:
        restorer(image)

    return forward


def _plain_device(name: str) -> str:
    from restorect.devices import find_device

    return str(find_device(name))


def _student_pass(preset: str, height: int, width: int, device: str) -> Pass:
    import torch

    from restorect.nets.codes import noise_codes
    from restorect.nets.presets import student_preset
    from restorect.nets.student import Student

    generator = torch.Generator().manual_seed(0)
    student = Student(student_preset(preset)).eval().to(device)
    low_B3HW = (torch.rand(1, 3, height, width, generator=generator) * 0.2).to(device)
    start = noise_codes(1, generator, device)

    def forward() -> None:
        with torch.inference_mode():
            student(low_B3HW, start)

    return forward
