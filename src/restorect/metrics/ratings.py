"""Photographs with opinion scores, from a CSV table: what BRISQUE and BIQI learn from."""

import csv
import math
from dataclasses import dataclass
from pathlib import Path

from restorect.errors import DataError


@dataclass(frozen=True, kw_only=True)
class Rating:
    """One rated photograph; `kind` names its distortion, "any" where the table does not say."""

    path: Path
    score: float
    kind: str = "any"


def read_ratings(table: Path) -> list[Rating]:
    """Read a table with the columns file, score and, if given, kind; paths are relative to the table's folder.

    Raises:
        DataError: the table or a photograph is missing, a column is, a score is no number, or the table is empty.
    """
    try:
        with table.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{table}: cannot be read as a CSV table in UTF-8") from error
    if not rows:
        raise DataError(f"{table}: has no rows; it needs the columns file, score and, if known, kind")
    return [_rating(table, line, row) for line, row in enumerate(rows, start=2)]


def _rating(table: Path, line: int, row: dict[str, str | None]) -> Rating:
    file, text = (row.get("file") or "").strip(), (row.get("score") or "").strip()
    if not file or not text:
        raise DataError(f"{table}, line {line}: needs the columns file and score, both filled in")
    try:
        score = float(text)
    except ValueError:
        score = math.nan
    if not math.isfinite(score):
        raise DataError(f"{table}, line {line}: the score {text!r} is no number")
    path = table.parent / file
    if not path.is_file():
        raise DataError(f"{table}, line {line}: there is no photograph {path}")
    return Rating(path=path, score=score, kind=(row.get("kind") or "").strip() or "any")
