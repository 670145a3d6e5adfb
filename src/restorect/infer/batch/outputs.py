"""The output folder of a batch: what is done there already, and the files and lines in the manifest that come to it."""

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path

from restorect.errors import shown
from restorect.infer.batch.atomic import commit, hash_bytes
from restorect.infer.batch.events import Failed, Restored
from restorect.infer.batch.failures import LostError, OutputError, reason_of, stops_everything
from restorect.infer.batch.manifest import Manifest, ManifestEntry, Status
from restorect.infer.batch.part import WHOLE, Part
from restorect.infer.batch.photo_job import Record
from restorect.infer.batch.plan import Job
from restorect.infer.batch.resume import check_free, is_done
from restorect.infer.batch.sidecars import carry
from restorect.infer.batch.sources import Refused


class Outputs:
    """Where the files of one batch go; used by several threads.

    Args:
        out: the output folder, which the caller has locked.
        digest: the hash of settings and model.
        manifest: of `out`.
        force: do again what is done, and overwrite what others made.
        held: raises `LostError` once the folder is no longer locked.
        part: of a larger batch that this is.
    """

    def __init__(
        self,
        out: Path,
        digest: str,
        manifest: Manifest,
        *,
        force: bool,
        held: Callable[[], None],
        part: Part = WHOLE,
    ) -> None:
        self._out, self._real_out, self._tag, self._held = out, out.resolve(), part.temporary, held
        self._digest, self._manifest, self._force = digest, manifest, force

    def done(self, job: Job) -> bool:
        """Whether nothing is left to do for a job; if a kill has kept that from the record, it is noted now.

        Raises:
            OutputError: its outputs would replace what no batch made.
            LostError: the folder is another's by now.
            OSError: the input cannot be read.
        """
        if self._force:
            return False
        if is_done(job, self._out, self._manifest, self._digest):
            entry = self._manifest.latest(job.outputs[0])
            if entry is not None and entry.status != "done":
                self._held()
                self._manifest.append(dataclasses.replace(entry, status="done", time=round(time.time(), 3)))
            return True
        for output in job.outputs:
            check_free(output, self._out, self._manifest)
        return False

    def write(self, record: Record, contents: list[bytes]) -> Restored:
        """Note the intent, write the outputs, note that they are done.

        Raises:
            LostError: the folder is another's by now.
            OutputError: something stands in the way.
            OSError: the system refuses.
        """
        job, begun = record.job, time.perf_counter()
        self._held()
        targets = [self._target(output) for output in job.outputs]
        replace = [self._force or check_free(output, self._out, self._manifest) for output in job.outputs]
        self._note("writing", record, contents)
        record.warnings += [
            line for target in targets[: job.samples] for one in record.sidecars if (line := carry(one, target))
        ]
        for target, data, may in zip(targets, contents, replace, strict=True):
            commit(target, data, replace=may, mode=record.mode, date_ns=record.date_ns, tag=self._tag)
        record.seconds += time.perf_counter() - begun
        self._note("done", record, contents)
        return Restored(
            path=job.source.shown_as,
            outputs=job.outputs,
            megapixels=record.megapixels,
            seconds=record.seconds,
            model_seconds=record.model_seconds,
            warnings=tuple(dict.fromkeys(record.warnings)),
            task=record.task,
            confidence=None if record.decision is None else round(record.decision.confidence, 4),
            mild=record.mild,
        )

    def failed(self, job: Job, error: Exception) -> Failed:
        """The event for an error of any step; the manifest gets a line too."""
        refused = Refused.by(job.source, error)
        reason = refused.reason
        try:
            self.refuse(refused)
        except (OSError, LostError) as second:  # then the outputs cannot be noted either
            error, reason = second, reason_of(second)
        return Failed(path=refused.path, reason=reason, stops_everything=stops_everything(error))

    def refuse(self, refused: Refused) -> None:
        """Note that a photograph could not be restored, so that it can be tried again by itself.

        Raises:
            LostError: the folder is another's by now.
            OSError: the system refuses.
        """
        source = refused.source
        self._held()
        self._manifest.append(
            ManifestEntry(
                status="failed",
                input=source.known_as,
                folder=source.folder,
                by_name=source.by_name,
                query=source.needs_query,
                settings=self._digest,
                error=refused.reason,
            )
        )

    def _target(self, output: str) -> Path:
        """Where an output goes, its folder made; a link that leads out of the output folder is not followed."""
        target = self._out / output
        folder = target.parent.resolve()
        if folder != self._real_out and self._real_out not in folder.parents:
            raise OutputError(
                f"its output {shown(target)} lies behind a link that leaves the output folder; remove the link"
            )
        place = self._out  # which is not made again: it may have been removed just now
        for part in Path(output).parent.parts:
            place /= part
            place.mkdir(exist_ok=True)
        return target

    def _note(self, status: Status, record: Record, contents: list[bytes]) -> None:
        outputs = record.job.outputs
        hashes = {output: hash_bytes(data) for output, data in zip(outputs, contents, strict=True)}
        self._manifest.append(
            ManifestEntry(
                status=status,
                input=record.job.source.known_as,
                bytes=record.bytes,
                version=record.version,
                sha256=record.sha256,
                settings=self._digest,
                outputs=hashes,
                seconds=round(record.seconds, 4),
                task=record.task,
                confidence=0.0 if record.decision is None else round(record.decision.confidence, 4),
                mild=record.mild,
            )
        )
