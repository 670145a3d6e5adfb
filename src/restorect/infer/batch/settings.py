"""What a batch does to each photograph, and the hash by which a later run knows that it was done the same way."""

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from typing import Protocol

from restorect.configs import require, to_mapping

_SUBSAMPLINGS = ("4:4:4", "4:2:2", "4:2:0")
_MOST_MEGAPIXELS = 1_000_000
# These decide whether a photo is touched, or what its file's date is, never how it looks.
_NO_INFLUENCE = ("max_megapixels", "salvage", "keep_date")


class Model(Protocol):
    """The identity of the networks: whatever changes the restored pixels."""

    @property
    def task(self) -> str:
        """The kind of damage, for example `low-light`, or `auto`."""

    @property
    def size(self) -> str:
        """The preset, for example `tiny`."""

    @property
    def weights_hash(self) -> str:
        """The hash of the weight file."""


@dataclass(frozen=True, kw_only=True)
class RestoreSettings:
    """How to restore and how to write; checked when made.

    Args:
        strength: 0 copies the photo, 1 restores it fully.
        seed: of the flow's start noise; the same for every photo, so that the order does not matter.
        samples: how many differing restorations of each photo to write.
        uncertainty: write a map of how far the samples lie apart (of 8, where only one is written).
        steps: steps of the flow; `None` takes the number the weights were trained for.
        format: an output format's name; `None` follows the input.
        quality: 1 to 100, for lossy formats; `None` follows a JPEG that stays one, and is 95 otherwise.
        subsampling: of the colours in JPEG; `None` follows a JPEG that stays one, and is 4:4:4 otherwise.
        lossless: for the formats that offer both ways (WebP, AVIF, JPEG XL); `None` follows the input.
        bit_depth: bits per channel of the output; `None` follows the input.
        strip_metadata: leave out everything that is personal.
        page: of a file with several.
        max_megapixels: larger photos are refused before they are decoded.
        salvage: restore what is there of a JPEG that is cut off, and do not refuse it.
        keep_date: give outputs the date of their input's file.

    Raises:
        ConfigError: a value is out of its range; the message says what is allowed.
    """

    strength: float = 1.0
    seed: int = 0
    samples: int = 1
    uncertainty: bool = False
    steps: int | None = None
    format: str | None = None
    quality: int | None = None
    subsampling: str | None = None
    lossless: bool | None = None
    bit_depth: int | None = None
    strip_metadata: bool = False
    page: int = 0
    max_megapixels: float = 500.0
    salvage: bool = False
    keep_date: bool = True

    def __post_init__(self) -> None:
        require(0.0 <= self.strength <= 1.0, f"strength {self.strength:g}: give a number from 0 to 1")
        require(0 <= self.seed < 2**62, f"seed {self.seed}: give a whole number from 0 to 2^62 - 1")
        require(1 <= self.samples <= 99, f"samples {self.samples}: give a whole number from 1 to 99")
        require(self.steps is None or 1 <= self.steps <= 1000, f"steps {self.steps}: give a number from 1 to 1000")
        in_range = self.quality is None or 1 <= self.quality <= 100
        require(in_range, f"quality {self.quality}: give a whole number from 1 to 100")
        choices = ", ".join(_SUBSAMPLINGS)
        require(self.subsampling in (None, *_SUBSAMPLINGS), f"subsampling {self.subsampling}: choose one of {choices}")
        require(self.bit_depth in (None, 8, 16, 32), f"bit depth {self.bit_depth}: choose one of 8, 16, 32")
        require(self.page >= 0, f"page {self.page}: pages are counted from 0")
        in_range = 0 < self.max_megapixels <= _MOST_MEGAPIXELS
        require(in_range, f"max megapixels {self.max_megapixels:g}: give a number above 0, up to {_MOST_MEGAPIXELS:,}")

    def digest(self, model: Model) -> str:
        """The hash (hex, 64 digits) of all that shapes an output apart from its input."""
        values = {name: value for name, value in to_mapping(self).items() if name not in _NO_INFLUENCE}
        values |= {"task": model.task, "model": model.size, "weights": model.weights_hash}
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()

    def replace(self, **changes: object) -> "RestoreSettings":
        """A copy with some values changed."""
        return dataclasses.replace(self, **changes)  # type: ignore[arg-type]
