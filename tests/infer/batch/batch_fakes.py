"""Stand-ins that make a batch cheap: a photo is a line of text with a few bytes, restoring inverts the bytes.

With the environment variable `GATE`, all photos but the first wait in the networks until that path exists; the path
with `.reached` behind it appears when one does.
"""

import os
import time
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from restorect.errors import ImageError
from restorect.infer.batch import Photos, RestoreSettings, Source

MAGIC = b"FAKE"


@dataclass(frozen=True)
class FakePhoto:
    body: bytes
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class FakeEncoded:
    data: bytes
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class FakeHeader:
    height: int = 2
    width: int = 3
    channels: int = 3
    bit_depth: int = 8


@dataclass(frozen=True)
class FakeOpened:
    data: bytes
    name: str
    photos: "FakePhotos"
    info = FakeHeader()

    def decode(self, *, salvage: bool) -> FakePhoto:
        return self.photos.decoded(self.data, self.name)


class FakePhotos(Photos):
    """Files `*.fake` that begin with FAKE; FAKE!BAD cannot be decoded, FAKE!BUG breaks the decoder."""

    def extensions(self) -> Collection[str]:
        return {".fake", ".mock"}

    def output_kind(self, source: Source, wanted: str | None) -> tuple[str, str]:
        head = source.path.read_bytes()[:4] if source.data is None else source.data[:4]
        if head != MAGIC:
            raise ImageError("no photograph; give a fake")
        return wanted or "fake", f".{wanted}" if wanted else source.path.suffix

    def open(self, data: bytes, name: str, settings: RestoreSettings) -> Any:
        return FakeOpened(data, name, self)

    def decoded(self, data: bytes, name: str) -> FakePhoto:
        if data.startswith(b"FAKE!BAD"):
            raise ImageError(f"{name}: is damaged; get it again")
        if data.startswith(b"FAKE!BUG"):
            raise RuntimeError("a bug\nin two lines")
        return FakePhoto(data[4:])

    def to_network(self, photo: Any) -> Any:
        return photo.body

    def from_network(self, rgb: Any, photo: Any, settings: RestoreSettings) -> Any:
        return replace(photo, body=bytes(rgb))

    def encode(self, photo: Any, fmt: str, settings: RestoreSettings, note: dict[str, object]) -> Any:
        return FakeEncoded(MAGIC + photo.body)


class Picture(bytes):
    """Bytes with the two array methods by which samples are ordered."""

    def clip(self, low: float, high: float) -> "Picture":
        return self

    def mean(self, dtype: str) -> float:
        return sum(self) / max(1, len(self))


class FakeRestorer:
    """Inverts bytes; sample k is set to a brightness that falls with k."""

    task, size, weights_hash, device = "low-light", "fake", "abc123", "cpu"
    default_steps = 4

    def __init__(self, seconds: float = 0.0, peak: int = 0) -> None:
        self.seconds, self.peak, self.calls = seconds, peak, 0

    def __call__(self, image: Any, *, strength: float, seed: int, samples: int, steps: int | None) -> Any:
        self.calls += 1
        time.sleep(self.seconds)
        gate = os.environ.get("GATE")
        while gate and self.calls > 1 and not os.path.exists(gate):
            Path(f"{gate}.reached").touch()
            time.sleep(0.005)
        if samples > 1:
            return [Picture([200 - 10 * k] * len(image)) for k in range(samples)]
        return inverted(image)

    def peak_bytes(self, height: int, width: int) -> int:
        return self.peak


def inverted(body: bytes) -> bytes:
    return bytes(255 - value for value in body)


def make(path: Path, body: bytes = b"night") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(MAGIC + body)
    return path


def expected(source: Path) -> bytes:
    return MAGIC + inverted(source.read_bytes()[4:])
