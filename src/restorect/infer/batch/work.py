"""The steps of one job within a batch: skip what is done, restore, write the outputs and note them."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from restorect.errors import shown
from restorect.infer.batch.atomic import commit, hash_bytes
from restorect.infer.batch.events import Failed, Restored, Skipped
from restorect.infer.batch.failures import Failure, LostError, OutputError, reason_of, stops_everything
from restorect.infer.batch.manifest import Entry, Manifest, Status
from restorect.infer.batch.plan import Job
from restorect.infer.batch.resume import check_free, is_done
from restorect.infer.batch.sidecars import carry
from restorect.infer.batch.steps import Item, Steps


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A job whose photograph is in memory."""

    job: Job
    item: Item


class Work:
    """Does the jobs of one batch step by step; each step may run in threads of its own.

    Args:
        out: the output folder, which the caller has locked.
        steps: read, restore, encode.
        digest: the hash of settings and model.
        manifest: of `out`.
        force: do again what is done, and overwrite what others made.
        held: raises `LostError` once the folder is no longer locked.
    """

    def __init__(
        self, *, out: Path, steps: Steps, digest: str, manifest: Manifest, force: bool, held: Callable[[], None]
    ) -> None:
        self._out, self._real_out, self._held = out, out.resolve(), held
        self._steps, self._digest, self._manifest, self._force = steps, digest, manifest, force

    def open(self, job: Job) -> Opened | Skipped | None:
        """Read and decode, unless the job is done (`Skipped`) or the batch was stopped meanwhile (`None`).

        Raises:
            Exception: whatever is wrong with the file; hand it to `failed`.
        """
        if not self._force:
            if is_done(job, self._out, self._manifest, self._digest):
                return Skipped(path=str(job.source.path), outputs=job.outputs)
            for output in job.outputs:
                check_free(output, self._out, self._manifest)
        item = self._steps.open(job.source)
        return None if item is None else Opened(job=job, item=item)

    def restore(self, opened: Opened) -> None:
        """Run the networks."""
        self._steps.restore(opened.item)

    def save(self, opened: Opened) -> Restored:
        """Encode, note the intent, write the outputs, note that they are done."""
        job, item = opened.job, opened.item
        contents = self._steps.encode(item, job.format)
        begun = time.perf_counter()
        self._held()
        targets = [self._target(output) for output in job.outputs]
        replace = [self._force or check_free(output, self._out, self._manifest) for output in job.outputs]
        self._note("writing", opened, contents)
        item.warnings += [
            line for target in targets[: item.pictures] for one in item.sidecars if (line := carry(one, target))
        ]
        for target, data, may in zip(targets, contents, replace, strict=True):
            commit(target, data, replace=may, mode=item.mode, date_ns=item.date_ns)
        item.seconds += time.perf_counter() - begun
        self._note("done", opened, contents)
        return Restored(
            path=str(job.source.path),
            outputs=job.outputs,
            megapixels=item.megapixels,
            seconds=item.seconds,
            model_seconds=item.model_seconds,
            warnings=tuple(dict.fromkeys(item.warnings)),
            task=item.task,
            confidence=None if item.decision is None else round(item.decision.confidence, 4),
        )

    def close(self, opened: Opened) -> None:
        """Give the photograph's memory back; call it once for each `Opened`."""
        self._steps.close(opened.item)

    def failed(self, job: Job, error: Exception) -> Failed:
        """The event for an error of any step; the manifest gets a line too."""
        reason = Failure.of(job.source.path, error).reason
        entry = Entry(status="failed", input=job.source.known_as, settings=self._digest, error=reason)
        try:
            self._held()
            self._manifest.append(entry)
        except (OSError, LostError) as second:  # then the outputs cannot be noted either
            error, reason = second, reason_of(second)
        return Failed(path=str(job.source.path), reason=reason, stops_everything=stops_everything(error))

    def _target(self, output: str) -> Path:
        """Where an output goes, its folder made; a link that leads out of the output folder is not followed."""
        target = self._out / output
        folder = target.parent.resolve()
        if folder != self._real_out and self._real_out not in folder.parents:
            raise OutputError(
                f"its output {shown(target)} lies behind a link that leaves the output folder; remove the link"
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    def _note(self, status: Status, opened: Opened, contents: list[bytes]) -> None:
        item, outputs = opened.item, opened.job.outputs
        hashes = {output: hash_bytes(data) for output, data in zip(outputs, contents, strict=True)}
        self._manifest.append(
            Entry(
                status=status,
                input=opened.job.source.known_as,
                bytes=item.bytes,
                sha256=item.sha256,
                settings=self._digest,
                outputs=hashes,
                seconds=round(item.seconds, 4),
                task=item.task,
                confidence=0.0 if item.decision is None else round(item.decision.confidence, 4),
            )
        )
