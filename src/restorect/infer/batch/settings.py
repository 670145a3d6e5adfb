"""What a batch does to each photograph, and the hash by which a later run knows that it was done the same way."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from restorect.configs import require, to_mapping
from restorect.images.write import WriteOptions
from restorect.infer.options import Options

if TYPE_CHECKING:
    from restorect.infer.networks import Networks

_MOST_MEGAPIXELS = 1_000_000


@dataclass(frozen=True, kw_only=True)
class RestoreSettings:
    """How to read, restore and write; checked when made.

    Args:
        restore: how to restore; the seed is the same for every photo, so that the order does not matter.
        write: how to write.
        page: of a file with several.
        max_megapixels: larger photos are refused before they are decoded.
        salvage: restore what is there of a JPEG that is cut off, and do not refuse it.
        keep_date: give outputs the date of their input's file.

    Raises:
        ConfigError: a value is out of its range; the message says what is allowed.
    """

    restore: Options = field(default_factory=Options)
    write: WriteOptions = field(default_factory=WriteOptions)
    page: int = 0
    max_megapixels: float = 500.0
    salvage: bool = False
    keep_date: bool = True

    def __post_init__(self) -> None:
        require(self.page >= 0, f"page {self.page}: pages are counted from 0")
        in_range = 0 < self.max_megapixels <= _MOST_MEGAPIXELS
        require(in_range, f"max megapixels {self.max_megapixels:g}: give a number above 0, up to {_MOST_MEGAPIXELS:,}")

    def digest(self, networks: "Networks") -> str:
        """The hash (hex, 64 digits) of all that shapes an output apart from its input.

        Whether a photo is touched at all, and what its file's date is, have no part in it.
        """
        values = {**to_mapping(self.restore), **to_mapping(self.write), "page": self.page}
        values |= {"precision": networks.precision, "engine": networks.engine}
        usually = {"start": None, "style": "natural", "brightness": 0, "fast": False}
        usually |= {"precision": "float32", "engine": "torch"}
        for name, usual in usually.items():  # as it was before there was a choice
            if values[name] == usual:
                del values[name]
        values |= {"task": networks.task, "model": networks.size, "weights": networks.weights_hash}
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
