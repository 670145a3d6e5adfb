"""Work lists that stores and tables write: S3 Inventory as CSV, ORC and Parquet, and Parquet lists."""

import gzip
import io
import json
import sys

import pytest

from restorect.errors import ConfigError
from restorect.infer.batch.failures import Failure
from restorect.infer.batch.inventory import read_inventory
from restorect.infer.batch.lists import read_list
from restorect.infer.batch.sources import Refused, Source

FROZEN = "is frozen in an archive tier, says the inventory; have it restored by its store, then give --retry-failed"
ICE = "s3://photos/2024/ice.jpg"
SCHEMA = "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, StorageClass"
ROWS = [
    ("photos", "2024/a b.jpg", "v1", "true", "false", "9", "STANDARD"),
    ("photos", "2024/ü+1.JPG", "v1", "true", "false", "9", "GLACIER_IR"),
    ("photos", "2024/old.jpg", "v1", "false", "false", "9", "STANDARD"),
    ("photos", "2024/dead.jpg", "v2", "true", "true", "", ""),
    ("photos", "2024/ice.jpg", "v1", "true", "false", "9", "DEEP_ARCHIVE"),
    ("photos", "2024/notes.txt", "v1", "true", "false", "9", "STANDARD"),
]
FROZEN_ICE = Refused(ICE, FROZEN, Source.named(ICE, by_name=True))
EXPECTED = ["s3://photos/2024/a b.jpg", "s3://photos/2024/ü+1.JPG", FROZEN_ICE]


def manifest(kind: str, *keys: str, schema: str = SCHEMA) -> bytes:
    values = {"sourceBucket": "photos", "destinationBucket": "arn:aws-cn:s3:::lists", "fileFormat": kind}
    return json.dumps(values | {"fileSchema": schema, "files": [{"key": key} for key in keys]}).encode()


def csv_data(rows: list[tuple[str, ...]]) -> bytes:
    from urllib.parse import quote_plus

    lines = [
        ",".join(f'"{quote_plus(cell) if place == 1 else cell}"' for place, cell in enumerate(row)) for row in rows
    ]
    return gzip.compress("\n".join(lines).encode())


def table(kind: str, columns: dict[str, list[object]]) -> bytes:
    pa, library = pytest.importorskip("pyarrow"), pytest.importorskip(f"pyarrow.{kind.lower()}")
    sink = io.BytesIO()
    library.write_table(pa.table(columns), sink)
    return sink.getvalue()


def test_an_inventory_as_csv_names_its_photos() -> None:
    asked: list[str] = []

    def read(url: str) -> bytes:
        asked.append(url)
        return csv_data(ROWS if url.endswith("1.csv.gz") else ROWS[:1])

    assert list(read_inventory(manifest("CSV", "d/1.csv.gz", "d/2.csv.gz"), "m", read)) == [*EXPECTED, EXPECTED[0]]
    assert asked == ["s3://lists/d/1.csv.gz", "s3://lists/d/2.csv.gz"]


@pytest.mark.parametrize("kind", ["ORC", "Parquet"])
def test_an_inventory_as_a_table_names_the_same(kind: str) -> None:
    names = ["bucket", "key", "version_id", "is_latest", "is_delete_marker", "size", "storage_class"]
    values = [[cell == "true" if cell in ("true", "false") else cell for cell in row] for row in ROWS]
    data = table(kind, {name: [row[place] for row in values] for place, name in enumerate(names)})
    assert list(read_inventory(manifest(kind, "d/1"), "m", lambda url: data)) == EXPECTED


@pytest.mark.parametrize(
    ("content", "data", "words"),
    [
        (b'{"fileSchema": 1, "sourceBucket": 2}', b"", "is no manifest of an S3 Inventory"),
        (manifest("Avro", "x"), b"", "its data is Avro; have it written as CSV, ORC or Parquet"),
        (manifest("ORC", "x"), b"ORCbroken", "x: is no ORC file"),
        (manifest("CSV", "x", schema="Size, Key"), b"", "has no columns Bucket and Key"),
        (manifest("CSV", "x"), b"\x1f\x8bbroken", "is no data of an S3 Inventory"),
        (manifest("CSV", "x"), b'"photos","a.jpg"\n', "is no data of an S3 Inventory"),
    ],
)
def test_what_is_no_inventory_is_one_line(content: bytes, data: bytes, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        list(read_inventory(content, "m.json", lambda url: data))


def test_other_json_is_no_list() -> None:
    with pytest.raises(ConfigError, match=r"x\.json: is no manifest of an S3 Inventory; write a list as"):
        list(read_list(b'["a.jpg"]', "x.json"))


def test_a_list_as_parquet() -> None:
    content = table("Parquet", {"path": ["a.jpg", None, "s3://b/c.jpg"], "size": [1, 2, 3]})
    assert list(read_list(content, "x.parquet")) == [
        "a.jpg",
        Failure("x.parquet:2", "this row has no path"),
        "s3://b/c.jpg",
    ]
    with pytest.raises(ConfigError, match=r"x\.parquet: has no column 'path' \(it has: size\)"):
        list(read_list(table("Parquet", {"size": [1]}), "x.parquet"))
    with pytest.raises(ConfigError, match=r"x\.parquet: is no Parquet file"):
        list(read_list(b"PAR1broken", "x.parquet"))


def test_parquet_without_its_library_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ConfigError, match=r"x\.parquet: Parquet needs pyarrow: pip install pyarrow"):
        list(read_list(b"PAR1", "x.parquet"))
