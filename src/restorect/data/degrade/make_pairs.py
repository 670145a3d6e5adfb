"""Training pairs from clean photos: a simulator's picture in `low/`, its reference in `high/`, of the same name."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from restorect.data.degrade.simulator import Simulator
from restorect.errors import DataError, RestorectError
from restorect.images.colour import to_network
from restorect.images.photo import Photo
from restorect.images.read import read_photo
from restorect.images.write import write_photo


@dataclass(frozen=True, kw_only=True)
class PairOutcome:
    """What became of one photo.

    Attributes:
        source: the clean photo.
        written: the files made, low and high in turn; empty where it failed.
        error: why it failed, one line that names the file, or None.
    """

    source: Path
    written: tuple[Path, ...] = ()
    error: str | None = None


def write_pairs(
    photos: Sequence[Path],
    out: Path,
    simulator: Simulator,
    *,
    seed: int = 0,
    count: int = 1,
    overwrite: bool = False,
) -> Iterator[PairOutcome]:
    """Write `count` pairs for each photo, as PNG files in `out/low` and `out/high`; bad photos do not stop the rest.

    Pairs are called like the photo, with -1, -2, ... behind the name where `count` is more than one. What is drawn
    depends on the photo's name, the pair's number and the seed alone, not on the other photos nor on their order.

    Args:
        photos: the clean photos; two of the same stem cannot both be written.
        out: the folder to make `low` and `high` in.
        simulator: what degrades them.
        seed: another seed gives other pairs.
        count: pairs per photo.
        overwrite: replace files of an earlier run.

    Yields:
        One outcome a photo, in their order.

    Raises:
        DataError: the folders cannot be made.
    """
    for part in ("low", "high"):
        try:
            (out / part).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(f"{out / part}: cannot make this folder ({error.strerror}); choose another -o") from error
    owners: dict[str, Path] = {}
    for photo in photos:
        owner = owners.setdefault(photo.stem, photo)
        if owner is not photo:
            yield PairOutcome(source=photo, error=f"{photo}: pairs of this name are made from {owner.name}; rename one")
            continue
        try:
            written = _write_photo(photo, out, simulator, seed=seed, count=count, overwrite=overwrite)
            yield PairOutcome(source=photo, written=written)
        except RestorectError as error:
            yield PairOutcome(source=photo, error=str(error))


def pair_generator(name: str, index: int, seed: int) -> torch.Generator:
    """The generator of one pair: seeded by the photo's file name, the pair's number and the user's seed."""
    digest = hashlib.sha256(f"{seed}\n{index}\n{name}".encode("utf-8", "surrogateescape")).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)


def _write_photo(
    photo: Path, out: Path, simulator: Simulator, *, seed: int, count: int, overwrite: bool
) -> tuple[Path, ...]:
    names = [photo.stem] if count == 1 else [f"{photo.stem}-{index + 1}" for index in range(count)]
    targets = [(out / "low" / f"{name}.png", out / "high" / f"{name}.png") for name in names]
    for target in (file for pair in targets for file in pair):
        if target.exists() and target.samefile(photo):
            raise DataError(f"{photo}: a pair would overwrite this photo itself; choose another -o")
        if target.exists() and not overwrite:
            raise DataError(f"{target}: exists already; use --force to replace it")
    clean_CHW = _read(photo)
    for index, (low, high) in enumerate(targets):
        pair = simulator(clean_CHW, pair_generator(photo.name, index, seed))
        _write(high, pair.high)
        _write(low, pair.low)
    return tuple(file for pair in targets for file in pair)


def _read(path: Path) -> Tensor:
    """Read a photo as (3, H, W) float32, upright sRGB, clipped to [0, 1]."""
    seen = to_network(read_photo(path))
    return torch.from_numpy(seen).permute(2, 0, 1).contiguous().nan_to_num_(0.0).clamp_(0, 1)


def _write(path: Path, image_CHW: Tensor) -> None:
    """Write an 8-bit sRGB PNG, whole or not at all."""
    pixels = (image_CHW.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).contiguous().numpy()
    write_photo(Photo(pixels=pixels, format="png", bit_depth=8), path)
