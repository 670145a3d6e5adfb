"""Finding training pairs: folders with `low/` and `high/`, perhaps `fused/`, paired by stem, any extension.

Shapes: arrays HWC, RGB.
"""

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from restorect.errors import DataError
from restorect.files import open_regular

EXTENSIONS = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"})


@dataclass(frozen=True)
class Pair:
    """A degraded photograph and its clean ground truth of the same size, perhaps two of them.

    Attributes:
        name: the stem of its files.
        low: the degraded photograph.
        high: its ground truth.
        fused: a second one, as an exposure fusion is; None for pairs without.
    """

    name: str
    low: Path
    high: Path
    fused: Path | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """Its two or three files."""
        return (self.low, self.high, *([self.fused] if self.fused else []))

    @property
    def source(self) -> str:
        """Where it is from: what stands before "-" in its name."""
        return self.name.partition("-")[0]


def image_files(folder: Path) -> list[Path]:
    """The image files directly in a folder, by name.

    Raises:
        DataError: there is no such folder, or no image in it.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder")
    files = sorted(p for p in folder.iterdir() if p.suffix.lower() in EXTENSIONS and not p.name.startswith("."))
    if not files:
        raise DataError(f"{folder}: holds no image ({', '.join(sorted(EXTENSIONS))})")
    return files


def find_pairs(roots: Iterable[Path | str]) -> list[Pair]:
    """All pairs of the given folders, each with `low/` and `high/` inside, checked for size.

    A folder may have `fused/` too, second references of some of its pairs. A folder given twice gives its pairs twice.

    Raises:
        DataError: a folder is missing or empty, an image has no partner, two have one stem, or sizes differ.
    """
    pairs: list[Pair] = []
    for root in map(Path, roots):
        if not (root / "low").is_dir() or not (root / "high").is_dir():
            raise DataError(f"{root}: expected the folders low/ and high/ in it")
        low, high = _by_stem(image_files(root / "low")), _by_stem(image_files(root / "high"))
        for stem in sorted(low.keys() ^ high.keys()):
            there = low.get(stem) or high[stem]
            other = "high" if stem in low else "low"
            raise DataError(
                f"{there}: has no partner of the stem {stem!r} in {root / other}; add it or remove this one"
            )
        fused = _by_stem(image_files(root / "fused")) if (root / "fused").is_dir() else {}
        for stem in sorted(fused.keys() - low.keys()):
            raise DataError(f"{fused[stem]}: has no pair of the stem {stem!r} in {root}; add it or remove this one")
        pairs += [Pair(stem, low[stem], high[stem], fused.get(stem)) for stem in low]
    for pair in dict.fromkeys(pairs):
        _check_sizes(pair)
    return pairs


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """Decode an image for training: (H, W, 3) uint8 RGB; 16-bit files are scaled, not truncated.

    Raises:
        DataError: the file cannot be decoded.
    """
    try:
        with open_regular(path) as file:  # by its bytes, for OpenCV opens no name that is not UTF-8
            content = file.read()
        if path.suffix.lower() not in (".tif", ".tiff"):  # Pillow cannot open all of these
            with Image.open(io.BytesIO(content)) as strict:
                strict.load()  # OpenCV fills what is missing of a truncated file with grey
        image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError, cv2.error):
        image = None
    if image is None:
        raise DataError(f"{path}: cannot be decoded; remove or replace it")
    if image.dtype == np.uint16:
        image = np.round(image / 257.0).astype(np.uint8)
    if image.dtype != np.uint8:
        raise DataError(f"{path}: {image.dtype} pixels are no training image; use 8 or 16 bit")
    if image.ndim == 2:
        return np.repeat(image[:, :, None], 3, axis=2)
    return np.ascontiguousarray(image[:, :, 2::-1])


def hold_out(pairs: Sequence[Pair], share: float) -> tuple[list[Pair], list[Pair]]:
    """Split into (train, held out): every n-th pair by name, at least one, never depending on the order given.

    A pair given twice is trained on twice or held out once, never both.
    """
    ordered = sorted(set(pairs), key=_order)
    count = min(len(ordered) - 1, max(1, round(share * len(ordered))))
    if count < 1:
        raise DataError("one pair alone cannot be split; give validation pairs, or more of them")
    step = len(ordered) / count
    held = [ordered[int(step * (i + 0.5))] for i in range(count)]
    kept = set(ordered) - set(held)
    return sorted((pair for pair in pairs if pair in kept), key=_order), held


def _order(pair: Pair) -> tuple[str, str]:
    return pair.name, str(pair.low)


def _by_stem(files: Sequence[Path]) -> dict[str, Path]:
    table: dict[str, Path] = {}
    for path in files:
        if path.stem in table:
            raise DataError(f"{path}: has the same stem as {table[path.stem].name}; rename one of them")
        table[path.stem] = path
    return table


def image_size(path: Path) -> tuple[int, int]:
    """(width, height) from the header.

    Raises:
        DataError: the header cannot be read.
    """
    try:
        with open_regular(path) as file, Image.open(file) as image:
            return image.size
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"{path}: cannot be read as an image; remove or replace it") from error


def _check_sizes(pair: Pair) -> None:
    width, height = image_size(pair.high)
    for other in filter(None, (pair.low, pair.fused)):
        size = image_size(other)
        if size != (width, height):
            raise DataError(
                f"{other}: is {size[0]}x{size[1]}, but {pair.high.name} is {width}x{height}; pairs must be of one size"
            )
