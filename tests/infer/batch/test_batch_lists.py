"""Work lists: what they name, which tree the outputs get, and what is wrong with a line."""

import csv
import io
import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from batch_fakes import FakeRestorer, make, settings_of
from hypothesis import given
from hypothesis import strategies as st

from restorect.errors import ConfigError
from restorect.infer.batch import Event, Naming, Plan, Restored, Source, plan_batch, run_batch
from restorect.infer.batch.failures import Failure
from restorect.infer.batch.lists import Line, listed_sources, read_list

NAMES = st.lists(
    st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")
    ).filter(str.strip),
    min_size=1,
)


def plan(out: Path, lines: Sequence[Line], *arguments: object) -> Plan:
    naming = Naming(task="low-light", size="nano", settings=settings_of())
    return plan_batch([str(a) for a in arguments], out, naming, lines=lines)


def outputs(result: Plan) -> list[str]:
    return [output for job in result.jobs for output in job.outputs]


@given(NAMES)
def test_every_kind_gives_back_the_names_that_were_written(names: list[str]) -> None:
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerows([["size", "path"], *([1, name] for name in names)])
    kinds = {
        "list.txt": "\n".join(names).encode(),
        "print0": b"".join(name.encode() + b"\0" for name in names),
        "list.csv": table.getvalue().encode(),
        "list.jsonl": "\n".join(json.dumps({"path": name}) for name in names).encode(),
        "list.ndjson": "\n".join(json.dumps(name) for name in names).encode(),
    }
    for name, content in kinds.items():
        assert list(read_list(content, name)) == names, name


def test_names_that_are_no_utf_8_and_line_ends_of_windows_come_through() -> None:
    assert list(read_list(b"caf\xe9.jpg\r\n\r\nb.jpg", "list")) == [os.fsdecode(b"caf\xe9.jpg"), "b.jpg"]
    assert list(read_list(b"\xef\xbb\xbfpath\r\na.jpg\r\n", "a.CSV")) == ["a.jpg"]
    assert list(read_list(b"\xef\xbb\xbfa.jpg\r\nb.jpg", "a.txt")) == ["a.jpg", "b.jpg"]


@pytest.mark.parametrize(
    "content",
    [
        b"a.jpg\nb, c.jpg\n",
        b"a.jpg\0b, c.jpg\0",
        b'size,path\r\n1,a.jpg\r\n2,"b, c.jpg"\r\n',
        b'\xef\xbb\xbfpath\na.jpg\n"b, c.jpg"\n',
        b'"a.jpg"\n{"path": "b, c.jpg"}\n',
        b'{"size": 1, "path": "a.jpg"}\n"b, c.jpg"',
    ],
)
def test_a_list_without_a_name_is_known_by_its_first_line(content: bytes) -> None:
    assert list(read_list(content, "standard input", piped=True)) == ["a.jpg", "b, c.jpg"]


def test_a_piped_table_and_inventory_are_known() -> None:
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    sink = io.BytesIO()
    parquet.write_table(pa.table({"path": ["a.jpg", "b.jpg"]}), sink)
    assert list(read_list(sink.getvalue(), "standard input", piped=True)) == ["a.jpg", "b.jpg"]
    with pytest.raises(ConfigError, match="is no manifest of an S3 Inventory"):
        list(read_list(b'{\n "fileSchema": 1, "sourceBucket": 1}', "standard input", piped=True))


@pytest.mark.parametrize("first", ['"a".jpg', "{a}.jpg", "17.jpg", "my path, long.jpg", "[" * 99999])
def test_a_piped_text_may_hold_any_name(first: str) -> None:
    assert list(read_list(f"{first}\nb.jpg".encode(), "standard input", piped=True)) == [first, "b.jpg"]


def test_broken_lines_are_failures_that_name_them_and_the_rest_goes_on(tmp_path: Path) -> None:
    photo = make(tmp_path / "a.fake")
    content = b'"nu\\u0000ll"\n{"path": 3}\n{nothing\n"half\\ud800"\n\n' + json.dumps(str(photo)).encode()
    result = plan(tmp_path / "out", list(read_list(content, "l.jsonl")))
    assert outputs(result) == ["a.fake"]
    assert [failure.path for failure in result.failures] == ["nu\0ll", "l.jsonl:2", "l.jsonl:3", "'half\\ud800'"]
    rows = list(read_list(b"name,path\nx,\ny,b.fake\n", "l.csv"))
    assert rows == [Failure("l.csv:2", "this line has no path"), "b.fake"]


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (b"", "l.txt", "l.txt: names no photographs"),
        (b"\n \r\n", "l.csv", "names no photographs"),
        (b"file,size\na,1\n", "l.csv", r"has no column 'path' \(it has: file, size\)"),
    ],
)
def test_what_is_no_list_is_one_line(content: bytes, name: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        list(read_list(content, name))


def test_outputs_keep_the_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("here/a.fake", "here/2024/a.fake", "there/deep/a.fake", "there/deep/er/a.fake"):
        make(tmp_path / name)
    monkeypatch.chdir(tmp_path / "here")
    named = ["a.fake", "./2024/a.fake", f"{tmp_path}/there/deep/er/a.fake", "../there/deep/../b/a.fake"]
    folders = [source.folder for source in listed_sources(named).sources]
    assert folders == ["", "2024", "deep/er", "b"]
    assert outputs(plan(tmp_path / "out", named[:2])) == ["a.fake", "2024/a.fake"]
    with pytest.raises(ConfigError, match="several photos would become one file"):
        plan(tmp_path / "out", named[:3])


def test_each_photo_counts_once_and_old_outputs_are_no_inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = make(tmp_path / "a.fake"), make(tmp_path / "b.fake")
    (tmp_path / "link").symlink_to(tmp_path)
    named = [str(second), f"{tmp_path}/link/b.fake", str(first), str(second)]
    result = plan(tmp_path / "out", named, first)
    assert outputs(result) == ["a.fake", "b.fake"]  # what stands on the command line comes first
    assert result.others["repeated name"] == 2
    found = listed_sources([str(first), str(second)], apart_from={os.path.realpath(second)})
    assert ([source.path for source in found.sources], found.passed_over) == ([first], (str(second),))


def test_what_is_gone_and_what_is_a_folder_are_failures(tmp_path: Path) -> None:
    make(tmp_path / "in" / "a.fake")
    """Of the run: a list is planned without a look at any file."""
    named = [f"{tmp_path}/in/a.fake", f"{tmp_path}/gone.fake", f"{tmp_path}/in", f"{tmp_path}/in.fake"]
    (tmp_path / "in.fake").mkdir()
    result = plan(tmp_path / "out", named)
    assert (len(result.jobs), [Path(failure.path).name for failure in result.failures]) == (3, ["in"])  # tells no kind
    summary = run_batch(result, FakeRestorer)
    assert summary.restored == 1
    assert {Path(failure.path).name: failure.reason for failure in summary.failures} == {
        "gone.fake": "there is no such file; check the spelling",
        "in": "is not a regular file; give a photo's file",
        "in.fake": "is not a regular file; give a photo's file",
    }


def test_a_list_is_planned_without_opening_what_a_name_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = [str(make(tmp_path / name)) for name in ("a.fake", "b.mock", "key")]
    opened: list[str] = []
    whole = Source.read
    monkeypatch.setattr(Source, "read", lambda self, most=None: opened.append(self.path.name) or whole(self, most))
    assert outputs(plan(tmp_path / "out", named)) == ["a.fake", "b.mock", "key.fake"]
    assert opened == ["key"]


def test_a_wrong_name_is_kept_and_told(tmp_path: Path) -> None:
    photo = make(tmp_path / "a.fake")
    photo.rename(tmp_path / "a.mock")
    events: list[Event] = []
    run_batch(plan(tmp_path / "out", [f"{tmp_path}/a.mock"]), FakeRestorer, on_event=events.append)
    (restored,) = (event for event in events if isinstance(event, Restored))
    assert restored.outputs == ("a.mock",)
    assert restored.warnings == ("is fake, though its name says mock; written as mock",)
