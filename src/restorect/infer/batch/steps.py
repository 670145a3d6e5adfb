"""From a file's bytes to restored files' bytes: read and decode, run the networks, encode. Writes nothing."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from restorect import __version__
from restorect.errors import shown
from restorect.infer.auto.decision import NOTHING, Decision
from restorect.infer.batch.atomic import hash_bytes
from restorect.infer.batch.memory import MemoryBudget, needed_bytes
from restorect.infer.batch.networks import Chooser, Networks, RestorerLike
from restorect.infer.batch.photos import Photos, content, likeness
from restorect.infer.batch.settings import RestoreSettings
from restorect.infer.batch.sidecars import Sidecar, find_sidecars
from restorect.infer.batch.sources import Source
from restorect.infer.batch.stop import Stop
from restorect.infer.spread import SAMPLES, WHITE, spread

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from restorect.images.photo import PhotoInfo

_MAPS = 3  # float32 pictures held beside the samples while their spread is summed up


@dataclass(kw_only=True)
class Item:
    """A photograph on its way; each step adds its part and drops what is no longer needed."""

    photo: Any
    picture: "NDArray[np.float32] | None"
    data: bytes
    sha256: str
    bytes: int
    reserved: int
    mode: int
    date_ns: int | None
    megapixels: float
    seconds: float
    warnings: list[str]
    model_seconds: float = 0.0
    decision: Decision | None = None
    used: RestorerLike | None = None
    results: "list[NDArray[np.float32]]" = field(default_factory=list)
    spread: "NDArray[np.float32] | None" = None
    sidecars: list[Sidecar] = field(default_factory=list)
    pictures: int = 1

    @property
    def task(self) -> str:
        """What was restored; `none` if there was nothing to restore, empty if strength 0 did not ask."""
        if self.decision is not None:
            return self.decision.task
        return self.used.task if self.used is not None else ""


class Steps:
    """The three steps, each of which may run in a thread of its own.

    Args:
        networks: loaded networks, or what chooses among them.
        settings: how to restore and encode.
        photos: reads and encodes.
        budget: lets photographs in while they fit into memory.
        stop: set when no further photograph should be begun.
    """

    def __init__(
        self, networks: Networks, settings: RestoreSettings, photos: Photos, budget: MemoryBudget, stop: Stop
    ) -> None:
        self._networks, self._settings, self._photos = networks, settings, photos
        self._budget, self._stop = budget, stop

    def open(self, source: Source) -> Item | None:
        """Wait for memory, read and decode; `None` if the batch was stopped while waiting.

        Raises:
            Exception: whatever is wrong with the file.
        """
        begun, name = time.perf_counter(), str(source.path)
        self._photos.check_file_size(source.size, name, self._settings)
        self._budget.check(source.size)
        data, (mode, date_ns) = content(source), likeness(source)
        opened = self._photos.open(data, name, self._settings)
        header = opened.info
        reserved, spent = self._needed(header, len(data)), time.perf_counter() - begun
        if not self._budget.acquire(reserved, self._stop):
            return None
        begun = time.perf_counter()
        try:
            photo = opened.decode(salvage=self._settings.salvage)
            picture = self._photos.to_network(photo) if self._settings.strength > 0 else None
            sidecars, unusable = ([], []) if self._settings.strip_metadata else find_sidecars(source)
            return Item(
                photo=photo,
                picture=picture,
                data=data,
                sha256=hash_bytes(data),
                bytes=len(data),
                reserved=reserved,
                mode=mode,
                date_ns=date_ns if self._settings.keep_date else None,
                megapixels=header.height * header.width / 1e6,
                seconds=spent + time.perf_counter() - begun,
                warnings=[*photo.warnings, *unusable],
                sidecars=sidecars,
            )
        except BaseException:
            self._budget.release(reserved)
            raise

    def restore(self, item: Item) -> None:
        """Run the networks; samples come out from dark to bright.

        Strength 0 leaves the photo untouched, and so does a chooser that finds nothing to restore.

        Raises:
            CheckpointError: there are no networks for what was chosen.
        """
        if item.picture is None:
            return
        begun = time.perf_counter()
        restorer = self._choose(item, item.picture)
        if restorer is not None:
            self._run(item, item.picture, restorer)
        item.picture = None
        item.model_seconds = time.perf_counter() - begun
        item.seconds += item.model_seconds

    def encode(self, item: Item, fmt: str) -> list[bytes]:
        """The content of the output files, one for each sample, and the map of uncertainty if one is asked for."""
        begun = time.perf_counter()
        photos, settings, note = self._photos, self._settings, self._provenance(item)
        copied = False
        if item.results:
            contents: list[bytes] = []
            while item.results:  # one at a time, so that memory shrinks on the way
                restored = photos.from_network(item.results.pop(0), item.photo, settings)
                encoded = photos.encode(restored, fmt, settings, note)
                item.warnings += [] if contents else encoded.warnings
                contents.append(encoded.data)
        elif item.task == NOTHING and _stays_as_it_is(item.photo, fmt, settings):
            contents, copied = [item.data] * settings.samples, True
        else:
            encoded = photos.encode(item.photo, fmt, settings, note)
            item.warnings += encoded.warnings
            contents = [encoded.data] * settings.samples
        if not copied:
            item.sidecars = [replace(one, packet=photos.sidecar(one.packet, item.photo)) for one in item.sidecars]
        item.pictures = len(contents)
        if settings.uncertainty:
            contents.append(self._map(item))
        item.seconds += time.perf_counter() - begun
        return contents

    def close(self, item: Item) -> None:
        """Give the photograph's memory back; call it once for each `Item` that `open` gave."""
        item.photo = item.picture = item.spread = None
        item.data, item.results = b"", []
        self._budget.release(item.reserved)

    def _choose(self, item: Item, picture: "NDArray[np.float32]") -> RestorerLike | None:
        """The networks for this photograph; `None` if it is to stay as it is."""
        networks = self._networks
        if isinstance(networks, Chooser):
            item.decision = networks.decide(picture)
            item.used = None if item.decision.nothing_to_restore else networks.restorer_for(item.decision)
        else:
            item.used = networks
        return item.used

    def _run(self, item: Item, picture: "NDArray[np.float32]", restorer: RestorerLike) -> None:
        settings = self._settings
        strength, seed, count, steps = settings.strength, settings.seed, settings.samples, settings.steps
        results = restorer(picture, strength=strength, seed=seed, samples=count, steps=steps)
        item.results = sorted(results, key=_brightness) if count > 1 else [results]
        if settings.uncertainty and count > 1:
            item.spread = spread(item.results, axis=2)
        elif settings.uncertainty:
            item.spread = restorer.uncertainty(picture, SAMPLES, seed, strength=strength, steps=steps)

    def _map(self, item: Item) -> bytes:
        import numpy as np

        values = np.zeros((item.photo.height, item.photo.width), np.float32) if item.spread is None else item.spread
        count = self._settings.samples if self._settings.samples > 1 else SAMPLES
        text = f"standard deviation of {count} restorations, sRGB values from 0 to 1; white (65535) is {WHITE}"
        return self._photos.encode_map(values, WHITE, text)

    def _needed(self, header: "PhotoInfo", size: int) -> int:
        height, width, settings = header.height, header.width, self._settings
        own = needed_bytes(
            height=height,
            width=width,
            channels=header.channels,
            bit_depth=header.bit_depth,
            file_bytes=size,
            samples=settings.samples + (_MAPS if settings.uncertainty else 0),
        )
        in_this_memory = settings.strength > 0 and str(self._networks.device) == "cpu"
        return own + (self._networks.peak_bytes(height, width) if in_this_memory else 0)

    def _provenance(self, item: Item) -> dict[str, object]:
        """What is recorded with the picture: by what it was made, and who chose that."""
        settings = self._settings
        note: dict[str, object] = {"software": f"restorect {__version__}"}
        chosen = {} if item.decision is None else {"confidence": round(item.decision.confidence, 3)}
        if item.task == NOTHING:
            return note | {"task": NOTHING} | chosen
        model = item.used or self._networks
        note |= {"task": model.task, "model": model.size, "weights": model.weights_hash, "seed": settings.seed}
        note |= {"strength": settings.strength} | chosen
        restorer = item.used or (None if isinstance(self._networks, Chooser) else self._networks)
        return note | ({"steps": settings.steps or restorer.default_steps} if restorer is not None else {})


def restore_one(
    source: Source,
    fmt: str,
    networks: Networks,
    settings: RestoreSettings,
    *,
    photos: Photos | None = None,
    budget: MemoryBudget | None = None,
    on_restored: Callable[[Item], None] = lambda item: None,
) -> list[bytes]:
    """Restore one photograph without an output folder, for example from one pipe to another.

    Args:
        source: the photograph.
        fmt: the output's format.
        networks: loaded networks, or what chooses among them.
        settings: how to restore and encode.
        photos: reads and encodes.
        budget: of memory.
        on_restored: called before encoding, to tell what was chosen.

    Returns:
        the content of one file for each sample, dark to bright, and of the map of uncertainty if one is asked for.

    Raises:
        RestorectError: the photo cannot be read, does not fit into memory or cannot be written as `fmt`.
    """
    steps = Steps(networks, settings, photos or Photos(), budget or MemoryBudget(), Stop())
    item = steps.open(source)
    if item is None:  # only a stop leads here, and nobody else holds it
        raise AssertionError("a fresh Stop cannot be set")
    steps.restore(item)
    on_restored(item)
    contents = steps.encode(item, fmt)
    item.warnings += [f"its sidecar {shown(one.name)} is not carried: give a folder for that" for one in item.sidecars]
    return contents


def _stays_as_it_is(photo: Any, fmt: str, settings: RestoreSettings) -> bool:  # noqa: ANN401 - a `Photo`
    """Whether the file itself is what was asked for: then its bytes are the best copy of a good photograph."""
    return (
        photo.format == fmt
        and photo.pages == 1
        and settings.bit_depth in (None, photo.stored_bits or photo.bit_depth)
        and settings.lossless in (None, photo.lossless)
        and not settings.strip_metadata
        and "salvaged" not in photo.options
    )


def _brightness(picture: "NDArray[np.float32]") -> float:
    return float(picture.clip(0.0, 1.0).mean(dtype="float64"))
