"""What an evaluation has done already: one JSON line a result, found again by content and settings, not by name."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from restorect.configs import from_mapping
from restorect.errors import ConfigError, DataError
from restorect.files import file_hash
from restorect.records import append_record, read_records, rewrite_records

JOURNAL_NAME = "journal.jsonl"


@dataclass(frozen=True, kw_only=True)
class Result:
    """One photograph judged.

    Attributes:
        method: the method's name.
        name: the case's.
        key: hash of the files' content and of all settings.
        width: in pixels.
        height: in pixels.
        seconds: that the method took (wall time, reading and writing apart); None for finished outputs.
        scores: columns to numbers.
        features: of metrics of whole sets, to their values: float32, little endian, base64.
        error: why there are no scores, in one line; "" when there are.
    """

    method: str
    name: str
    key: str = ""
    width: int = 0
    height: int = 0
    seconds: float | None = None
    scores: dict[str, float] = field(default_factory=dict)
    features: dict[str, str] = field(default_factory=dict)
    error: str = ""


def key_for(files: Mapping[str, Path], settings: Mapping[str, Any]) -> str:
    """The hash of files (by their role) and settings; a renamed or moved file keeps it, a changed one does not.

    Raises:
        OSError: a file cannot be read.
    """
    content = {role: file_hash(path) for role, path in files.items()}
    text = json.dumps({"files": content, "settings": settings}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


class Journal:
    """The results of a folder, appended line by line; a line that a kill cut short is dropped.

    Args:
        path: the file; its folder exists.

    Raises:
        DataError: it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._known = {result.key: result for result in map(_result, read_records(path)) if result is not None}
            rewrite_records(path, map(asdict, self._known.values()))
        except OSError as error:
            raise DataError(f"{path}: cannot be written ({error.strerror}); give another --out") from error

    def find(self, key: str) -> Result | None:
        """The result of these files and settings, if it is known."""
        return self._known.get(key)

    def add(self, result: Result) -> None:
        """Append a result; it is on disk when this returns."""
        append_record(self._path, asdict(result))
        self._known[result.key] = result


def _result(record: Mapping[str, Any]) -> Result | None:
    """A record's result; None where it is of another version."""
    try:
        result = from_mapping(Result, record)
    except ConfigError:
        return None
    return result if all(isinstance(value, float | int) for value in result.scores.values()) else None
