"""Where the outputs of a batch go: what is done there already, and the files and lines in the manifest that come."""

import dataclasses
import time
from collections.abc import Callable

from restorect.infer.batch.atomic import hash_bytes
from restorect.infer.batch.events import Failed, Restored
from restorect.infer.batch.failures import LostError, reason_of, stops_everything
from restorect.infer.batch.manifest import Manifest, ManifestEntry, failure_entry
from restorect.infer.batch.photo_job import Record
from restorect.infer.batch.plan import Job
from restorect.infer.batch.resume import check_free, is_done
from restorect.infer.batch.sidecars import carry
from restorect.infer.batch.sources import Refused
from restorect.infer.batch.target import Target


class Outputs:
    """Where the files of one batch go; used by several threads.

    Args:
        target: where they go, which the caller has locked.
        digest: the hash of settings and model.
        manifest: of what is done there.
        force: do again what is done, and overwrite what others made.
        held: raises `LostError` once it is no longer locked.
    """

    def __init__(
        self,
        target: Target,
        digest: str,
        manifest: Manifest,
        *,
        force: bool,
        held: Callable[[], None],
    ) -> None:
        self._target, self._held = target, held
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
        if is_done(job, self._target, self._manifest, self._digest):
            entry = self._manifest.latest(job.outputs[0])
            if entry is not None and entry.status != "done":
                self._held()
                self._manifest.append(dataclasses.replace(entry, status="done", time=round(time.time(), 3)))
            return True
        for output in job.outputs:
            check_free(output, self._target, self._manifest)
        return False

    def write(self, record: Record, contents: list[bytes]) -> Restored:
        """Note the intent, write the outputs, note that they are done.

        Raises:
            LostError: the folder is another's by now.
            OutputError: something stands in the way.
            RemoteError: the store cannot be reached.
            OSError: the system refuses.
        """
        job, target, begun = record.job, self._target, time.perf_counter()
        self._held()
        for output in job.outputs:
            target.prepare(output)
        replace = [self._force or check_free(output, target, self._manifest) for output in job.outputs]
        entry = self._entry(record, contents)
        self._manifest.append(entry)
        record.warnings += [
            line
            for output in job.outputs[: job.samples]
            for one in record.sidecars
            if (line := carry(one, output, target))
        ]
        stored = {
            output: target.put(output, data, replace=may, mode=record.mode, date_ns=record.date_ns)
            for output, data, may in zip(job.outputs, contents, replace, strict=True)
        }
        record.seconds += time.perf_counter() - begun
        told = {output: version for output, version in stored.items() if version}
        now = round(time.time(), 3)
        self._manifest.append(
            dataclasses.replace(entry, status="done", stored=told, seconds=round(record.seconds, 4), time=now)
        )
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
        self._held()
        self._manifest.append(failure_entry(refused, self._digest))

    def _entry(self, record: Record, contents: list[bytes]) -> ManifestEntry:
        """The intent to write them."""
        outputs = record.job.outputs
        return ManifestEntry(
            status="writing",
            input=record.job.source.known_as,
            bytes=record.bytes,
            version=record.version,
            sha256=record.sha256,
            settings=self._digest,
            outputs={output: hash_bytes(data) for output, data in zip(outputs, contents, strict=True)},
            seconds=round(record.seconds, 4),
            task=record.task,
            confidence=0.0 if record.decision is None else round(record.decision.confidence, 4),
            mild=record.mild,
        )
