"""Which files are judged together: found by name, checked by their headers, and every problem named and counted."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from restorect.errors import DataError, ImageError
from restorect.images.find import photos_in
from restorect.images.photo import PhotoInfo
from restorect.images.read import open_photo
from restorect.progress import OnProgress, silent

KeyRule = Literal["stem", "digits", "scene"]
_NAMED = 5  # problems spelled out in a message; the others are counted


@dataclass(frozen=True, kw_only=True)
class Case:
    """One photograph to be judged.

    Attributes:
        name: unique in its set, "/" between folders.
        low: the degraded photograph; None when only outputs are judged.
        high: the ground truth; None in unpaired sets.
        output: another method's result; None when a method is run on `low`.
    """

    name: str
    low: Path | None = None
    high: Path | None = None
    output: Path | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """Those that there are: degraded photo, ground truth, output."""
        return tuple(path for path in (self.low, self.high, self.output) if path is not None)


def key_of(path: Path, rule: KeyRule) -> str:
    """What partners have in common.

    "stem": the name without its extension. "digits": the digits of it (low00690 and normal00690). "scene": SID's five
    digits, of the folder or at the name's beginning; a scene has several exposures and one ground truth.
    """
    if rule == "scene":
        return path.parent.name if re.fullmatch(r"\d{5}", path.parent.name) else path.stem[:5]
    return path.stem if rule == "stem" else "".join(re.findall(r"\d", path.stem))


def match(
    files: Sequence[Path],
    partners: Sequence[Path],
    *,
    rule: KeyRule = "stem",
    one_way: bool = False,
) -> tuple[dict[Path, Path], list[str]]:
    """Find a partner for each file.

    Args:
        files: what is to be judged.
        partners: where partners are looked for; with "scene", one of them may serve several files.
        rule: what partners have in common.
        one_way: partners that no file needs are no problem.

    Returns:
        The partners by file, and problems, one clause each.
    """
    table, problems = _by_key(partners, rule)
    if rule != "scene":
        problems += _by_key(files, rule)[1]
    matched = {path: table[key_of(path, rule)] for path in files if key_of(path, rule) in table}
    there = partners[0].parent.name if partners else "the other folder"
    problems += [f"{path.name} has no partner in {there}" for path in files if path not in matched]
    if not one_way:
        needed = {key_of(path, rule) for path in files}
        problems += [
            f"{path.name} of {path.parent.name} has no partner" for key, path in table.items() if key not in needed
        ]
    return matched, problems


def paired(low: Path, high: Path) -> list[Case]:
    """The cases of a folder of degraded photos and one of ground truths, with the same stems.

    Raises:
        DataError: a folder is missing or empty, or any file has no partner, or two have one name.
    """
    files = photos_in(low)
    matched, problems = match(files, photos_in(high))
    refuse(low, problems, len(files))
    return [Case(name=path.stem, low=path, high=matched[path]) for path in files]


def unpaired(folder: Path) -> list[Case]:
    """The cases of a folder of photos without ground truth.

    Raises:
        DataError: the folder is missing or empty, or two photos have one stem.
    """
    files = photos_in(folder)
    refuse(folder, _by_key(files, "stem")[1], len(files))
    return [Case(name=path.stem, low=path) for path in files]


def with_outputs(cases: Sequence[Case], folder: Path) -> list[Case]:
    """The cases with another method's results, which carry the stem of the degraded photo or of the ground truth.

    Raises:
        DataError: the folder is missing or empty, or a case has no output.
    """
    table, problems = _by_key(photos_in(folder), "stem")
    stems = {path.stem for case in cases for path in case.files}
    problems += [f"{path.name} belongs to no photo" for stem, path in table.items() if stem not in stems]
    found = []
    for case in cases:
        output = next((table[path.stem] for path in case.files if path.stem in table), None)
        problems += [] if output else [f"{case.name} has no output"]
        found.append(Case(name=case.name, low=case.low, high=case.high, output=output))
    refuse(folder, problems, len(cases), remedy="outputs carry the names of the photos, without additions")
    return found


def check_headers(cases: Sequence[Case], *, mixed_depth: bool = False, on_progress: OnProgress = silent) -> int:
    """Read all headers before any network runs.

    Args:
        cases: what is to be judged.
        mixed_depth: allow 8 bit beside 16 bit.
        on_progress: told before each.

    Returns:
        How many cases mix bit depths; always 0 unless that is allowed.

    Raises:
        DataError: an image cannot be read, sizes differ, or bit depths do.
    """
    problems, mixed = [], 0
    for number, case in enumerate(cases):
        on_progress(number, len(cases), "checking")
        try:
            infos = [open_photo(path).info for path in case.files]
        except (ImageError, OSError) as error:
            problems.append(str(error))
            continue
        if (wrong := _sizes(case, infos)) is not None:
            problems.append(wrong)
        if len({info.bit_depth for info in infos}) > 1:
            mixed += 1
            problems += [] if mixed_depth else [_depths(case, infos)]
    remedy = "nothing is resized or converted: repair the set" + (
        ", or allow --mixed-depth" if mixed and not mixed_depth else ""
    )
    refuse(cases[0].files[0].parent if cases else Path(), problems, len(cases), remedy=remedy)
    return mixed


def refuse(folder: Path, problems: Sequence[str], total: int, *, remedy: str = "repair or remove them") -> None:
    """Raise one line that names the first problems and counts all, if there are any.

    Raises:
        DataError: there are problems.
    """
    if problems:
        more = f"; and {len(problems) - _NAMED} more" if len(problems) > _NAMED else ""
        named = "; ".join(problems[:_NAMED])
        raise DataError(f"{folder}: {len(problems)} problem(s) with {total} images: {named}{more}; {remedy}")


def _by_key(files: Iterable[Path], rule: KeyRule) -> tuple[dict[str, Path], list[str]]:
    table: dict[str, Path] = {}
    problems = []
    for path in files:
        key = key_of(path, rule)
        if key in table:
            problems.append(f"{path.name} and {table[key].name} stand for the same photo {key!r}")
        table[key] = path
    return table, problems


def _sizes(case: Case, infos: Sequence[PhotoInfo]) -> str | None:
    first = infos[0]
    for path, info in zip(case.files, infos, strict=True):
        if (info.width, info.height) != (first.width, first.height):
            name = f"{case.files[0].parent.name}/{case.files[0].name}"
            other = f"{path.parent.name}/{path.name}"
            return f"{name} is {first.width}x{first.height}, but {other} is {info.width}x{info.height}"
    return None


def _depths(case: Case, infos: Sequence[PhotoInfo]) -> str:
    named = [
        f"{path.parent.name}/{path.name} has {info.bit_depth} bit" for path, info in zip(case.files, infos, strict=True)
    ]
    return " but ".join(named)
