"""Finding training pairs: folders with `low/` and `high/`, perhaps `fused/`, paired by stem, any extension."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from restorect.errors import DataError
from restorect.images.find import photos_in
from restorect.images.seen import size_of


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


def find_pairs(roots: Iterable[Path | str]) -> list[Pair]:
    """All pairs of the given folders, each with `low/` and `high/` inside, checked for size.

    A folder may have `fused/` too, second references of some of its pairs. A folder given twice gives its pairs twice.

    Raises:
        DataError: a folder is missing or empty, an image has no partner, two have one stem, or sizes differ.
        ImageError: a header cannot be read.
    """
    pairs: list[Pair] = []
    for root in map(Path, roots):
        if not (root / "low").is_dir() or not (root / "high").is_dir():
            raise DataError(f"{root}: expected the folders low/ and high/ in it")
        low, high = _by_stem(photos_in(root / "low")), _by_stem(photos_in(root / "high"))
        for stem in sorted(low.keys() ^ high.keys()):
            there = low.get(stem) or high[stem]
            other = "high" if stem in low else "low"
            raise DataError(
                f"{there}: has no partner of the stem {stem!r} in {root / other}; add it or remove this one"
            )
        fused = _by_stem(photos_in(root / "fused")) if (root / "fused").is_dir() else {}
        for stem in sorted(fused.keys() - low.keys()):
            raise DataError(f"{fused[stem]}: has no pair of the stem {stem!r} in {root}; add it or remove this one")
        pairs += [Pair(stem, low[stem], high[stem], fused.get(stem)) for stem in low]
    for pair in dict.fromkeys(pairs):
        _check_sizes(pair)
    return pairs


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


def _check_sizes(pair: Pair) -> None:
    width, height = size_of(pair.high)
    for other in filter(None, (pair.low, pair.fused)):
        size = size_of(other)
        if size != (width, height):
            raise DataError(
                f"{other}: is {size[0]}x{size[1]}, but {pair.high.name} is {width}x{height}; pairs must be of one size"
            )
