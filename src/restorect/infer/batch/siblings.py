"""Photos of one folder that differ in their endings alone (`IMG_1.HEIC`, `IMG_1.jpg`) get names of their own.

One keeps the plain name: the photo that had it before, else the one that is called so itself, else the first. The
others get their ending added: `IMG_1-heic.jpg`.
"""

from collections.abc import Callable, Container, Iterator, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from restorect.infer.batch.failures import OutputError
from restorect.infer.batch.names import same_file_key
from restorect.infer.batch.past import Past, split_name
from restorect.infer.batch.sources import Source

_TRIES = 100


class Named(Protocol):
    """What is told apart."""

    @property
    def source(self) -> Source:
        """The photograph."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """Its outputs, paths under the output folder."""


AnyJob = TypeVar("AnyJob", bound=Named)


def tell_apart(jobs: Sequence[AnyJob], past: Past, renamed: Callable[[int, str], AnyJob]) -> dict[int, AnyJob]:
    """Find new names for jobs that would write to the name of such a photo.

    Args:
        jobs: with their plain names.
        past: of the output folder.
        renamed: makes the job at a place again, with another stem.

    Returns:
        New jobs by their place; where no name can be found there is none.
    """
    taken: dict[str, int] = {}
    several: dict[str, list[int]] = {}  # of the names, those that more than one wants
    for place, job in enumerate(jobs):
        for key in map(same_file_key, job.outputs):
            first = taken.setdefault(key, place)
            if first != place:
                several.setdefault(key, [first]).append(place)
    found = {}

    def claim(place: int) -> tuple[bool, bool, int]:
        """Tell who comes first: the lowest."""
        job = jobs[place]
        owners = {past.owner(output) for output in job.outputs} - {None}
        return owners != {job.source.known_as}, Path(job.outputs[0]).name != job.source.path.name, place

    for place, job in enumerate(jobs):
        path = job.source.path
        others = {other for output in job.outputs for other in several.get(same_file_key(output), ())}
        rivals = [other for other in others if _siblings(jobs[other].source.path, path)]
        owners = [owner for output in job.outputs if (owner := past.owner(output))]
        if any(_siblings(Path(owner), path) for owner in owners) or any(
            claim(other) < claim(place) for other in rivals
        ):
            new = next((new for new in _renamings(job, place, renamed) if _free(new, taken, past)), None)
            if new is not None:
                found[place] = new
                taken.update((same_file_key(output), place) for output in new.outputs)
    return found


def _renamings(job: AnyJob, place: int, renamed: Callable[[int, str], AnyJob]) -> Iterator[AnyJob]:
    """Make a job again under one stem after another."""
    path = job.source.path
    stem = f"{split_name(path)[0]}-{path.suffix[1:].lower()}"
    try:
        yield renamed(place, stem)
        for number in range(2, _TRIES):
            yield renamed(place, f"{stem}-{number}")
    except OutputError:  # it is too long
        return


def _free(job: Named, taken: Container[str], past: Past) -> bool:
    """Whether nobody else has or wants a job's names."""
    known = (None, job.source.known_as)
    return all(same_file_key(output) not in taken and past.owner(output) in known for output in job.outputs)


def _siblings(one: Path, other: Path) -> bool:
    """Whether two photos differ in their endings alone."""
    if one.name == other.name:
        return False
    same_stem = same_file_key(split_name(one)[0]) == same_file_key(split_name(other)[0])
    return same_stem and one.absolute().parent == other.absolute().parent
