"""Names that differ where they must, and stay what they were when a folder grows or shrinks."""

from pathlib import Path

import pytest
from batch_fakes import FakeRestorer, expected, make, settings_of

from restorect.errors import ConfigError
from restorect.infer.batch import (
    NameTemplate,
    Naming,
    Plan,
    RestoreSettings,
    Source,
    plan_batch,
    plan_sources,
    run_batch,
)

SETTINGS = RestoreSettings()


def plan(folder: Path, template: str = "{stem}", **values: object) -> Plan:
    """A plan for all photos in `in`, towards `out`."""
    settings = settings_of(**values)
    naming = Naming(task="low-light", size="nano", settings=settings, template=NameTemplate(text=template))
    return plan_batch([str(folder / "in")], folder / "out", naming)


def names(result: Plan) -> dict[str, tuple[str, ...]]:
    return {job.source.path.name: job.outputs for job in result.jobs}


def run(folder: Path, template: str = "{stem}", **values: object) -> dict[str, tuple[str, ...]]:
    """Plan and do it; the names."""
    result = plan(folder, template, **values)
    run_batch(result, FakeRestorer)
    return names(result)


def fill(folder: Path, *photos: str) -> None:
    for name in photos:
        make(folder / "in" / name, name.encode())


def test_photos_that_differ_in_their_endings_both_get_a_name(tmp_path: Path) -> None:
    fill(tmp_path, "IMG_1.mock", "IMG_1.fake", "IMG_2.mock", "deep.IMG.fake", "deep.IMG.mock")
    wanted = {
        "IMG_1.fake": ("IMG_1.fake",),
        "IMG_1.mock": ("IMG_1-mock.fake",),
        "IMG_2.mock": ("IMG_2.fake",),
        "deep.IMG.fake": ("deep.IMG.fake",),
        "deep.IMG.mock": ("deep.IMG-mock.fake",),
    }
    assert run(tmp_path, format="fake") == wanted
    for name, (output,) in wanted.items():
        assert (tmp_path / "out" / output).read_bytes() == expected(tmp_path / "in" / name)
    again = plan(tmp_path, format="fake")
    assert names(again) == wanted
    summary = run_batch(again, FakeRestorer)
    assert (summary.restored, summary.skipped) == (0, 5)


def test_neither_is_called_so_and_the_first_keeps_the_name(tmp_path: Path) -> None:
    fill(tmp_path, "a.fake", "a.mock")
    assert run(tmp_path, format="png", samples=2) == {
        "a.fake": ("a-1.png", "a-2.png"),
        "a.mock": ("a-mock-1.png", "a-mock-2.png"),
    }


def test_a_map_of_uncertainty_is_told_apart_too(tmp_path: Path) -> None:
    fill(tmp_path, "a.fake", "a.mock")
    assert names(plan(tmp_path)) == {"a.fake": ("a.fake",), "a.mock": ("a.mock",)}
    assert names(plan(tmp_path, uncertainty=True)) == {
        "a.fake": ("a.fake", "a-uncertainty.png"),
        "a.mock": ("a-mock.mock", "a-mock-uncertainty.png"),
    }


@pytest.mark.parametrize("first", ["a.fake", "a.mock"])
def test_a_photo_keeps_the_name_it_had_when_its_sibling_arrives(tmp_path: Path, first: str) -> None:
    fill(tmp_path, first)
    assert run(tmp_path, format="fake") == {first: ("a.fake",)}
    second = {"a.fake": "a.mock", "a.mock": "a.fake"}[first]
    fill(tmp_path, second)
    ending = second.rpartition(".")[2]
    assert run(tmp_path, format="fake") == {first: ("a.fake",), second: (f"a-{ending}.fake",)}
    assert (tmp_path / "out" / "a.fake").read_bytes() == expected(tmp_path / "in" / first)


def test_a_photo_keeps_the_name_it_had_when_its_sibling_leaves(tmp_path: Path) -> None:
    fill(tmp_path, "a.fake", "a.mock")
    run(tmp_path, format="fake")
    kept = (tmp_path / "out" / "a.fake").read_bytes()
    (tmp_path / "in" / "a.fake").unlink()
    assert run(tmp_path, format="fake") == {"a.mock": ("a-mock.fake",)}
    assert (tmp_path / "out" / "a.fake").read_bytes() == kept


def test_a_name_that_a_third_photo_has_is_not_taken(tmp_path: Path) -> None:
    fill(tmp_path, "a.fake", "a.mock", "a-mock.fake", "a-mock-2.fake")
    assert names(plan(tmp_path, format="fake")) == {
        "a.fake": ("a.fake",),
        "a.mock": ("a-mock-3.fake",),
        "a-mock.fake": ("a-mock.fake",),
        "a-mock-2.fake": ("a-mock-2.fake",),
    }


def test_where_the_template_cannot_tell_them_apart_it_is_an_error(tmp_path: Path) -> None:
    fill(tmp_path, "a.fake", "a.mock")
    with pytest.raises(ConfigError, match="several photos would become one file"):
        plan(tmp_path, "{parent}", format="fake")
    assert names(plan(tmp_path, "{index}", format="fake")) == {"a.fake": ("1.fake",), "a.mock": ("2.fake",)}
    fill(tmp_path, "b.fake")
    assert len(names(plan(tmp_path, "x/{stem}", format="fake"))) == 3


def test_a_name_too_long_for_its_ending_is_an_error_and_no_traceback(tmp_path: Path) -> None:
    fill(tmp_path, "a" * 250 + ".fake", "a" * 250 + ".mock")
    with pytest.raises(ConfigError, match="several photos would become one file"):
        plan(tmp_path, format="fake")


def test_photos_of_other_folders_are_no_siblings(tmp_path: Path) -> None:
    a, b = make(tmp_path / "1" / "x.fake"), make(tmp_path / "2" / "x.mock")
    naming = Naming(task="low-light", size="nano", settings=settings_of(format="fake"))
    with pytest.raises(ConfigError, match="several photos would become one file"):
        plan_batch([str(a), str(b)], tmp_path / "out", naming)


@pytest.mark.parametrize(
    "template", ["{index:04d}", "{index}-{stem}", "{stem}-{index:02d}", "{task}/{parent}_{index}_s{seed}"]
)
@pytest.mark.parametrize("samples", [1, 2])
def test_a_number_stays_with_its_photo_when_the_folder_grows(tmp_path: Path, template: str, samples: int) -> None:
    fill(tmp_path, "b.fake", "d.fake", "f-7.fake")
    first = run(tmp_path, template, samples=samples)
    fill(tmp_path, "a.fake", "c.fake", "e-1.fake")
    second = run(tmp_path, template, samples=samples)
    assert {name: second[name] for name in first} == first
    numbers = [job.outputs[0] for job in plan(tmp_path, template, samples=samples).jobs]
    assert len(set(numbers)) == 6
    for name, output in {"a.fake": 4, "c.fake": 5, "e-1.fake": 6}.items():
        rendered = NameTemplate(text=template).render(
            stem=name[:-5], parent="in", index=output, task="low-light", size="nano", seed=0, sample=1
        )
        assert second[name][0].startswith(rendered)
    summary = run_batch(plan(tmp_path, template, samples=samples), FakeRestorer)
    assert summary.skipped == 6


def test_the_number_of_a_photo_that_left_is_not_given_away(tmp_path: Path) -> None:
    fill(tmp_path, "a.fake", "b.fake", "c.fake")
    run(tmp_path, "{index}")
    kept = (tmp_path / "out" / "2.fake").read_bytes()
    (tmp_path / "in" / "b.fake").unlink()
    fill(tmp_path, "d.fake")
    assert run(tmp_path, "{index}") == {"a.fake": ("1.fake",), "c.fake": ("3.fake",), "d.fake": ("4.fake",)}
    assert (tmp_path / "out" / "2.fake").read_bytes() == kept


def test_an_interrupted_run_goes_on_with_the_numbers_it_began_with(tmp_path: Path) -> None:
    fill(tmp_path, "a.fake", "b.fake", "c.fake", "d.fake")
    (tmp_path / "in" / "b.fake").write_bytes(b"FAKE!BAD")
    assert run(tmp_path, "{index}")["d.fake"] == ("4.fake",)
    assert not (tmp_path / "out" / "2.fake").exists()
    make(tmp_path / "in" / "b.fake", b"mended")
    assert run(tmp_path, "{index}") == {f"{letter}.fake": (f"{at}.fake",) for at, letter in enumerate("abcd", start=1)}


def test_other_templates_and_other_folders_do_not_count(tmp_path: Path) -> None:
    fill(tmp_path, "a.fake", "b.fake")
    run(tmp_path, "x{index}")
    fill(tmp_path, "0.fake")
    assert run(tmp_path, "y{index}") == {"0.fake": ("y1.fake",), "a.fake": ("y2.fake",), "b.fake": ("y3.fake",)}
    naming = Naming(task="t", size="s", settings=SETTINGS, template=NameTemplate(text="x{index}"))
    elsewhere = plan_batch([str(tmp_path / "in")], tmp_path / "new", naming)
    assert [job.outputs for job in elsewhere.jobs] == [("x1.fake",), ("x2.fake",), ("x3.fake",)]


def test_what_comes_through_a_pipe_keeps_its_number_too(tmp_path: Path) -> None:
    fill(tmp_path, "a.fake")
    naming = Naming(task="t", size="s", settings=SETTINGS, template=NameTemplate(text="{index}"))
    piped = Source(path=Path("stdin.fake"), data=b"FAKEnight")
    for _ in range(2):
        first = plan_sources([piped, Source(path=tmp_path / "in" / "a.fake")], tmp_path / "out", naming)
        assert [job.outputs for job in first.jobs] == [("1.fake",), ("2.fake",)]
        run_batch(first, FakeRestorer)
    turned = plan_sources([Source(path=tmp_path / "in" / "a.fake"), piped], tmp_path / "out", naming)
    assert [job.outputs for job in turned.jobs] == [("2.fake",), ("1.fake",)]
