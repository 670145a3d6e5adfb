"""Stand-ins that make a batch cheap: a photo is FAKE and a few bytes, which are its pixels; restoring inverts them.

The format is a codec beside the real ones, so that a batch reads, converts and writes as it always does. With the
environment variable `GATE`, all photos but the first wait in the networks until that path exists; the path with
`.reached` behind it appears when one does.
"""

import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np

from restorect.errors import CheckpointError, ImageError
from restorect.images import find, formats, read
from restorect.images.codecs.by_format import READERS, WRITERS, Reader
from restorect.images.formats import Traits
from restorect.images.header import Decoded, Header
from restorect.images.photo import Photo
from restorect.images.write import WriteOptions
from restorect.infer.batch import RestoreSettings
from restorect.infer.options import Options, Restored

MAGIC, MOCK = b"FAKE", b"MOCK"
BUG, DIE, ONCE = b"!BUG", b"!DIE", b"!ONCE"


def header(data: bytes, page: int) -> Header:
    return Header(width=max(1, len(data) - len(MAGIC)), height=1, channels=1, stored_bits=8, bit_depth=8)


def decode(data: bytes, page: int, header: Header) -> Decoded:
    """FAKE!BAD cannot be decoded."""
    body = data[len(MAGIC) :]
    if body.startswith(b"!BAD"):
        raise ImageError("is damaged; get it again")
    return Decoded(pixels=np.frombuffer(body or b"\0", np.uint8).reshape(1, -1, 1))


def encode(photo: Photo) -> tuple[bytes, tuple[str, ...]]:
    return MAGIC + photo.pixels.tobytes(), ()


def install() -> None:
    """Teach this process two formats: files `*.fake` that begin with FAKE, and `*.mock` that begin with MOCK."""
    for name, magic in (("fake", MAGIC), ("mock", MOCK)):
        formats._NAMES[name] = (f".{name}",)
        formats.TRAITS[name] = Traits(depths=(8,), exif=True)
        formats._MAGIC = (*formats._MAGIC, (magic, name))
        read._NAMES[name] = name
        READERS[name] = Reader(header=header, decode=decode)
        WRITERS[name] = encode
    formats.EXTENSIONS = find.EXTENSIONS = formats.EXTENSIONS | {".fake", ".mock"}


class FakeRestorer:
    """Inverts pixels; sample k is of a brightness that rises with k. Pixels that are BUG are one."""

    task, size, weights_hash = "low-light", "fake", "abc123"
    device, precision, engine = "cpu", "float32", "torch"
    default_steps = 4

    def __init__(self, seconds: float = 0.0, peak: int = 0) -> None:
        self.seconds, self.peak, self.calls = seconds, peak, 0

    def restore(self, image: Any, options: Options) -> Restored:
        self.calls += 1
        time.sleep(self.seconds)
        gate = os.environ.get("GATE")
        while gate and self.calls > 1 and not os.path.exists(gate):
            Path(f"{gate}.reached").touch()
            time.sleep(0.005)
        if (np.rint(255 * image[0, :, 0]).astype(np.uint8).tobytes()) == BUG:
            raise RuntimeError("a bug\nin two lines")
        count = options.samples
        images = [np.full_like(image, (200 - 10 * (count - 1 - k)) / 255) for k in range(count)]
        return Restored(images=images if count > 1 else [1 - image], by=self)

    def peak_bytes(self, height: int, width: int) -> int:
        return self.peak


class Deadly(FakeRestorer):
    """Dies of photos whose pixels are DIE; of ONCE only where the file that `ONCE` names is not there yet."""

    def restore(self, image: Any, options: Options) -> Restored:
        body = np.rint(255 * image[0, :, 0]).astype(np.uint8).tobytes()
        once = Path(os.environ.get("ONCE", "/"))
        if body == DIE or (body == ONCE and not once.exists()):
            once.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().restore(image, options)


def load_deadly(seconds: float = 0.0) -> Deadly:
    """For workers in other processes, which know neither of the formats."""
    install()
    return Deadly(seconds)


def load_seeing(folder: Path, workers: int) -> Deadly:
    """Leaves a note of the GPUs that this worker sees, and waits for those of all others."""
    (folder / f"{os.getpid()}").write_text(os.environ.get("CUDA_VISIBLE_DEVICES", "all"))
    while len(list(folder.iterdir())) < workers:
        time.sleep(0.1)
    return load_deadly()


def keep_threads(_threads: int) -> None:
    """Of an engine that has none."""


def load_nothing() -> Deadly:
    raise CheckpointError("no weights here;\nget them")


def inverted(body: bytes) -> bytes:
    return bytes(255 - value for value in body)


def make(path: Path, body: bytes = b"night") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes((MOCK if path.suffix == ".mock" else MAGIC) + body)
    return path


def expected(source: Path) -> bytes:
    return MAGIC + inverted(source.read_bytes()[4:])


def settings_of(**values: Any) -> RestoreSettings:
    """Settings by the names of their parts' fields."""
    parts = {
        kind: {n: values.pop(n) for n in kind.__dataclass_fields__ if n in values} for kind in (Options, WriteOptions)
    }
    return RestoreSettings(restore=Options(**parts[Options]), write=WriteOptions(**parts[WriteOptions]), **values)
