"""JSON lines: what is appended is read again, and nothing that else stands in the file gets in the way."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from restorect.errors import RestorectError
from restorect.records import append_record, read_records, rewrite_records

VALUES = st.dictionaries(st.text(), st.integers() | st.text(st.characters()) | st.floats(allow_nan=False))


@settings(deadline=None, max_examples=50)
@given(records=st.lists(VALUES, max_size=5))
def test_what_is_written_is_read(records: list[dict[str, object]], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("records") / "a.jsonl"
    for record in records:
        append_record(path, record, durable=True)
    assert list(read_records(path)) == records
    content = path.read_bytes() if records else b""
    rewrite_records(path, read_records(path))
    assert path.read_bytes() == content


@pytest.mark.parametrize("size", [1, 9, 10])
def test_a_torn_line_costs_no_other(size: int, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    append_record(path, {"a": "bcd"})
    append_record(path, {"a": "efg"})
    path.write_bytes(path.read_bytes()[: len('{"a": "bcd"}\n') + size])
    append_record(path, {"a": 3})
    assert list(read_records(path)) == [{"a": "bcd"}, {"a": 3}]


@pytest.mark.parametrize(
    "line", [b"", b"\0" * 40, b"\xff\xfe", b"[]", b"null", b"3", b'"a"', b"[" * 100_000, b"1" * 10_000, b'{"a": 1} x']
)
def test_a_foreign_line_is_passed_over(line: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a": 1}\n' + line + b'\n{"b": "\\ud800"}\n')
    assert list(read_records(path)) == [{"a": 1}, {"b": "\ud800"}]


def test_no_file_has_no_records(tmp_path: Path) -> None:
    assert list(read_records(tmp_path / "none")) == []
    (tmp_path / "file").touch()
    assert list(read_records(tmp_path / "file" / "none")) == []


def test_a_link_is_followed_if_it_may_be(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    append_record(real, {"a": 1})
    link.symlink_to(real)
    append_record(link, {"a": 2})
    assert list(read_records(link)) == [{"a": 1}, {"a": 2}]
    with pytest.raises(RestorectError, match="is a symbolic link"):
        list(read_records(link, follow=False))
    with pytest.raises(OSError, match="symbolic link"):
        append_record(link, {"a": 3}, follow=False)
    assert [json.loads(line) for line in real.read_text().splitlines()] == [{"a": 1}, {"a": 2}]


def test_durable_waits_for_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = []
    monkeypatch.setattr(os, "fsync", lambda file: synced.append(os.fstat(file).st_size))
    append_record(tmp_path / "a", {"a": 1})
    assert synced == []
    append_record(tmp_path / "a", {"a": 2}, durable=True)
    assert synced == [18], "after the whole line"
