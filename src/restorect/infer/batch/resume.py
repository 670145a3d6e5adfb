"""Deciding what is left to do: only what is missing, changed or broken."""

from restorect.files import file_hash
from restorect.infer.batch.atomic import hash_bytes
from restorect.infer.batch.failures import OutputError
from restorect.infer.batch.manifest import Manifest
from restorect.infer.batch.plan import Job
from restorect.infer.batch.target import Target


def is_done(job: Job, target: Target, manifest: Manifest, settings: str) -> bool:
    """Whether the outputs of `job` stand there as an earlier batch made them, of the same content and settings.

    Everything cheap is compared before anything is hashed; an object whose store says that it is the same as before
    is not read again.

    Raises:
        OSError: the input cannot be read.
        RemoteError: the input, or an output, cannot be examined.
    """
    entry = manifest.latest(job.outputs[0])
    if entry is None or entry.settings != settings or tuple(entry.outputs) != job.outputs:
        return False
    if any(manifest.latest(output) is not entry for output in job.outputs):
        return False
    state = job.source.state()
    if entry.bytes != state.bytes or any(target.kind(output) != "file" for output in job.outputs):
        return False
    if not all(target.holds(output, sha256, entry.stored.get(output, "")) for output, sha256 in entry.outputs.items()):
        return False
    if job.source.is_file:
        return file_hash(job.source.path) == entry.sha256
    if state.version and state.version == entry.version:
        return True
    return hash_bytes(job.source.read()) == entry.sha256


def check_free(output: str, target: Target, manifest: Manifest) -> bool:
    """Whether `output` exists and is restorect's own to replace; false if nothing stands there that anybody knows of.

    Raises:
        OutputError: something stands there that no batch made.
        RemoteError: it cannot be examined.
    """
    mine, begun = manifest.made(output), manifest.intended(output)
    if target.compares and not mine and not begun:
        return False
    kind = target.kind(output)
    if kind == "nothing":
        return False
    if not mine and kind == "file":
        mine = any(target.holds(output, sha256, "") for sha256 in begun)
    if not mine or kind != "file":
        text = f"its output {target.name(output)} exists and was not made by restorect; move it, or use --force"
        raise OutputError(text)
    return True
