"""A photograph on its way through a batch: read and decoded, restored, encoded; one record that each step adds to."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from restorect import __version__
from restorect.auto.decision import NOTHING, Decision
from restorect.errors import shown
from restorect.images.colour import from_network, to_network
from restorect.images.formats import format_of_name
from restorect.images.photo import Metadata, Photo, PhotoInfo
from restorect.images.read import open_photo
from restorect.images.source import check_file_size
from restorect.images.write import encode
from restorect.infer.batch.atomic import hash_bytes
from restorect.infer.batch.memory import MemoryBudget, needed_bytes
from restorect.infer.batch.plan import Job
from restorect.infer.batch.settings import RestoreSettings
from restorect.infer.batch.sidecars import Sidecar, find_sidecars
from restorect.infer.batch.stop import Stop
from restorect.infer.fitting import Need, fast_words
from restorect.infer.options import Restored
from restorect.infer.spread import SAMPLES, WHITE
from restorect.render.small import small_sides

if TYPE_CHECKING:
    from restorect.infer.networks import Networks

_MAPS = 3  # float32 pictures held beside the samples while their spread is summed up


@dataclass(kw_only=True)
class Record:
    """What is known of a photograph so far; each step drops what is no longer needed.

    Attributes:
        job: the photograph, and the files it becomes.
        photo: as it was decoded.
        picture: what the networks are given; None where they are not asked.
        data: the file's content.
        version: of an object, before it was read.
        reserved: bytes of memory held for it.
        mode: permissions for the outputs.
        date_ns: date for the outputs.
        megapixels: of the photograph.
        seconds: of work until now, waiting left out.
        warnings: one line each.
        sidecars: XMP files beside it.
        model_seconds: of work in the networks.
        restored: what they gave; its images leave when they are encoded.
    """

    job: Job
    photo: Photo | None
    picture: NDArray[np.float32] | None
    data: bytes
    sha256: str
    bytes: int
    version: str
    reserved: int
    mode: int
    date_ns: int | None
    megapixels: float
    seconds: float
    warnings: list[str]
    sidecars: list[Sidecar]
    model_seconds: float = 0.0
    restored: Restored = field(default_factory=lambda: Restored(images=[]))

    @property
    def decision(self) -> Decision | None:
        """What the photograph was taken for, where that was asked."""
        return self.restored.decision

    @property
    def mild(self) -> bool:
        """Whether it was restored with half of the strength."""
        return self.decision is not None and self.decision.mild

    @property
    def task(self) -> str:
        """What was restored; `none` if there was nothing to restore, empty if strength 0 did not ask."""
        if self.decision is not None:
            return self.decision.task
        return self.restored.by.task if self.restored.by is not None else ""


class PhotoJobs:
    """The three steps, each of which may run in a thread of its own.

    Args:
        networks: what restores.
        settings: how to read, restore and write.
        budget: lets photographs in while they fit into memory.
        stop: set when no further photograph should be begun.
    """

    def __init__(self, networks: "Networks", settings: RestoreSettings, budget: MemoryBudget, stop: Stop) -> None:
        self._networks, self._settings, self._budget, self._stop = networks, settings, budget, stop

    def read(self, job: Job) -> Record | None:
        """Wait for memory, read and decode; `None` if the batch was stopped while waiting.

        Raises:
            Exception: whatever is wrong with the file.
        """
        begun, name, source, settings = time.perf_counter(), job.source.shown_as, job.source, self._settings
        state = source.state()
        check_file_size(state.bytes, name, settings.max_megapixels)
        self._budget.check(state.bytes)
        data, (mode, date_ns) = source.read(), source.likeness()
        opened = open_photo(data, page=settings.page, max_megapixels=settings.max_megapixels, name=name)
        need, spent = self._need(opened.info, len(data)), time.perf_counter() - begun
        needed = need.bytes
        if not self._budget.acquire(needed, self._stop, need.remedy):
            return None
        begun = time.perf_counter()
        try:
            photo = opened.decode(salvage=settings.salvage)
            sidecars, unusable = ([], []) if settings.write.strip_metadata else find_sidecars(source)
            return Record(
                job=job,
                photo=photo,
                picture=to_network(photo) if settings.restore.strength > 0 else None,
                data=data,
                sha256=hash_bytes(data),
                bytes=len(data),
                version=state.version,
                reserved=needed,
                mode=mode,
                date_ns=date_ns if settings.keep_date else None,
                megapixels=opened.info.megapixels,
                seconds=spent + time.perf_counter() - begun,
                warnings=[*_misnamed(job, opened.info.format), *photo.warnings, *unusable],
                sidecars=sidecars,
            )
        except BaseException:
            self._budget.release(needed)
            raise

    def restore(self, record: Record) -> None:
        """Run the networks; strength 0 leaves the photo untouched.

        Raises:
            CheckpointError: there are no networks for what was chosen.
        """
        if record.picture is None:
            return
        begun = time.perf_counter()
        record.restored = self._networks.restore(record.picture, self._settings.restore)
        record.picture = None
        record.model_seconds = time.perf_counter() - begun
        record.seconds += record.model_seconds

    def encode(self, record: Record) -> list[bytes]:
        """The content of the output files, one for each sample, and the map of uncertainty if one is asked for."""
        begun, photo, options = time.perf_counter(), record.photo, self._settings.restore
        assert photo is not None  # noqa: S101 - until it is closed
        write, note = replace(self._settings.write, format=record.job.format), self._provenance(record)
        copied = record.task == NOTHING and self._stays_as_it_is(photo, record.job.format)
        contents: list[bytes] = [record.data] * options.samples if copied else []
        if record.restored.by is None and not copied:
            encoded = encode(photo, write, note=note)
            record.warnings += encoded.warnings
            contents = [encoded.data] * options.samples
        while record.restored.by is not None and record.restored.images:  # one at a time, so that memory shrinks
            image = record.restored.images.pop(0)
            encoded = encode(from_network(image, photo, bit_depth=write.bit_depth), write, note=note)
            record.warnings += [] if contents else encoded.warnings
            contents.append(encoded.data)
        if not copied:
            record.sidecars = [one.of(photo) for one in record.sidecars]
        if options.uncertainty:
            contents.append(self._map(record.restored.spread, photo))
        record.seconds += time.perf_counter() - begun
        return contents

    def close(self, record: Record) -> None:
        """Give the photograph's memory back; call it once for each `Record` that `read` gave."""
        record.photo = record.picture = None
        record.data, record.restored = b"", replace(record.restored, images=[], spread=None)
        self._budget.release(record.reserved)

    def _map(self, spread: NDArray[np.float32] | None, photo: Photo) -> bytes:
        """How far restorations lie apart as a 16-bit grey PNG: black is 0, white is `WHITE` and above."""
        values = np.zeros((photo.height, photo.width), np.float32) if spread is None else spread
        count = self._settings.restore.samples if self._settings.restore.samples > 1 else SAMPLES
        text = f"standard deviation of {count} restorations, sRGB values from 0 to 1; white (65535) is {WHITE}"
        codes = np.round((values / WHITE).clip(0, 1) * 65535).astype(np.uint16)
        metadata = Metadata(text=(("Description", text),))
        return encode(Photo(pixels=codes[..., None], format="png", bit_depth=16, metadata=metadata)).data

    def _need(self, info: PhotoInfo, size: int) -> Need[PhotoInfo]:
        def needed(info: PhotoInfo, fast: bool = self._settings.restore.fast) -> int:
            return self._needed(info, size, fast=fast)

        return Need(info=info, at=needed, fast=partial(needed, fast=True), fast_words=self._fast_words)

    def _needed(self, info: PhotoInfo, size: int, *, fast: bool) -> int:
        options = self._settings.restore
        samples = options.samples + (_MAPS if options.uncertainty else 0)
        own = needed_bytes(info, file_bytes=size, samples=samples)
        in_this_memory = options.strength > 0 and str(self._networks.device) == "cpu"
        seen = small_sides(info.height, info.width) if fast else (info.height, info.width)
        return own + (self._networks.peak_bytes(*seen) if in_this_memory else 0)

    def _fast_words(self) -> str:
        """How to call fast mode where it takes less memory; "" where it is on already or not for such photos."""
        if self._settings.restore.fast or self._networks.engine != "torch":
            return ""
        return fast_words(self._networks.task, "--fast")

    def _stays_as_it_is(self, photo: Photo, fmt: str) -> bool:
        """Whether the file itself is what was asked for: then its bytes are the best copy of a good photograph."""
        write = self._settings.write
        return (
            photo.format == fmt
            and photo.pages == 1
            and write.bit_depth in (None, photo.stored_bits or photo.bit_depth)
            and write.lossless in (None, photo.lossless)
            and not write.strip_metadata
            and "salvaged" not in photo.options
        )

    def _provenance(self, record: Record) -> dict[str, object]:
        """What is recorded with the picture: by what it was made, and who chose that."""
        options, by = self._settings.restore, record.restored.by
        note: dict[str, object] = {"software": f"restorect {__version__}"}
        chosen = {} if record.decision is None else {"confidence": round(record.decision.confidence, 3)}
        if record.task == NOTHING:
            return note | {"task": NOTHING} | chosen
        model = by or self._networks
        note |= {"task": model.task, "model": model.size, "weights": model.weights_hash, "seed": options.seed}
        strength = options.strength if record.decision is None else record.decision.eased(options.strength)
        note |= {"strength": strength} | chosen
        note |= {"brightness": options.brightness} if options.brightness else {}
        note |= {"fast": "yes"} if options.fast else {}
        note |= {"precision": model.precision} if model.precision != "float32" else {}
        note |= {"engine": model.engine} if model.engine != "torch" else {}
        return note | ({} if by is None else {"steps": options.steps or by.default_steps})


def _misnamed(job: Job, found: str) -> list[str]:
    """What is to be known of a photograph that was taken for what its name says, and is something else."""
    named = format_of_name(job.source.path.name) if job.source.by_name else None
    return [f"is {found}, though its name says {named}; written as {job.format}"] if named not in (None, found) else []


def restore_one(
    job: Job,
    networks: "Networks",
    settings: RestoreSettings,
    *,
    on_restored: Callable[[Record], None] = lambda record: None,
) -> list[bytes]:
    """Restore one photograph without an output folder, for example from one pipe to another.

    Args:
        job: the photograph and the output's format.
        networks: what restores.
        settings: how to read, restore and write.
        on_restored: called before encoding, to tell what was chosen.

    Returns:
        the content of one file for each sample, dark to bright, and of the map of uncertainty if one is asked for.

    Raises:
        RestorectError: the photo cannot be read, does not fit into memory or cannot be written in that format.
    """
    jobs = PhotoJobs(networks, settings, MemoryBudget(), Stop())
    record = jobs.read(job)
    if record is None:  # only a stop leads here, and nobody else holds it
        raise AssertionError("a fresh Stop cannot be set")
    jobs.restore(record)
    on_restored(record)
    contents = jobs.encode(record)
    record.warnings += [f"its sidecar {shown(s.name)} is not carried: give a folder for that" for s in record.sidecars]
    return contents
