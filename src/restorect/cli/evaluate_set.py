"""The set that `restorect evaluate` judges on, as its options name it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from restorect.evaluate.cases import Case
    from restorect.evaluate.summary import TestSet


def one_set(*given: object) -> None:
    """See that just one of these is given; raises `ConfigError`."""
    from restorect.errors import ConfigError

    if sum(one is not None for one in given) != 1:
        raise ConfigError("give one set: --pairs, --benchmark with --data, --photos, or --reference with --outputs")


def find_set(
    pairs: Path | None,
    benchmark: str | None,
    data: Path | None,
    partial: bool,
    photos: Path | None,
    reference: Path | None,
    outputs: Path | None,
) -> tuple[TestSet, list[Case], str]:
    """The set: what reports say of it, its cases, and the task it is for.

    Raises:
        ConfigError: it is not named as it must be.
        DataError: its files cannot be judged.
    """
    from restorect.errors import ConfigError
    from restorect.evaluate.benchmarks import find_benchmark
    from restorect.evaluate.benchmarks.detect import describe, detect
    from restorect.evaluate.cases import paired, unpaired, with_outputs
    from restorect.evaluate.summary import TestSet

    own_task = "low-light"
    if benchmark is not None:
        chosen = find_benchmark(benchmark)
        if data is None:
            raise ConfigError(f"--benchmark {benchmark}: give --data, the folder of your copy ({chosen.source})")
        found = detect(chosen, data, partial=partial)
        test_set, cases, own_task = describe(chosen, found), found.cases, chosen.task
    else:
        folder = pairs or photos or reference or Path()
        if pairs is not None:
            cases = paired(pairs / "low", pairs / "high")
        elif photos is not None:
            cases = unpaired(photos)
        else:
            if outputs is None:
                raise ConfigError("--reference: ground truths alone need --outputs, a folder of results")
            cases = _references(folder)
        named = folder.resolve().name
        test_set = TestSet(name=named, title=named, images=len(cases), paired=photos is None)
    return test_set, with_outputs(cases, outputs) if outputs is not None else cases, own_task


def _references(folder: Path) -> list[Case]:
    from restorect.evaluate.cases import Case, unpaired

    return [Case(name=case.name, high=case.low) for case in unpaired(folder)]
