"""Work lists that stores and tables write: S3 Inventory (`manifest.json`; data as CSV, ORC, Parquet), and Parquet."""

import csv
import gzip
import io
import json
import re
from collections.abc import Callable, Container, Iterator, Mapping
from typing import Any
from urllib.parse import unquote_plus

from restorect.errors import ConfigError, shown
from restorect.images.find import is_photo_name
from restorect.infer.batch.failures import Failure
from restorect.infer.batch.remote import read_object
from restorect.infer.batch.sources import Refused, Source

_ARCHIVED = ("GLACIER", "DEEP_ARCHIVE")
_FROZEN = "is frozen in an archive tier, says the inventory; have it restored by its store, then give --retry-failed"
_BATCH = 65536  # rows of a table that are held at a time

Row = Mapping[str, Any]


def read_parquet(content: bytes, name: str, column: str) -> Iterator[str | Failure]:
    """The paths in a column of a Parquet file.

    Raises:
        ConfigError: it is none, has no such column, or pyarrow is missing.
    """
    for number, row in enumerate(_table(content, name, "Parquet", column), start=1):
        path = row[column]
        yield path if isinstance(path, str) and path else Failure(f"{name}:{number}", f"this row has no {column}")


def is_inventory(content: bytes) -> bool:
    """Whether a file is the manifest of an S3 Inventory report."""
    return b'"fileSchema"' in content and b'"sourceBucket"' in content


def read_inventory(content: bytes, name: str, read: Callable[[str], bytes] = read_object) -> Iterator[str | Failure]:
    """URLs of the photographs in an S3 Inventory report, by the endings of their names.

    Versions that are not the latest, and deleted objects, are left out; what lies in an archive tier is
    a `Refused`.

    Args:
        content: of `manifest.json`.
        name: of it, for messages.
        read: gives the content behind the URL of a data file.

    Raises:
        ConfigError: it is no such manifest, or of a kind that cannot be read.
        RemoteError: a data file cannot be read.
    """
    try:
        manifest = json.loads(content)
        store = str(manifest["destinationBucket"]).rpartition(":")[2]  # of its ARN
        kind, schema = str(manifest["fileFormat"]), str(manifest["fileSchema"])
        keys = [str(each["key"]) for each in manifest["files"]]
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{shown(name)}: is no manifest of an S3 Inventory ({type(error).__name__})") from error
    if kind not in ("CSV", "ORC", "Parquet"):
        raise ConfigError(f"{shown(name)}: its data is {shown(kind)}; have it written as CSV, ORC or Parquet")
    for key in keys:
        data = read(f"s3://{store}/{key}")
        rows = _csv_rows(data, key, schema) if kind == "CSV" else _table_rows(data, key, kind)
        for row in rows:
            yield from _line(row)


def _line(row: Row) -> Iterator[str | Failure]:
    """What a row of an inventory, by the names of its columns without `_` and in small letters, means."""
    old = _truth(row.get("isdeletemarker")) or (row.get("islatest") is not None and not _truth(row["islatest"]))
    if old or not is_photo_name(str(row["key"])):
        return
    url = f"s3://{row['bucket']}/{row['key']}"
    frozen = row.get("storageclass") in _ARCHIVED
    yield Refused(url, _FROZEN, Source.named(url, by_name=True)) if frozen else url


def _csv_rows(data: bytes, name: str, schema: str) -> Iterator[Row]:
    """CSV has no head, and its keys are encoded as in URLs."""
    columns = [_column(each) for each in schema.split(",")]
    _need(columns, name)
    try:
        text = gzip.decompress(data).decode() if data.startswith(b"\x1f\x8b") else data.decode()
        for values in csv.reader(io.StringIO(text, newline="")):
            row = dict(zip(columns, values, strict=True))
            yield row | {"key": unquote_plus(row["key"])}
    except (OSError, EOFError, ValueError, csv.Error) as error:
        raise ConfigError(f"{shown(name)}: is no data of an S3 Inventory ({type(error).__name__})") from error


def _table_rows(data: bytes, name: str, kind: str) -> Iterator[Row]:
    for row in _table(data, name, kind):
        found = {_column(key): value for key, value in row.items()}
        _need(found, name)
        yield found


def _need(columns: Container[str], name: str) -> None:
    if "bucket" not in columns or "key" not in columns:
        raise ConfigError(f"{shown(name)}: has no columns Bucket and Key, as an S3 Inventory has")


def _column(name: str) -> str:
    return re.sub(r"[\s_]", "", name).lower()


def _truth(value: object) -> bool:
    return str(value).lower() == "true"


def _table(content: bytes, name: str, kind: str, column: str | None = None) -> Iterator[Row]:
    """The rows of a table, all of their columns or one of them."""
    try:
        import pyarrow as pa
    except ImportError as error:
        raise ConfigError(f"{shown(name)}: {kind} needs pyarrow: pip install pyarrow") from error
    try:
        if kind == "ORC":
            from pyarrow.orc import ORCFile

            stripes = ORCFile(io.BytesIO(content))
            batches = map(stripes.read_stripe, range(stripes.nstripes))
        else:
            from pyarrow.parquet import ParquetFile

            table = ParquetFile(io.BytesIO(content))
            there = table.schema_arrow.names
            if column is not None and column not in there:
                raise ConfigError(f"{shown(name)}: has no column {column!r} (it has: {shown(', '.join(there))})")
            batches = table.iter_batches(batch_size=_BATCH, columns=[column] if column else None)
        for batch in batches:
            yield from batch.to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise ConfigError(f"{shown(name)}: is no {kind} file ({type(error).__name__})") from error
