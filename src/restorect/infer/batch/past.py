"""What earlier runs called their outputs, so that a folder that grows renames nothing."""

import os
from collections.abc import Sequence
from pathlib import Path

from restorect.infer.batch.manifest import Manifest
from restorect.infer.batch.names import NameTemplate
from restorect.infer.batch.sources import Source


class Past:
    """Names of outputs, and whose they are.

    Args:
        manifest: of the output folder.
    """

    def __init__(self, manifest: Manifest) -> None:
        entries = {output: manifest.latest(output) for output in manifest.outputs()}
        self._owners = {output: entry.input for output, entry in entries.items() if entry is not None}

    def owner(self, output: str) -> str | None:
        """The input that an output (a path under the folder) was last made from."""
        return self._owners.get(output)

    def numbers(self, sources: Sequence[Source], template: NameTemplate, *, task: str, size: str) -> list[int]:
        """The `{index}` of each photo: the one it had, else the first that no photo ever had."""
        if not template.tells_numbers:
            return list(range(1, len(sources) + 1))
        had: dict[str, int] = {}
        for output, owner in self._owners.items():
            stem, parent = split_name(Path(owner))
            number = template.number_in(output, stem=stem, parent=parent, task=task, size=size)
            if number is not None:
                had[owner] = number
        used, free = set(had.values()), 0
        numbers: list[int] = []
        given: set[int] = set()
        for source in sources:
            number = had.get(source.known_as)
            if number is None or number in given:
                free += 1
                while free in used:
                    free += 1
                number = free
            numbers.append(number)
            given.add(number)
        return numbers


def split_name(path: Path) -> tuple[str, str]:
    """The stem and the parent's name of a photo; a name like `.jpg` has no stem apart from its dots."""
    name = path.name
    stem = name[: -len(path.suffix)] if path.suffix else name
    return stem, os.path.basename(os.path.dirname(os.path.abspath(path)))
