"""Deciding what is left to do: only what is missing, changed or broken."""

import os
import stat
from pathlib import Path

from restorect.errors import shown
from restorect.files import file_hash
from restorect.infer.batch.atomic import hash_bytes
from restorect.infer.batch.failures import OutputError
from restorect.infer.batch.manifest import Manifest
from restorect.infer.batch.plan import Job


def is_done(job: Job, out: Path, manifest: Manifest, settings: str) -> bool:
    """Whether the outputs of `job` stand in `out` as an earlier batch made them, of the same content and settings.

    Everything cheap is compared before anything is hashed; an object whose store says that it is the same as before
    is not read again.

    Raises:
        OSError: the input cannot be read.
    """
    entry = manifest.latest(job.outputs[0])
    if entry is None or entry.settings != settings or tuple(entry.outputs) != job.outputs:
        return False
    if any(manifest.latest(output) is not entry for output in job.outputs):
        return False
    state = job.source.state()
    if entry.bytes != state.bytes or not all(_is_file(out / output) for output in job.outputs):
        return False
    if any(file_hash(out / output) != entry.outputs[output] for output in job.outputs):
        return False
    if job.source.is_file:
        return file_hash(job.source.path) == entry.sha256
    if state.version and state.version == entry.version:
        return True
    return hash_bytes(job.source.read()) == entry.sha256


def check_free(output: str, out: Path, manifest: Manifest) -> bool:
    """Whether `output` exists and is restorect's own to replace; false if nothing stands there.

    Raises:
        OutputError: something stands there that no batch made.
    """
    path = out / output
    if not os.path.lexists(path):
        return False
    mine = manifest.made(output)
    if not mine and manifest.begun(output) and _is_file(path):
        mine = manifest.made(output, file_hash(path))
    if not mine or not _is_file(path):
        raise OutputError(f"its output {shown(path)} exists and was not made by restorect; move it, or use --force")
    return True


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False
