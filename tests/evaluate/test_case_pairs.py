"""Which files are judged together; each mistake is named and counted."""

from pathlib import Path

import numpy as np
import pytest
from evaluate_makers import picture, save, write_set

from restorect.errors import DataError
from restorect.evaluate.cases import Case, check_headers, key_of, match, paired, unpaired, with_outputs


def cases_of(root: Path) -> list[Case]:
    return paired(root / "low", root / "high")


def test_pairs_are_found_by_stem_whatever_their_format(tmp_path: Path) -> None:
    write_set(tmp_path, ["b", "a"])
    (tmp_path / "high" / "a.png").rename(tmp_path / "high" / "a.webp")
    found = cases_of(tmp_path)
    assert [(case.name, case.low.suffix, case.high.suffix) for case in found if case.low and case.high] == [
        ("a", ".png", ".webp"),
        ("b", ".png", ".png"),
    ]
    assert check_headers(found) == 0  # the content decides, not the name


def test_unpaired_files_on_both_sides_are_named_and_counted(tmp_path: Path) -> None:
    write_set(tmp_path, ["a", "b", "c"])
    (tmp_path / "high" / "b.png").unlink()
    save(tmp_path / "high" / "z.png", picture(9))
    with pytest.raises(DataError, match=r"2 problem\(s\) with 3 images: b.png has no partner in high; z.png of high"):
        cases_of(tmp_path)


def test_two_files_of_one_stem_are_a_problem(tmp_path: Path) -> None:
    write_set(tmp_path, ["a"])
    save(tmp_path / "low" / "a.jpg", picture(1))
    with pytest.raises(DataError, match=r"a.png and a.jpg stand for the same photo 'a'"):
        cases_of(tmp_path)


def test_many_problems_are_counted_and_five_named(tmp_path: Path) -> None:
    write_set(tmp_path, [f"p{number}" for number in range(9)])
    for path in (tmp_path / "high").iterdir():
        if path.stem != "p0":
            path.unlink()
    with pytest.raises(DataError, match=r"8 problem\(s\) with 9 images: .*; and 3 more; repair") as error:
        cases_of(tmp_path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("make", [True, False])
def test_an_empty_or_missing_folder(make: bool, tmp_path: Path) -> None:
    write_set(tmp_path, ["a"], high=None)
    if make:
        (tmp_path / "high").mkdir()
    with pytest.raises(DataError, match="holds no image" if make else "no such folder"):
        cases_of(tmp_path)


def test_sizes_that_differ(tmp_path: Path) -> None:
    write_set(tmp_path, ["a", "b"])
    save(tmp_path / "low" / "b.png", picture(1, 20, 32))
    with pytest.raises(DataError, match=r"1 problem\(s\) with 2 images: low/b.png is 32x20, but high/b.png is 32x24"):
        check_headers(cases_of(tmp_path))


def test_a_file_that_is_no_image(tmp_path: Path) -> None:
    write_set(tmp_path, ["a", "b"])
    (tmp_path / "high" / "a.png").write_text("hello")
    with pytest.raises(DataError, match=r"1 problem\(s\).*a.png"):
        check_headers(cases_of(tmp_path))


def test_sixteen_bit_ground_truth_beside_eight_bit_is_refused_unless_allowed(tmp_path: Path) -> None:
    write_set(tmp_path, ["a", "b"])
    save(tmp_path / "high" / "a.png", picture(0).astype(np.uint16) * 257)
    with pytest.raises(DataError, match=r"low/a.png has 8 bit but high/a.png has 16 bit; .*--mixed-depth"):
        check_headers(cases_of(tmp_path))
    assert check_headers(cases_of(tmp_path), mixed_depth=True) == 1


def test_outputs_are_found_by_the_name_of_the_photo_or_of_the_truth(tmp_path: Path) -> None:
    save(tmp_path / "low" / "low1.png", picture(0))
    save(tmp_path / "high" / "normal1.png", picture(0))
    (case,) = [Case(name="low1", low=tmp_path / "low/low1.png", high=tmp_path / "high/normal1.png")]
    for stem in ("low1", "normal1"):
        output = save(tmp_path / stem / f"{stem}.jpg", picture(0))
        assert with_outputs([case], tmp_path / stem)[0].output == output


def test_missing_and_surplus_outputs_are_named(tmp_path: Path) -> None:
    write_set(tmp_path, ["a", "b"])
    save(tmp_path / "out" / "a.png", picture(0))
    save(tmp_path / "out" / "b_ours.png", picture(1))
    with pytest.raises(DataError, match=r"2 problem\(s\) with 2 images: b_ours.png belongs to no photo; b has no out"):
        with_outputs(cases_of(tmp_path), tmp_path / "out")


def test_outputs_of_another_size_are_refused(tmp_path: Path) -> None:
    write_set(tmp_path, ["a"])
    save(tmp_path / "out" / "a.png", picture(0, 24, 30))
    with pytest.raises(DataError, match=r"low/a.png is 32x24, but out/a.png is 30x24"):
        check_headers(with_outputs(cases_of(tmp_path), tmp_path / "out"))


def test_photos_without_ground_truth(tmp_path: Path) -> None:
    write_set(tmp_path, ["a", "b"], high=None)
    assert [(case.name, case.high) for case in unpaired(tmp_path / "low")] == [("a", None), ("b", None)]
    save(tmp_path / "low" / "a.jpg", picture(1))
    with pytest.raises(DataError, match="same photo 'a'"):
        unpaired(tmp_path / "low")


@pytest.mark.parametrize(
    ("path", "rule", "key"),
    [
        ("x/low00690.png", "digits", "00690"),
        ("x/normal00690.png", "digits", "00690"),
        ("x/10003_00_0.04s.ARW", "scene", "10003"),
        ("short/10003/7.png", "scene", "10003"),
        ("x/a.b.png", "stem", "a.b"),
    ],
)
def test_keys(path: str, rule: str, key: str) -> None:
    assert key_of(Path(path), rule) == key  # type: ignore[arg-type]


def test_several_exposures_share_the_truth_of_their_scene() -> None:
    shorts = [Path(f"short/10003_00_{seconds}s.png") for seconds in ("0.04", "0.1")]
    longs = [Path("long/10003_00_10s.png")]
    assert match(shorts, longs, rule="scene") == (dict.fromkeys(shorts, longs[0]), [])
    _, problems = match(shorts, [*longs, Path("long/10003_00_30s.png")], rule="scene")
    assert problems == ["10003_00_30s.png and 10003_00_10s.png stand for the same photo '10003'"]


def test_progress_is_told(tmp_path: Path) -> None:
    write_set(tmp_path, ["a", "b"])
    told: list[tuple[int, int, str]] = []
    check_headers(cases_of(tmp_path), on_progress=lambda *now: told.append(now))
    assert told == [(0, 2, "checking"), (1, 2, "checking")]
