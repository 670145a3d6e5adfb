"""One photograph of the queue: what is known of it, and kept on the disk."""

from dataclasses import dataclass, field
from typing import Literal

from restorect.web.choice import Choice

State = Literal["waiting", "working", "done", "failed", "cancelled"]
Stage = Literal["", "reading", "previewing", "restoring", "writing"]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A photograph on the page.

    Attributes:
        id: random; nothing else names a photograph in an address.
        number: its place in the order of work.
        name: as the user calls the file.
        folder: where it lay under the folder that was dropped, with `/`.
        path: of a photograph that was on this machine's disk already; "" for what was sent.
        bytes: of the file.
        choice: what is wanted.
        made: what the outputs were made with; None while there are none.
        stage: of the work on it.
        preview: whether the restoration to look at is that of a small copy, while the work goes on.
        outputs: names with folders of the finished files, one for each sample, dark to bright, and of the map.
        samples: how many of the outputs are samples.
        error: why it failed, in a sentence.
        task: what was restored; "none" if there was nothing to restore.
        decision: what it was taken for and how sure that is, in words.
        notice: what is to be known of such photographs.
        warnings: what was converted or not kept, one line each.
        width: of the upright photograph, 0 until it is read.
        height: of the upright photograph, 0 until it is read.
        seconds: of work.
        pictures: counts up with each picture of it that can be looked at, so that a browser asks for it again.
    """

    id: str
    number: int
    name: str
    folder: str = ""
    path: str = ""
    bytes: int
    choice: Choice = field(default_factory=Choice)
    made: Choice | None = None
    state: State = "waiting"
    stage: Stage = ""
    preview: bool = False
    outputs: tuple[str, ...] = ()
    samples: int = 0
    error: str = ""
    task: str = ""
    decision: str = ""
    notice: str = ""
    warnings: tuple[str, ...] = ()
    width: int = 0
    height: int = 0
    seconds: float = 0.0
    pictures: int = 0
