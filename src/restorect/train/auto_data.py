"""Examples for the classifier behind `auto`: photographs of each task, good ones, simulated and made-up ones.

Shapes: pictures (H, W, 3) float32, sRGB-encoded, in [0, 1]; statistics of N photographs (N, F).
"""

import csv
import functools
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from restorect.auto.decision import NOTHING
from restorect.auto.statistics import Floats, statistics, thumbnail
from restorect.data.degrade.make_pairs import pair_generator
from restorect.errors import ConfigError
from restorect.images.find import photos_in
from restorect.images.seen import read_srgb
from restorect.progress import OnProgress, silent
from restorect.tasks import find_task, task_names
from restorect.train.auto_good import KINDS

CLASSES = (NOTHING, *task_names())
SIDE = 320
"""Photographs are shrunk to this longer side first, so that simulating takes milliseconds."""
_FIFTH, _MOST_VARIANTS = 5, 4
_DOUBTFUL = 0.15  # weight of a good photograph that has a better one
_MARK, _SAME = 16, 0.004
"""Two files hold the same photograph where thumbnails of 16 pixels differ by less than this on average."""


@dataclass(frozen=True, kw_only=True)
class Folders:
    """Where the photographs are, each folder with its task.

    Attributes:
        data: folders of photographs that need the task; with `low/` and `high/` inside, `high/` holds good ones.
            Where `fused/` has the same name, that is learnt as the good one, and the one of `high/` counts little:
            one exposure of a scene of much contrast may be against the light itself.
        clean: folders of good photographs, from which the task is simulated, and, but for retinas, good photographs
            whose black is meant are made (`auto_good`).
        val: like `data`, to measure on.

    Of `clean`, and of `data` for tasks without `val`, every fifth photograph by name is measured, not learnt.
    """

    data: tuple[tuple[str, Path], ...] = ()
    clean: tuple[tuple[str, Path], ...] = ()
    val: tuple[tuple[str, Path], ...] = ()

    def __post_init__(self) -> None:
        for task, folder in (*self.data, *self.clean, *self.val):
            if task not in task_names():
                raise ConfigError(f"{task}={folder}: no such task; choose one of {', '.join(task_names())}")

    @property
    def learnt(self) -> tuple[tuple[str, Path], ...]:
        """All folders with photographs to learn from."""
        return (*self.data, *self.clean)


@dataclass(frozen=True, kw_only=True)
class Examples:
    """Photographs as numbers.

    Attributes:
        x: statistics, (N, F).
        y: place of the class in `CLASSES`, (N,).
        names: of the files.
        scenes: photographs of one scene have one name; they are never split between learning and judging.
        original: neither a varied copy nor doubtful, see `Folders`.
        measured: held out for the figures on the card.
        simulated: the damage is not real.
        crafted: the kind in `auto_good.KINDS` of a made-up good photograph, else "".
        weight: how many photographs each stands for: more than one where a folder was thinned, less for each of
            several copies; (N,) float32.
        twice: the same photograph is here under another class too, so that no answer is right for both.
        rarer: of those, it is the one whose class has fewer photographs.
    """

    x: Floats
    y: NDArray[np.int64]
    names: tuple[str, ...]
    scenes: tuple[str, ...]
    original: NDArray[np.bool_]
    measured: NDArray[np.bool_]
    simulated: NDArray[np.bool_]
    crafted: NDArray[np.str_]
    weight: Floats
    twice: NDArray[np.bool_]
    rarer: NDArray[np.bool_]

    @property
    def learnt(self) -> NDArray[np.bool_]:
        """What is learnt from: of a photograph under two classes, the one of the rarer class."""
        return ~self.measured & (~self.twice | self.rarer)


@dataclass(frozen=True)
class _Shot:
    """One file and what to make of it."""

    path: Path
    task: str
    clean: bool
    measured: bool
    variants: int
    simulated: str = ""
    crafted: str = ""
    weight: float = 1.0
    doubtful: bool = False


def gather(folders: Folders, *, enough: int, seed: int, on_progress: OnProgress = silent) -> Examples:
    """Read every photograph, simulate, vary, and take the statistics.

    Args:
        folders: where the photographs are.
        enough: pictures to learn from for each side of each folder. Of more, an even choice is taken; of fewer, each
            gets up to three varied copies (cropped, mirrored, tinted) or further simulations.
        seed: of variations and simulations.
        on_progress: told after each photograph.

    Raises:
        DataError: a folder is missing or empty, or a file cannot be decoded.
    """
    shots = list(_shots(folders, enough))
    rows: list[tuple[Floats, Floats, int, _Shot, bool]] = []
    for number, shot in enumerate(shots):
        for picture, kind, original in _pictures(shot, seed):
            thumb = thumbnail(picture)
            mark = np.asarray(cv2.resize(thumb, (_MARK, _MARK), interpolation=cv2.INTER_AREA), dtype=np.float32)
            rows.append((statistics(thumb), mark.ravel(), CLASSES.index(kind), shot, original))
        on_progress(number + 1, len(shots), "photographs")
    x, marks, y, of, original_N = zip(*rows, strict=True)
    taken = np.array([o and not (shot.simulated or shot.crafted) for shot, o in zip(of, original_N, strict=True)])
    groups = np.array([f"{shot.path}/{shot.simulated}{shot.crafted}" for shot in of])
    twice, rarer = _contradictions(np.stack(marks), np.array(y), taken, groups)
    return Examples(
        x=np.stack(x),
        y=np.array(y),
        names=tuple(shot.path.name for shot in of),
        scenes=tuple(_scene(shot.path) for shot in of),
        original=np.array(original_N),
        measured=np.array([shot.measured for shot in of]),
        simulated=np.array([bool(shot.simulated) for shot in of]),
        crafted=np.array([shot.crafted for shot in of]),
        weight=np.array([shot.weight for shot in of], np.float32),
        twice=twice,
        rarer=rarer,
    )


def _contradictions(
    marks: Floats, y: NDArray[np.int64], real: NDArray[np.bool_], groups: NDArray[np.str_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which photographs come under two classes, and which of those are of the rarer class; copies as their file."""
    counts = np.bincount(y[real], minlength=len(CLASSES))
    places, means = np.flatnonzero(real), marks.mean(axis=1)
    twice, common = set(), set()
    for place in places:
        others = places[(y[places] != y[place]) & (np.abs(means[places] - means[place]) < _SAME)]
        twins = others[np.abs(marks[others] - marks[place]).mean(axis=1) < _SAME]
        if len(twins):
            twice.add(groups[place])
            if counts[y[twins]].min() < counts[y[place]]:
                common.add(groups[place])
    found = np.isin(groups, list(twice))
    return found, found & ~np.isin(groups, list(common))


def _scene(path: Path) -> str:
    """The scene that a `pairs.csv` (columns `name` and `scene`) above the folders of the task tells, or the name."""
    for folder in path.parents[2:4]:
        scene = _listed(folder).get(path.stem)
        if scene:
            return scene
    return scene_of(path)


@functools.cache
def _listed(folder: Path) -> dict[str, str]:
    if not (folder / "pairs.csv").is_file():
        return {}
    with (folder / "pairs.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {row["name"]: row["scene"] for row in rows if row.get("name") and row.get("scene")}


def scene_of(path: Path) -> str:
    """The scene a file name tells: `stack-12-3` is a photograph of the scene `stack-12`."""
    parts = path.stem.split("-")
    return "-".join(parts[:2] if len(parts) > 2 else parts)


def _shots(folders: Folders, enough: int) -> Iterator[_Shot]:
    validated = {task for task, _ in folders.val}
    for task, folder in folders.data:
        hold_out = task not in validated
        for files, clean in _sides(folder, fused=True):
            yield from _chosen(files, _Shot(folder, task, clean, False, 1), enough, hold_out=hold_out)
        for shot in _chosen(
            _single(folder), _Shot(folder, task, True, False, 1, doubtful=True), enough, hold_out=False
        ):
            yield replace(shot, variants=1, weight=_DOUBTFUL)
    for task, folder in folders.val:
        yield from (_Shot(path, task, clean, True, 1) for files, clean in _sides(folder) for path in files)
    once: set[Path] = set()
    for task, folder in folders.clean:
        files = photos_in(folder)
        if folder not in once:
            once.add(folder)
            yield from _chosen(files, _Shot(folder, task, True, False, 1), enough, hold_out=True)
            for kind in KINDS if find_task(task).scenes else ():
                like = _Shot(folder, task, True, False, 1, crafted=kind)
                yield from _chosen(files, like, min(enough, len(files)), hold_out=True)
        for shot in _chosen(files, _Shot(folder, task, True, False, 1, simulated=task), enough, hold_out=True):
            if not shot.measured or task not in validated:  # a simulation is measured only where nothing real is
                yield shot


def _sides(folder: Path, *, fused: bool = False) -> list[tuple[list[Path], bool]]:
    """The photographs of a folder and whether they are good: of pairs the low side, then the high or fused one."""
    if not (folder / "low").is_dir():
        return [(photos_in(folder), False)]
    good = photos_in(folder / "high")
    if fused and (folder / "fused").is_dir():
        better = {path.stem: path for path in photos_in(folder / "fused")}
        good = [better.get(path.stem, path) for path in good]
    return [(photos_in(folder / "low"), False), (good, True)]


def _single(folder: Path) -> list[Path]:
    """The single exposures of `high/` that have a fusion."""
    if not (folder / "fused").is_dir():
        return []
    fused = {path.stem for path in photos_in(folder / "fused")}
    return [path for path in photos_in(folder / "high") if path.stem in fused]


def _chosen(files: list[Path], like: _Shot, enough: int, *, hold_out: bool) -> Iterator[_Shot]:
    held = [number % _FIFTH == 2 and hold_out for number in range(len(files))]
    learnt = [path for path, out in zip(files, held, strict=True) if not out]
    variants = max(1, min(_MOST_VARIANTS, enough // max(1, len(learnt))))
    take = min(1.0, enough / max(1, len(learnt)))
    yield from (replace(like, path=path, measured=True) for path, out in zip(files, held, strict=True) if out)
    for number, path in enumerate(learnt):
        if int((number + 1) * take) > int(number * take):
            yield replace(like, path=path, variants=variants, weight=1 / (take * variants))


def _pictures(shot: _Shot, seed: int) -> Iterator[tuple[Floats, str, bool]]:
    """Pictures of one file, each with its class, and whether it is no varied copy."""
    picture = _small(shot.path)
    if shot.simulated:
        clean = torch.from_numpy(picture).permute(2, 0, 1).contiguous()
        for index in range(shot.variants):
            generator = pair_generator(f"{shot.simulated}/{shot.path.name}", index, seed)
            low = find_task(shot.simulated).simulate(clean, generator).low.permute(1, 2, 0).numpy()
            yield np.ascontiguousarray(low), shot.simulated, True
        return
    if shot.crafted:
        random = np.random.default_rng([zlib.crc32(os.fsencode(f"{shot.crafted}/{shot.path.name}")), seed])
        yield KINDS[shot.crafted](picture, random), NOTHING, True
        return
    kind = NOTHING if shot.clean else shot.task
    yield picture, kind, not shot.doubtful
    for index in range(1, shot.variants):
        yield _varied(picture, pair_generator(shot.path.name, index, seed)), kind, False


def _small(path: Path) -> Floats:
    pixels: Floats = read_srgb(path).astype(np.float32) / np.float32(255)
    scale = SIDE / max(pixels.shape[:2])
    if scale >= 1:
        return pixels
    height, width = (max(1, round(side * scale)) for side in pixels.shape[:2])
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), dtype=np.float32)


def _varied(picture: Floats, generator: torch.Generator) -> Floats:
    """A crop of at least three quarters of each side, perhaps mirrored, with channels up to 5 % brighter or darker."""
    draws = torch.rand(8, generator=generator, dtype=torch.float64).tolist()
    height, width = (
        max(1, round(side * (0.75 + 0.25 * draw))) for side, draw in zip(picture.shape, draws[:2], strict=False)
    )
    top, left = (
        round(draw * (side - part))
        for draw, side, part in zip(draws[2:4], picture.shape, (height, width), strict=False)
    )
    crop = picture[top : top + height, left : left + width]
    crop = crop[:, ::-1] if draws[4] < 0.5 else crop
    gains = np.exp(0.1 * (np.array(draws[5:8]) - 0.5)).astype(np.float32)
    return np.ascontiguousarray((crop * gains).clip(0, 1))
