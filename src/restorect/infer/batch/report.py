"""What came of a batch, whichever runs and workers did it: a row for each photo, from the records in OUT."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from restorect.errors import ConfigError, shown
from restorect.files import write_atomically
from restorect.infer.batch.manifest import Manifest, ManifestEntry
from restorect.infer.batch.sources import Source

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Totals:
    """A report in figures.

    Attributes:
        done: photos whose outputs were written.
        unchanged: of these, the good ones, which were copied.
        failed: photos that could not be restored when they were last tried.
        left: photos of the list that no record speaks of, or that were begun alone.
        reasons: why, and how many photos.
        seconds: of work on the photos that are done, all workers together.
        busy: wall seconds in which any worker had one of them at work; pauses between runs do not count.
    """

    done: int = 0
    unchanged: int = 0
    failed: int = 0
    left: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    busy: float = 0.0

    @property
    def photos_a_second(self) -> float:
        """Of all workers together."""
        return self.done / self.busy if self.busy else 0.0

    @property
    def exit_code(self) -> int:
        """As of a run: 0 if all is well, 1 if photos failed or are left."""
        return 1 if self.failed or self.left else 0


def report(out: Path, wanted: Iterable[Source] = ()) -> tuple[list[Row], Totals]:
    """The rows of all records in an output folder, and their totals.

    Args:
        out: the output folder.
        wanted: photos that were to be restored; those of which nothing is known are rows too.

    Raises:
        ConfigError: no batch has written there.
        OutputError: a record cannot be read.
    """
    entries = Manifest(out).inputs()
    if not entries:
        raise ConfigError(f"{shown(out)}: holds no record of a batch; give the output folder of `restorect restore`")
    known = {entry.input for entry in entries}
    left = [source.known_as for source in wanted if source.known_as not in known]
    done = [entry for entry in entries if entry.status == "done"]
    totals = Totals(
        done=len(done),
        unchanged=sum(entry.task == "none" for entry in done),
        failed=len(entries) - len(done),
        left=len(left),
        reasons=dict(Counter(entry.error for entry in entries if entry.status == "failed")),
        seconds=sum(entry.seconds for entry in done),
        busy=_covered([(entry.time - entry.seconds, entry.time) for entry in done]),
    )
    return [*map(_row, entries), *(_row(ManifestEntry(status="failed", input=path), "left") for path in left)], totals


def write_report(rows: Sequence[Row], path: Path) -> None:
    """Write rows as JSON lines (`.jsonl`) or Parquet (`.parquet`), whole or not at all.

    Raises:
        ConfigError: another ending, or Parquet without pyarrow.
        OSError: the system refuses.
    """
    writers = {".jsonl": _json_lines, ".parquet": _parquet}
    if path.suffix.lower() not in writers:
        raise ConfigError(f"{shown(path)}: a report is .jsonl or .parquet; give a name that ends so")
    write_atomically(path, writers[path.suffix.lower()](rows))


def _row(entry: ManifestEntry, status: str | None = None) -> Row:
    return {
        "path": entry.input,
        "status": status or entry.status,
        "reason": entry.error,
        "task": entry.task,
        "confidence": float(entry.confidence),
        "mild": entry.mild,
        "seconds": float(entry.seconds),
        "bytes": entry.bytes,
        "sha256": entry.sha256,
        "settings": entry.settings,
        "outputs": list(entry.outputs),
        "outputs_sha256": list(entry.outputs.values()),
        "time": 0.0 if status else float(entry.time),
    }


def _json_lines(rows: Sequence[Row]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def _parquet(rows: Sequence[Row]) -> bytes:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise ConfigError("a Parquet report needs pyarrow: pip install pyarrow, or give a .jsonl") from error
    texts = pa.list_(pa.string())
    kinds = {str: pa.string(), bool: pa.bool_(), float: pa.float64(), int: pa.int64(), list: texts}
    columns = {name: kinds[type(value)] for name, value in rows[0].items()}
    sink = pa.BufferOutputStream()
    printable = [{name: _utf8(value) for name, value in row.items()} for row in rows]
    pq.write_table(pa.Table.from_pylist(printable, pa.schema(columns)), sink)
    return bytes(sink.getvalue())


def _utf8(value: Any) -> Any:  # noqa: ANN401 - a cell, or the list of texts in one
    """Names of files are bytes; Parquet's texts are UTF-8, so what is none becomes an escape."""
    if isinstance(value, list):
        return [_utf8(each) for each in value]
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def _covered(spans: Sequence[tuple[float, float]]) -> float:
    """The length of the union of spans of time."""
    covered, reached = 0.0, float("-inf")
    for begun, ended in sorted(spans):
        covered += max(0.0, ended - max(begun, reached))
        reached = max(reached, ended)
    return covered
