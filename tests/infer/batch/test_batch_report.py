"""Reports: rows and figures of known records."""

import json
from pathlib import Path

import pytest
from batch_fakes import FakeRestorer, make, settings_of

from restorect.errors import ConfigError
from restorect.infer.batch import Naming, Part, Source, plan_batch, run_batch
from restorect.infer.batch.manifest import Manifest, ManifestEntry
from restorect.infer.batch.part import WHOLE
from restorect.infer.batch.report import report, write_report


def note(out: Path, name: str, time: float, part: Part = WHOLE, **values: object) -> None:
    made = {"status": "done", "outputs": {name: "1"}, "seconds": 2.0} | values
    Manifest(out, part).append(ManifestEntry(input=f"/in/{name}", time=time, **made))


def test_figures_of_known_records(tmp_path: Path) -> None:
    """Two workers at once from 98 to 101 (three seconds, four of work), and one from 198 to 200, a pause later."""
    note(tmp_path, "a", 100, Part(1, 2))
    note(tmp_path, "b", 101, Part(2, 2), task="none")
    note(tmp_path, "c", 200)
    note(tmp_path, "d", 150, status="failed", outputs={}, seconds=0.0, error="is damaged")
    note(tmp_path, "e", 150, Part(1, 2), status="failed", outputs={}, seconds=0.0, error="is damaged")
    note(tmp_path, "f", 150, status="writing")
    rows, totals = report(tmp_path, [Source(path=Path(f"/in/{name}")) for name in "abcdefg"])
    assert (totals.done, totals.unchanged, totals.failed, totals.left) == (3, 1, 2, 2)
    assert dict(totals.reasons) == {"is damaged": 2}
    assert (totals.seconds, totals.busy, totals.photos_a_second) == (6, 5, 0.6)
    assert {row["path"]: row["status"] for row in rows} == {
        **dict.fromkeys(("/in/a", "/in/b", "/in/c"), "done"),
        **dict.fromkeys(("/in/d", "/in/e"), "failed"),
        **dict.fromkeys(("/in/f", "/in/g"), "left"),
    }
    assert report(tmp_path)[1].left == 0


def test_each_photo_counts_as_it_was_last(tmp_path: Path) -> None:
    note(tmp_path, "a", 100, Part(1, 2), status="failed", outputs={}, error="gone")
    note(tmp_path, "a", 200)
    note(tmp_path, "b", 300, Part(1, 2))
    note(tmp_path, "b", 200, status="failed", outputs={}, error="gone")
    totals = report(tmp_path)[1]
    assert (totals.done, totals.failed, totals.exit_code) == (2, 0, 0)


def test_both_kinds_of_files_say_the_same(tmp_path: Path) -> None:
    names = [str(make(tmp_path / f"{n}.fake", b"!BAD" if n % 5 == 0 else b"ok")) for n in range(20)]
    naming = Naming(task="low-light", size="fake", settings=settings_of())
    for number in (1, 2, 3):
        run_batch(plan_batch([], tmp_path / "out", naming, lines=names, part=Part(number, 3)), FakeRestorer)
    rows, totals = report(tmp_path / "out")
    assert (totals.done, totals.failed, totals.exit_code) == (16, 4, 1)
    write_report(rows, tmp_path / "r.jsonl")
    assert [json.loads(line) for line in (tmp_path / "r.jsonl").read_text().splitlines()] == rows
    assert sorted(row["path"] for row in rows) == sorted(names)
    assert all(row["outputs"] == [Path(row["path"]).name] for row in rows if row["status"] == "done")
    parquet = pytest.importorskip("pyarrow.parquet")
    write_report(rows, tmp_path / "r.parquet")
    assert parquet.read_table(tmp_path / "r.parquet").to_pylist() == rows


def test_requests_that_cannot_be_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="holds no record of a batch"):
        report(tmp_path / "none")
    note(tmp_path, "a", 1)
    rows, _ = report(tmp_path)
    with pytest.raises(ConfigError, match=r"r\.xlsx: a report is \.jsonl or \.parquet"):
        write_report(rows, tmp_path / "r.xlsx")
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(ConfigError, match="needs pyarrow: pip install pyarrow"):
        write_report(rows, tmp_path / "r.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["restorect-manifest.jsonl"]
