"""From a file's bytes to restored files' bytes: read and decode, run the networks, encode. Writes nothing."""

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from restorect import __version__
from restorect.infer.batch.atomic import hash_bytes
from restorect.infer.batch.memory import MemoryBudget, needed_bytes
from restorect.infer.batch.photos import Photos, content
from restorect.infer.batch.settings import Model, RestoreSettings
from restorect.infer.batch.sources import Source
from restorect.infer.batch.stop import Stop

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from restorect.images.photo import PhotoInfo


class RestorerLike(Model, Protocol):
    """What a batch asks of `restorect.infer.restorer.Restorer`."""

    def __call__(
        self, image: "NDArray[np.float32]", *, strength: float, seed: int, samples: int, steps: int | None
    ) -> Any:  # noqa: ANN401
        """Restore one picture (H, W, 3); a list of pictures if `samples` is above 1."""

    @property
    def device(self) -> object:
        """Where the networks run; `str` of it is `cpu` for the machine's own memory."""

    @property
    def default_steps(self) -> int:
        """Steps of the flow when the settings name none."""

    def peak_bytes(self, height: int, width: int) -> int:
        """Memory that restoring one picture of this size takes."""


@dataclass(kw_only=True)
class Item:
    """A photograph on its way; each step adds its part and drops what is no longer needed."""

    photo: Any
    picture: "NDArray[np.float32] | None"
    sha256: str
    bytes: int
    reserved: int
    megapixels: float
    seconds: float
    warnings: list[str]
    model_seconds: float = 0.0
    results: "list[NDArray[np.float32]]" = field(default_factory=list)


class Steps:
    """The three steps, each of which may run in a thread of its own.

    Args:
        restorer: loaded networks.
        settings: how to restore and encode.
        photos: reads and encodes.
        budget: lets photographs in while they fit into memory.
        stop: set when no further photograph should be begun.
    """

    def __init__(
        self, restorer: RestorerLike, settings: RestoreSettings, photos: Photos, budget: MemoryBudget, stop: Stop
    ) -> None:
        self._restorer, self._settings, self._photos = restorer, settings, photos
        self._budget, self._stop = budget, stop

    def open(self, source: Source) -> Item | None:
        """Wait for memory, read and decode; `None` if the batch was stopped while waiting.

        Raises:
            Exception: whatever is wrong with the file.
        """
        begun, name = time.perf_counter(), str(source.path)
        self._photos.check_file_size(source.size, name, self._settings)
        self._budget.check(source.size)
        data = content(source)
        header = self._photos.probe(data, name, self._settings)
        reserved, spent = self._needed(header, len(data)), time.perf_counter() - begun
        if not self._budget.acquire(reserved, self._stop):
            return None
        begun = time.perf_counter()
        try:
            photo = self._photos.read(data, name, self._settings)
            picture = self._photos.to_network(photo) if self._settings.strength > 0 else None
            return Item(
                photo=photo,
                picture=picture,
                sha256=hash_bytes(data),
                bytes=len(data),
                reserved=reserved,
                megapixels=header.height * header.width / 1e6,
                seconds=spent + time.perf_counter() - begun,
                warnings=list(photo.warnings),
            )
        except BaseException:
            self._budget.release(reserved)
            raise

    def restore(self, item: Item) -> None:
        """Run the networks; samples come out from dark to bright. Strength 0 leaves the photo untouched."""
        if item.picture is None:
            return
        begun = time.perf_counter()
        settings = self._settings
        results = self._restorer(
            item.picture,
            strength=settings.strength,
            seed=settings.seed,
            samples=settings.samples,
            steps=settings.steps,
        )
        item.results = sorted(results, key=_brightness) if settings.samples > 1 else [results]
        item.picture = None
        item.model_seconds = time.perf_counter() - begun
        item.seconds += item.model_seconds

    def encode(self, item: Item, fmt: str) -> list[bytes]:
        """The content of the output files, one for each sample."""
        begun = time.perf_counter()
        photos, settings, note = self._photos, self._settings, self._provenance()
        if item.results:
            encoded = []
            while item.results:  # one at a time, so that memory shrinks on the way
                restored = photos.from_network(item.results.pop(0), item.photo, settings)
                encoded.append(photos.encode(restored, fmt, settings, note))
        else:
            encoded = [photos.encode(item.photo, fmt, settings, note)] * settings.samples
        item.warnings += encoded[0].warnings
        item.seconds += time.perf_counter() - begun
        return [each.data for each in encoded]

    def close(self, item: Item) -> None:
        """Give the photograph's memory back; call it once for each `Item` that `open` gave."""
        item.photo = item.picture = None
        item.results = []
        self._budget.release(item.reserved)

    def _needed(self, header: "PhotoInfo", size: int) -> int:
        height, width, settings = header.height, header.width, self._settings
        own = needed_bytes(
            height=height,
            width=width,
            channels=header.channels,
            bit_depth=header.bit_depth,
            file_bytes=size,
            samples=settings.samples,
        )
        in_this_memory = settings.strength > 0 and str(self._restorer.device) == "cpu"
        return own + (self._restorer.peak_bytes(height, width) if in_this_memory else 0)

    def _provenance(self) -> dict[str, object]:
        restorer, settings = self._restorer, self._settings
        return {
            "software": f"restorect {__version__}",
            "task": restorer.task,
            "model": restorer.size,
            "weights": restorer.weights_hash,
            "seed": settings.seed,
            "strength": settings.strength,
            "steps": settings.steps or restorer.default_steps,
        }


def restore_one(
    source: Source,
    fmt: str,
    restorer: RestorerLike,
    settings: RestoreSettings,
    *,
    photos: Photos | None = None,
    budget: MemoryBudget | None = None,
) -> list[bytes]:
    """Restore one photograph without an output folder, for example from one pipe to another.

    Returns:
        the content of one file for each sample, dark to bright.

    Raises:
        RestorectError: the photo cannot be read, does not fit into memory or cannot be written as `fmt`.
    """
    steps = Steps(restorer, settings, photos or Photos(), budget or MemoryBudget(), Stop())
    item = steps.open(source)
    if item is None:  # only a stop leads here, and nobody else holds it
        raise AssertionError("a fresh Stop cannot be set")
    steps.restore(item)
    return steps.encode(item, fmt)


def _brightness(picture: "NDArray[np.float32]") -> float:
    return float(picture.clip(0.0, 1.0).mean(dtype="float64"))
