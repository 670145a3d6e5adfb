"""Recognising a copy of a benchmark on disk, and refusing an incomplete one unless told otherwise."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from restorect.errors import DataError
from restorect.evaluate.benchmarks.benchmark import Benchmark, Layout
from restorect.evaluate.cases import Case, key_of, match, refuse
from restorect.evaluate.summary import TestSet
from restorect.images.find import photos_in

_NAMED = 8  # missing images spelled out in a message


@dataclass(frozen=True, kw_only=True)
class BenchmarkCopy:
    """A copy of a benchmark.

    Attributes:
        layout: how it is arranged.
        cases: its photographs.
        stamps: what every report on it must say.
    """

    layout: Layout
    cases: list[Case]
    stamps: tuple[str, ...]


def detect(benchmark: Benchmark, root: Path, *, partial: bool = False) -> BenchmarkCopy:
    """Find the test split of a benchmark in a folder.

    Args:
        benchmark: what is looked for.
        root: the folder of the copy, or the one it is packed in.
        partial: accept a copy that is incomplete, and stamp it so.

    Raises:
        DataError: there is no such folder, no known layout in it, a photograph without partner, or a number of
            photographs that no complete copy has; the message names what is missing.
    """
    if not root.is_dir():
        raise DataError(f"{root}: no such folder; get {benchmark.title} from {benchmark.source}")
    layout, base = _find_layout(benchmark, root)
    files = _images(base / layout.low, layout)
    cases, lonely = _cases(base, layout, files)
    if not partial:
        refuse(base / layout.low, lonely, len(files), remedy="complete the copy, or allow --partial")
    stamps = [f"layout: {layout.name}", *([layout.caution] if layout.caution else [])]
    lack = _lack(benchmark, layout, cases)
    if lack:
        if not partial:
            raise DataError(f"{base / layout.low}: {lack}; complete the copy, or allow --partial")
        stamps.append(f"PARTIAL: {lack}")
    if lonely:
        stamps.append(f"PARTIAL: left out {len(lonely)}: {'; '.join(lonely)}")
    if not cases:
        raise DataError(f"{base / layout.low}: holds nothing of the test split of {benchmark.title}")
    return BenchmarkCopy(layout=layout, cases=cases, stamps=tuple(stamps))


def describe(benchmark: Benchmark, found: BenchmarkCopy) -> TestSet:
    """What reports say of the set."""
    published = tuple({k: v for k, v in asdict(p).items() if v is not None} for p in benchmark.published)
    return TestSet(
        name=benchmark.name,
        title=benchmark.title,
        images=len(found.cases),
        paired=benchmark.paired,
        split=benchmark.split,
        citation=benchmark.citation,
        stamps=found.stamps,
        published=published,
    )


def _find_layout(benchmark: Benchmark, root: Path) -> tuple[Layout, Path]:
    for layout in benchmark.layouts:
        for top in benchmark.tops:
            base = root / top
            if (base / layout.low).is_dir() and (layout.high is None or (base / layout.high).is_dir()):
                return layout, base
    known = " or ".join(layout.shown for layout in benchmark.layouts)
    raise DataError(f"{root}: holds no copy of {benchmark.title}; expected {known}; get it from {benchmark.source}")


def _images(folder: Path, layout: Layout) -> list[Path]:
    """Those of the test split."""
    files = photos_in(folder, recursive=layout.recursive)
    return [path for path in files if key_of(path, layout.rule).startswith(layout.prefix)]


def _cases(base: Path, layout: Layout, files: Sequence[Path]) -> tuple[list[Case], list[str]]:
    """The complete cases, and a clause for each photograph that has no partner."""
    names = {path: path.relative_to(base / layout.low).with_suffix("").as_posix() for path in files}
    if layout.high is None:
        counts = Counter(names.values())
        problems = [f"{path.name} is not the only one of its stem" for path in files if counts[names[path]] > 1]
        return [Case(name=names[path], low=path) for path in files if counts[names[path]] == 1], problems
    partners = _images(base / layout.high, layout)
    matched, problems = match(files, partners, rule=layout.rule)
    return [Case(name=names[path], low=path, high=matched[path]) for path in files if path in matched], problems


def _lack(benchmark: Benchmark, layout: Layout, cases: Sequence[Case]) -> str:
    """What keeps the copy from being complete; "" when nothing does."""
    if benchmark.names:
        there = {case.name for case in cases}
        missing = [name for name in benchmark.names if name not in there]
        strange = sorted(there - set(benchmark.names))
        parts = [f"{len(missing)} of {len(benchmark.names)} missing ({_listed(missing)})"] if missing else []
        parts += [f"{len(strange)} do not belong to it ({_listed(strange)})"] if strange else []
        return ", ".join(parts)
    allowed = layout.counts or benchmark.counts
    if len(cases) in allowed:
        return ""
    return f"{len(cases)} images, but {benchmark.title} has {' or '.join(map(str, allowed))} ({benchmark.split})"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
