"""The benchmarks: what each data set is, how a copy of it is recognised, and what others reached on it."""

from restorect.errors import ConfigError
from restorect.evaluate.benchmarks.benchmark import Benchmark
from restorect.evaluate.benchmarks.low_light import LOW_LIGHT
from restorect.evaluate.benchmarks.others import OTHERS
from restorect.evaluate.benchmarks.unpaired import UNPAIRED

BENCHMARKS: dict[str, Benchmark] = {benchmark.name: benchmark for benchmark in (*LOW_LIGHT, *OTHERS, *UNPAIRED)}


def find_benchmark(name: str) -> Benchmark:
    """The benchmark of that name.

    Raises:
        ConfigError: there is none.
    """
    if name not in BENCHMARKS:
        raise ConfigError(f"benchmark {name!r} is unknown; choose one of {', '.join(BENCHMARKS)}")
    return BENCHMARKS[name]
