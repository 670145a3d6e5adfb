"""What the server and the process that restores tell each other."""

from dataclasses import dataclass
from pathlib import Path

from restorect.infer.batch import Job, RestoreSettings
from restorect.web.entry import Stage

BEFORE, UNCERTAINTY = "before", "uncertainty"
"""Sides of a photograph to look at; the samples are called 1, 2, ..."""


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What the process that restores is started with.

    Args:
        out: a folder for outputs besides, which that process locks; None for none.
        device: that restores.
        threads: of the CPU for one operation; None for the library's choice.
    """

    out: Path | None = None
    device: str = "cpu"
    threads: int | None = None


@dataclass(frozen=True, kw_only=True)
class Order:
    """Restore a photograph.

    Args:
        id: of the photograph.
        job: its names; a source with data is read from `upload`.
        upload: the file that was sent; None for one that the job's source names.
        place: the folder for outputs and pictures.
        task: of the networks.
        size: of the networks.
        settings: how to read, restore and write.
    """

    id: str
    job: Job
    upload: Path | None
    place: Path
    task: str
    size: str
    settings: RestoreSettings


@dataclass(frozen=True, kw_only=True)
class Reached:
    """The work has reached a stage, and what the photograph is by now known to be.

    Args:
        stage: that begins.
        width: of the upright photograph.
        height: of the upright photograph.
        pictures: how many have been made anew; 0 where there are none yet.
        preview: whether the restoration among them is that of a small copy.
    """

    stage: Stage
    width: int = 0
    height: int = 0
    pictures: int = 0
    preview: bool = False


@dataclass(frozen=True, kw_only=True)
class Finished:
    """All outputs are written."""

    task: str
    decision: str
    notice: str
    warnings: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Spoilt:
    """The photograph could not be restored, for this reason."""

    reason: str


Reply = Reached | Finished | Spoilt


def output_place(place: Path, number: int) -> Path:
    """Where an output lies in the folder of its photograph."""
    return place / f"output-{number}"


def picture_place(place: Path, side: str) -> Path:
    """Where the file of `pyramid` of a side lies."""
    return place / f"{side}.tiles"
