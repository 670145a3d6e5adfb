"""A part of a batch, for one of several workers: which photos are its own, and what its files in OUT are called.

Nobody hands out work and nothing is shared: each worker is given the same arguments and takes the photos whose output's
name falls to it. Each has a record and a lock of its own, so one that is killed is started again with the same command.
"""

import os
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from restorect.errors import ConfigError, shown

MANIFEST_NAME = "restorect-manifest.jsonl"
LOCK_NAME = ".restorect.lock"
_SHARD_NAME = ".restorect-shard-{}.jsonl"
_MOST = 100_000


@dataclass(frozen=True)
class Part:
    """Number `number` of `of` parts, counted from 1; the whole by default.

    Raises:
        ConfigError: there is no such part.
    """

    number: int = 1
    of: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.of <= _MOST:
            raise ConfigError(f"--part {self.number}/{self.of}: give K/N with K from 1 to N, and N up to {_MOST}")

    @classmethod
    def read(cls, text: str) -> "Part":
        """The part that a text like `3/64` names.

        Raises:
            ConfigError: it names none.
        """
        found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
        if not found:
            raise ConfigError(f"--part {shown(text)}: give K/N, for example 3/64 for the third of 64 parts")
        return cls(int(found[1]), int(found[2]))

    @property
    def tag(self) -> str:
        """What tells its files from those of other parts; empty for the whole."""
        return "" if self.of == 1 else f"-{self.number}-of-{self.of}"

    @property
    def temporary(self) -> str:
        """What temporary files are called by it: only their own run, or one of the whole, may remove them."""
        return f"{self.tag[1:]}-" if self.tag else ""

    @property
    def manifest(self) -> str:
        """The name of its record in the output folder."""
        return _tagged(MANIFEST_NAME, self.tag)

    @property
    def lock(self) -> str:
        """The name of its lock in the output folder."""
        return _tagged(LOCK_NAME, self.tag)

    def takes(self, key: str) -> bool:
        """Whether what is called so is its own: the same on every machine, and for every list."""
        return zlib.crc32(os.fsencode(key)) % self.of == self.number - 1

    def manifests(self, out: Path, *, shards: bool = True) -> list[Path]:
        """The records in `out` that may speak of its photos, not those of its siblings; those of its workers last."""
        whole = [out / name for name in (*self.others(_names(out), MANIFEST_NAME), self.manifest)]
        return [*whole, *self.shards(out)] if shards else whole

    def shard(self, number: int) -> str:
        """The name of the record that one of several workers keeps, until the driver takes it into its own."""
        return _tagged(_SHARD_NAME.format(number), self.tag)

    def shards(self, out: Path) -> list[Path]:
        """The records in `out` that its workers have kept."""
        pattern = re.escape(self.shard(0)).replace("0", r"\d+", 1)
        return sorted(out / name for name in _names(out) if re.fullmatch(pattern, name))

    def rivals(self, out: Path) -> Iterator[Path]:
        """Locks in `out` of runs that may take the same photos: of the whole, or of another number of parts."""
        return (out / name for name in self.others(_names(out), LOCK_NAME))

    def others(self, names: Iterable[str], name: str) -> Iterator[str]:
        """Which of these are called as `name` is for the whole, or for another number of parts."""
        for each in sorted(names):
            found = re.fullmatch(_pattern(name), each)
            if found and int(found[1] or 1) != self.of:
                yield each


WHOLE = Part()


def is_manifest(name: str) -> bool:
    """Whether a file of that name is the record of a batch or of a part of one."""
    return re.fullmatch(_pattern(MANIFEST_NAME), name) is not None


def _names(out: Path) -> list[str]:
    return os.listdir(out) if out.is_dir() else []


def _pattern(name: str) -> str:
    """Matches the names that `name` has for the parts; the group is how many there are."""
    stem, ending = os.path.splitext(name)
    return rf"{re.escape(stem)}(?:-\d+-of-(\d+))?{re.escape(ending)}"


def _tagged(name: str, tag: str) -> str:
    stem, ending = os.path.splitext(name)
    return stem + tag + ending
