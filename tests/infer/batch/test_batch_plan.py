"""What is found, what outputs are called, and what is refused before any work starts."""

import os
from pathlib import Path

import pytest
from batch_fakes import FakeRestorer, make, settings_of
from hypothesis import given
from hypothesis import strategies as st

from restorect.errors import ConfigError
from restorect.infer.batch import NameTemplate, Naming, OutputError, Plan, plan_batch, run_batch
from restorect.infer.batch import plan as plan_module
from restorect.infer.batch.names import checked


def plan(out: Path, *arguments: object, recursive: bool = False, template: str = "{stem}", **values: object) -> Plan:
    settings = settings_of(**values)
    naming = Naming(task="low-light", size="nano", settings=settings, template=NameTemplate(text=template))
    return plan_batch([str(a) for a in arguments], out, naming, recursive=recursive)


def outputs(result: Plan) -> list[str]:
    return [output for job in result.jobs for output in job.outputs]


def test_files_folders_and_globs(tmp_path: Path) -> None:
    for name in ("b.fake", "a.FAKE", ".hidden.fake", "notes.txt", "deep/c.fake", "deep/er/d.fake", ".git/e.fake"):
        make(tmp_path / "in" / name)
    out, folder = tmp_path / "out", tmp_path / "in"
    assert outputs(plan(out, folder)) == ["a.FAKE", "b.fake"]
    assert outputs(plan(out, folder, recursive=True)) == ["a.FAKE", "b.fake", "deep/c.fake", "deep/er/d.fake"]
    assert outputs(plan(out, folder / "*.fake")) == ["b.fake"]
    assert outputs(plan(out, folder / "**" / "*.fake")) == ["b.fake", "c.fake", "d.fake"]
    assert outputs(plan(out, folder / "b.fake", folder, folder / "*.fake", f"{folder}/deep/../b.fake")) == [
        "b.fake",
        "a.FAKE",
    ]
    assert outputs(plan(out, folder / ".hidden.fake")) == [".hidden.fake"]
    assert not out.exists()


def test_an_existing_name_with_brackets_is_no_glob(tmp_path: Path) -> None:
    make(tmp_path / "a[1].fake")
    make(tmp_path / "a1.fake")
    assert outputs(plan(tmp_path / "out", tmp_path / "a[1].fake")) == ["a[1].fake"]


def test_arguments_that_lead_nowhere_are_failures_and_the_rest_goes_on(tmp_path: Path) -> None:
    make(tmp_path / "a.fake")
    (tmp_path / "empty").mkdir()
    (tmp_path / "loop.fake").symlink_to(tmp_path / "loop.fake")
    os.mkfifo(tmp_path / "pipe.fake")
    text = make(tmp_path / "text.fake")
    text.write_text("hello")
    arguments = ("a.fake", "missing.fake", "*.none", "empty", "loop.fake", "pipe.fake", "text.fake", "nu\0ll")
    result = plan(tmp_path / "out", *(f"{tmp_path}/{a}" for a in arguments))
    assert outputs(result) == ["a.fake"]
    reasons = {Path(failure.path).name: failure.reason for failure in result.failures}
    assert set(reasons) == set(arguments) - {"a.fake"}
    for name, words in {
        "missing.fake": "no such file",
        "*.none": "matches no file",
        "empty": "holds no photographs",
        "loop.fake": "in a circle",
        "pipe.fake": "not a regular file",
        "text.fake": "is not a photo",
        "nu\0ll": "null character",
    }.items():
        assert words in reasons[name]


def test_loops_of_folders_end(tmp_path: Path) -> None:
    make(tmp_path / "in" / "a.fake")
    make(tmp_path / "in" / "deep" / "b.fake")
    (tmp_path / "in" / "deep" / "up").symlink_to(tmp_path / "in")
    make(tmp_path / "far" / "c.fake")
    (tmp_path / "in" / "far").symlink_to(tmp_path / "far")
    assert outputs(plan(tmp_path / "out", tmp_path / "in", recursive=True)) == ["a.fake", "deep/b.fake"]


def test_the_output_folder_inside_the_input_folder_is_not_searched(tmp_path: Path) -> None:
    make(tmp_path / "a.fake")
    make(tmp_path / "out" / "old.fake")
    assert outputs(plan(tmp_path / "out", tmp_path, recursive=True)) == ["a.fake"]


@pytest.mark.parametrize(
    "name",
    [
        "two\nlines.fake",
        "moon🌙.fake",
        "-rf.fake",
        "--force.fake",
        "a" * 250 + ".fake",
        "x\udcff.fake",
        "{stem}.fake",
        " .fake",
    ],
)
def test_strange_names_come_out_as_they_are(tmp_path: Path, name: str) -> None:
    source = make(tmp_path / "in" / name)
    result = plan(tmp_path / "out", tmp_path / "in")
    assert outputs(result) == [name]
    for restored, skipped in ((1, 0), (0, 1)):
        summary = run_batch(result, FakeRestorer)
        assert (summary.restored, summary.skipped) == (restored, skipped)
    assert (tmp_path / "out" / name).exists()
    source.write_bytes(b"FAKE!BAD")
    (failure,) = run_batch(result, FakeRestorer).failures
    assert str(failure).isprintable()
    assert str(failure).endswith(": is damaged; get it again")


def test_a_name_too_long_for_its_suffix_fails_alone(tmp_path: Path) -> None:
    make(tmp_path / "in" / ("a" * 250 + ".fake"))
    make(tmp_path / "in" / "b.fake")
    result = plan(tmp_path / "out", tmp_path / "in", template="{stem}_restored")
    assert outputs(result) == ["b_restored.fake"]
    assert "264 bytes" in result.failures[0].reason


def test_two_photos_never_become_one_file(tmp_path: Path) -> None:
    a, b = make(tmp_path / "1" / "x.fake"), make(tmp_path / "2" / "x.fake")
    with pytest.raises(ConfigError, match="several photos would become one file") as caught:
        plan(tmp_path / "out", a, b)
    assert str(a) in str(caught.value)
    assert str(b) in str(caught.value)
    assert "--name-template" in str(caught.value)
    assert not (tmp_path / "out").exists()
    assert outputs(plan(tmp_path / "out", a, b, template="{parent}-{stem}")) == ["1-x.fake", "2-x.fake"]
    assert outputs(plan(tmp_path / "out", tmp_path, recursive=True)) == ["1/x.fake", "2/x.fake"]


@pytest.mark.parametrize("way", ["same folder", "link to folder", "hard link", "soft link"])
def test_an_input_is_never_an_output(tmp_path: Path, way: str) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    source = make(folder / "a.fake")
    if way == "same folder":
        out = folder
    elif way == "link to folder":
        out.symlink_to(folder)
    else:
        out.mkdir()
        (out / "a.fake").hardlink_to(source) if way == "hard link" else (out / "a.fake").symlink_to(source)
    with pytest.raises(ConfigError, match="an input would be replaced"):
        plan(out, source)


def test_the_template_s_fields(tmp_path: Path) -> None:
    for name in ("in/a.fake", "in/b.c.fake"):
        make(tmp_path / name)
    template = "{task}/{size}/{parent}_{index:03d}_{stem}_s{seed}"
    assert outputs(plan(tmp_path / "out", tmp_path / "in", template=template, seed=7)) == [
        "low-light/nano/in_001_a_s7.fake",
        "low-light/nano/in_002_b.c_s7.fake",
    ]
    assert outputs(plan(tmp_path / "out", tmp_path / "in" / "a.fake", samples=2)) == ["a-1.fake", "a-2.fake"]
    sampled = plan(tmp_path / "out", tmp_path / "in" / "a.fake", template="v{sample:02d}/{stem}", samples=2)
    assert outputs(sampled) == ["v01/a.fake", "v02/a.fake"]


@pytest.mark.parametrize(
    "text",
    [
        *("../{stem}", "/tmp/{stem}", "{stem}/../../x", "a//{stem}", "{stem}/", "", "{stem", "./{stem}", "\0{stem}"),
        *("{0}", "{}", "{name}", "{stem!r}", "{stem:>99}", "{stem.__class__}", "{index:1000000000d}"),
        "{index:{seed}d}",
    ],
)
def test_a_template_that_leads_out_or_is_not_understood(text: str) -> None:
    with pytest.raises(ConfigError, match="--name-template"):
        NameTemplate(text=text)


@pytest.mark.parametrize("part", ["{stem:>99}", "{stem!r}", "{index:1000000000d}"])
def test_what_is_not_understood_is_named_whole(part: str) -> None:
    with pytest.raises(ConfigError) as caught:
        NameTemplate(text=f"a{part}")
    assert f": {part} is not understood; allowed are {{stem}}" in str(caught.value)


def test_a_rendered_name_that_leads_out_fails_alone(tmp_path: Path) -> None:
    make(tmp_path / "in" / "...fake")
    make(tmp_path / "in" / "b.fake")
    result = plan(tmp_path / "out", tmp_path / "in" / "...fake", tmp_path / "in", template="{stem}/{stem}")
    assert outputs(result) == ["b/b.fake"]
    assert "leave the output folder" in result.failures[0].reason


@given(st.text(alphabet="a./\\", max_size=12))
def test_a_checked_name_lies_inside(name: str) -> None:
    try:
        good = checked(name)
    except OutputError:
        return
    assert os.path.normpath(os.path.join("/out", good)).startswith("/out/")


def test_the_manifest_is_no_photo_s_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path / "in" / "restorect-manifest.fake")
    monkeypatch.setattr(plan_module, "MANIFEST_NAME", "restorect-manifest.fake")  # its real ending is no photo's
    with pytest.raises(ConfigError, match="manifest"):
        plan(tmp_path / "out", tmp_path / "in")
