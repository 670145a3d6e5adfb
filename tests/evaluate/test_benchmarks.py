"""The registry of data sets, and recognising copies of them in generated folders of each published layout."""

from dataclasses import replace
from pathlib import Path

import pytest

from restorect.errors import ConfigError, DataError
from restorect.evaluate.benchmarks import BENCHMARKS, find_benchmark
from restorect.evaluate.benchmarks.benchmark import Benchmark, Layout
from restorect.evaluate.benchmarks.detect import describe, detect

LARGEST = 40  # copies with more photos are generated with so many


def capped(counts: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(min(count, LARGEST) for count in counts)


def smaller(benchmark: Benchmark) -> Benchmark:
    layouts = tuple(replace(layout, counts=capped(layout.counts)) for layout in benchmark.layouts)
    return replace(benchmark, counts=capped(benchmark.counts), layouts=layouts)


LAYOUTS = [(b, layout) for b in map(smaller, BENCHMARKS.values()) for layout in b.layouts]


def touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()  # detection looks at names; headers are checked afterwards


def low_names(benchmark: Benchmark, layout: Layout) -> list[str]:
    """Names of degraded photos as that layout has them, with folders."""
    count = (layout.counts or benchmark.counts)[0]
    if benchmark.name == "sid":
        names = [f"{10001 + n // 3}_00_0.{n % 3}s" for n in range(count)] + ["00001_00_0.1s"]  # the last: of training
        return [f"{name[:5]}/{name}" for name in names] if layout.recursive else names
    return list(benchmark.names) or [f"{n:05d}" for n in range(count)]


def high_name(benchmark: Benchmark, low: str) -> str:
    if benchmark.name == "sid":
        return low[: low.rindex("_")] + "_10s"
    return low


def make(benchmark: Benchmark, layout: Layout, root: Path, top: str = "") -> Path:
    extension = ".ARW" if "raw" in layout.name and benchmark.name == "sid" else ".png"
    for name in low_names(benchmark, layout):
        touch(root / top / layout.low / f"{name}{extension}")
        if layout.high:
            touch(root / top / layout.high / f"{high_name(benchmark, name)}{extension}")
    return root


def test_all_fifteen_are_there() -> None:
    assert set(BENCHMARKS) == {
        *("lol-v1", "lol-v2-real", "lol-v2-syn", "sid", "sice-mix", "sice-grad", "uieb", "lsui", "baid", "eyeq"),
        *("dicm", "lime", "mef", "npe", "vv"),
    }


def test_the_numbers_of_photos_are_those_of_the_method() -> None:
    first = {name: benchmark.counts[0] for name, benchmark in BENCHMARKS.items()}
    paired = {"lol-v1": 15, "lol-v2-real": 100, "lol-v2-syn": 100, "sid": 598, "sice-mix": 485, "sice-grad": 485}
    paired |= {"uieb": 178, "lsui": 856, "baid": 368}
    unpaired = {"eyeq": 16249, "dicm": 44, "lime": 10, "mef": 79, "npe": 75, "vv": 24}
    assert first == paired | unpaired
    assert {name for name, benchmark in BENCHMARKS.items() if benchmark.paired} == set(paired)


@pytest.mark.parametrize("benchmark", BENCHMARKS.values(), ids=lambda b: b.name)
def test_each_says_what_a_reader_needs(benchmark: Benchmark) -> None:
    for text in (benchmark.licence, benchmark.source, benchmark.citation, benchmark.split, benchmark.title):
        assert len(text) > 1
    assert all(layout.counts or benchmark.counts for layout in benchmark.layouts)
    assert all((layout.high is not None) == benchmark.paired for layout in benchmark.layouts)
    for figure in benchmark.published:
        assert figure.source
        assert figure.protocol
        assert (figure.psnr is not None) == benchmark.paired
        assert not (figure.comparable and "GT-mean" in figure.protocol)
        assert not (figure.comparable and "authors" in figure.method)


@pytest.mark.parametrize(("benchmark", "layout"), LAYOUTS, ids=lambda x: x.name)
def test_a_complete_copy_of_each_layout_is_recognised(benchmark: Benchmark, layout: Layout, tmp_path: Path) -> None:
    found = detect(benchmark, make(benchmark, layout, tmp_path))
    assert found.layout == layout
    assert len(found.cases) == (layout.counts or benchmark.counts)[0]
    assert len({case.name for case in found.cases}) == len(found.cases)
    assert all((case.high is not None) == benchmark.paired for case in found.cases)
    assert not any("PARTIAL" in stamp for stamp in found.stamps)
    assert (layout.caution in found.stamps) == bool(layout.caution)


@pytest.mark.parametrize(
    ("name", "top"), [("lol-v1", "LOLdataset"), ("lol-v2-syn", "LOLv2"), ("sid", "Sony_total_dark"), ("lsui", "LSUI")]
)
def test_the_folder_that_copies_are_packed_in_is_found(name: str, top: str, tmp_path: Path) -> None:
    benchmark = smaller(find_benchmark(name))
    make(benchmark, benchmark.layouts[0], tmp_path, top)
    assert detect(benchmark, tmp_path).cases == detect(benchmark, tmp_path / top).cases


def test_the_names_of_lol_v2_s_first_edition_are_paired(tmp_path: Path) -> None:
    benchmark = find_benchmark("lol-v2-real")
    for number in range(690, 790):
        touch(tmp_path / f"Real_captured/Test/Low/low{number:05d}.png")
        touch(tmp_path / f"Real_captured/Test/Normal/normal{number:05d}.png")
    cases = detect(benchmark, tmp_path).cases
    assert len(cases) == 100
    assert all(c.low and c.high and c.low.stem[-5:] == c.high.stem[-5:] for c in cases)


def test_an_incomplete_copy_names_what_is_missing_unless_partial(tmp_path: Path) -> None:
    benchmark = find_benchmark("lol-v1")
    make(benchmark, benchmark.layouts[0], tmp_path)
    for name in ("22", "780"):
        for side in ("low", "high"):
            (tmp_path / "eval15" / side / f"{name}.png").unlink()
    with pytest.raises(DataError, match=r"low: 2 of 15 missing \(22, 780\); complete the copy, or allow --partial"):
        detect(benchmark, tmp_path)
    found = detect(benchmark, tmp_path, partial=True)
    assert len(found.cases) == 13
    assert found.stamps[-1] == "PARTIAL: 2 of 15 missing (22, 780)"
    assert describe(benchmark, found).stamps == found.stamps


def test_a_copy_without_known_names_is_counted(tmp_path: Path) -> None:
    benchmark = find_benchmark("baid")
    for number in range(5):
        touch(tmp_path / "input" / f"{number}.jpg")
        touch(tmp_path / "output" / f"{number}.jpg")
    with pytest.raises(DataError, match=r"input: 5 images, but BAID has 368 \(the 368 test pairs\)"):
        detect(benchmark, tmp_path)
    assert "PARTIAL: 5 images, but BAID has 368" in detect(benchmark, tmp_path, partial=True).stamps[-1]


def test_a_lonely_photo_is_named_and_left_out_only_when_partial(tmp_path: Path) -> None:
    benchmark = find_benchmark("lol-v1")
    make(benchmark, benchmark.layouts[0], tmp_path)
    (tmp_path / "eval15/high/55.png").unlink()
    with pytest.raises(DataError, match=r"1 problem\(s\) with 15 images: 55.png has no partner in high"):
        detect(benchmark, tmp_path)
    stamps = detect(benchmark, tmp_path, partial=True).stamps
    assert "PARTIAL: 1 of 15 missing (55)" in stamps
    assert "PARTIAL: left out 1: 55.png has no partner in high" in stamps


def test_the_training_part_is_not_taken_for_the_test_part(tmp_path: Path) -> None:
    benchmark = find_benchmark("lol-v1")
    for number in range(2, 17):
        for side in ("low", "high"):
            touch(tmp_path / side / f"{number}.png")
    with pytest.raises(DataError, match=r"15 of 15 missing .* 15 do not belong to it"):
        detect(benchmark, tmp_path)
    with pytest.raises(DataError, match="holds no copy of LOL-v2-real; expected Real_captured/Test/Low"):
        detect(find_benchmark("lol-v2-real"), tmp_path)


def test_the_original_mef_is_complete_too(tmp_path: Path) -> None:
    for number in range(17):
        touch(tmp_path / "MEF" / f"{number}.png")
    assert len(detect(find_benchmark("mef"), tmp_path).cases) == 17


def test_a_missing_folder_says_where_to_get_the_set(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder; get UIEB from https://li-chongyi"):
        detect(find_benchmark("uieb"), tmp_path / "no")


def test_an_unknown_benchmark() -> None:
    with pytest.raises(ConfigError, match="benchmark 'lol' is unknown; choose one of lol-v1"):
        find_benchmark("lol")


def test_published_figures_travel_with_their_protocol(tmp_path: Path) -> None:
    benchmark = find_benchmark("lol-v1")
    published = describe(benchmark, detect(benchmark, make(benchmark, benchmark.layouts[0], tmp_path))).published
    retinexformer = next(p for p in published if p["method"] == "Retinexformer" and p["comparable"])
    assert (retinexformer["psnr"], retinexformer["ssim"]) == (25.16, 0.845)
    authors = next(p for p in published if "authors" in p["method"])
    assert (authors["psnr"], authors["comparable"]) == (27.85, False)
    assert "niqe" not in authors
