"""Judging a set: each photograph restored and scored, several at a time, never twice for the same content."""

import contextlib
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from restorect.configs import require
from restorect.errors import DataError, RestorectError
from restorect.evaluate.cases import Case
from restorect.evaluate.journal import Journal, Result, key_for
from restorect.evaluate.methods import Method
from restorect.evaluate.protocols import Protocol
from restorect.evaluate.reading import Picture, as_tensor, as_written, read_whole
from restorect.evaluate.scores import Measure, score_all
from restorect.evaluate.set_scores import SetMeasure, features_of
from restorect.metrics.pretrained import WeightsSource
from restorect.progress import OnProgress, silent
from restorect.reasons import reason_of

_MOST_WORKERS = 256  # more threads than that cannot be had everywhere, and each holds a photograph


@dataclass(frozen=True, kw_only=True)
class Ruler:
    """How is measured: the protocol, the metrics of single images, and those of whole sets."""

    protocol: Protocol
    measures: tuple[Measure, ...]
    set_measures: tuple[SetMeasure, ...] = ()

    @property
    def identity(self) -> dict[str, object]:
        """What a change of which makes old results useless."""
        metrics = [m.identity for m in self.measures] + [m.identity for m in self.set_measures]
        return {"protocol": self.protocol.label, "metrics": metrics}

    @property
    def sources(self) -> dict[str, tuple[WeightsSource, ...]]:
        """The files that metrics were loaded from, by metric."""
        of_images = {m.name: m.sources for m in self.measures if m.sources}
        return of_images | {m.name: m.sources for m in self.set_measures}


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """What a case looks like.

    Attributes:
        low: the degraded photo, if there is one.
        output: what the method made of it, as it would be in a file.
        high: the ground truth, if there is one.
        seconds: that the method took; None for finished outputs.
    """

    low: Picture | None
    output: Picture
    high: Picture | None
    seconds: float | None


@dataclass(frozen=True)
class Judged:
    """What came of a case, by its number in the set, and whether that is new."""

    number: int
    result: Result
    fresh: bool = True


Judges = Callable[[Sequence[Case], Method, Ruler], Generator[Judged, None, None]]
"""Whoever judges a set, in whatever order, and knows the journal."""


def evaluate(
    cases: Sequence[Case],
    method: Method,
    ruler: Ruler,
    journal: Journal,
    *,
    workers: int | Judges = 1,
    on_progress: OnProgress = silent,
) -> list[Result]:
    """Judge a method on all cases.

    Args:
        cases: checked by `check_headers`.
        method: what is judged.
        ruler: how.
        journal: what is known is taken from it, what is new is added to it.
        workers: photographs in work at a time, in threads (torch, OpenCV and the codecs release Python's lock); or
            who works instead, with the same journal.
        on_progress: told after each.

    Returns:
        One result a case, in their order. What could not be judged has its reason in `error`, enters no mean, is not
        kept in the journal, and is tried again by the next run.
    """
    work = workers(cases, method, ruler) if callable(workers) else _here(cases, method, ruler, journal, workers)
    results: dict[int, Result] = {}
    with contextlib.closing(work) as judgements:
        for each in judgements:
            if each.fresh and not each.result.error:
                journal.add(each.result)
            results[each.number] = each.result
            on_progress(len(results), len(cases), method.name)
    return [results[number] for number in range(len(cases))]


def _here(
    cases: Sequence[Case], method: Method, ruler: Ruler, journal: Journal, workers: int
) -> Generator[Judged, None, None]:
    """Judge in threads of this process."""
    require(1 <= workers <= _MOST_WORKERS, f"workers is {workers}; it must be from 1 to {_MOST_WORKERS}")
    pool = ThreadPoolExecutor(workers, thread_name_prefix="evaluate")
    try:
        for future in as_completed([pool.submit(judge, each, method, ruler, journal) for each in enumerate(cases)]):
            yield future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def judge(numbered: tuple[int, Case], method: Method, ruler: Ruler, journal: Journal) -> Judged:
    """One case of a set."""
    number, case = numbered
    unjudged = Result(method=method.name, name=case.name)
    try:
        compared = any(measure.reference == "input" for measure in ruler.measures)
        key = key_for(
            _roles(case, needs_low=method.restore is not None or compared, needs_output=method.restore is None),
            {"method": method.identity, **ruler.identity},
        )
        known = journal.find(key)
        if known is not None:
            return Judged(number, replace(known, method=method.name, name=case.name), fresh=False)
        pictures = look(case, method)
        with torch.inference_mode():
            output = as_tensor(pictures.output)
            target: Tensor | None = None if pictures.high is None else as_tensor(pictures.high)
            source = None if pictures.low is None else as_tensor(pictures.low)
            scores = score_all(ruler.measures, ruler.protocol, output, target, source)
            features = features_of(ruler.set_measures, output)
        height, width = pictures.output.shape[:2]
        judged = replace(unjudged, key=key, width=width, height=height, seconds=pictures.seconds)
        return Judged(number, replace(judged, scores=scores, features=features))
    except (RestorectError, OSError, MemoryError, ValueError, RuntimeError) as error:  # the last is torch's for memory
        return Judged(number, replace(unjudged, error=reason_of(error)))


def look(case: Case, method: Method) -> Pictures:
    """Read a case and restore it.

    Raises:
        RestorectError: a file is unusable, or sizes differ.
        OSError: a file cannot be read.
    """
    low = None if case.low is None else read_whole(case.low)
    seconds = None
    if method.restore is None:
        if case.output is None:
            raise DataError(f"{case.name}: has no output")
        output = read_whole(case.output)[1]
    elif low is None:
        raise DataError(f"{case.name}: has no degraded photo to restore")
    else:
        photo, picture = low
        begun = time.perf_counter()
        restored = method.restore(picture)
        seconds = time.perf_counter() - begun
        output = as_written(restored, photo)
    high = None if case.high is None else read_whole(case.high)[1]
    if high is not None and high.shape != output.shape:
        sizes = [f"{p.shape[1]}x{p.shape[0]}" for p in (output, high)]
        raise DataError(f"{case.name}: the output is {sizes[0]}, the ground truth {sizes[1]}; nothing is resized")
    return Pictures(low=None if low is None else low[1], output=output, high=high, seconds=seconds)


def _roles(case: Case, *, needs_low: bool, needs_output: bool) -> dict[str, Path]:
    """The files that decide a result: one of a finished output does not depend on the degraded photo by itself."""
    roles = {"low": case.low if needs_low else None, "high": case.high, "output": case.output if needs_output else None}
    return {role: path for role, path in roles.items() if path is not None}
