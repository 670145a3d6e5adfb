"""Training pairs from clean photos: a simulator's picture in `low/`, the photo itself in `high/`, of the same name."""

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from restorect.errors import DataError, ImageError, RestorectError

PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
"""File name endings looked for in a folder."""

Simulator = Callable[[Tensor, torch.Generator], Tensor]
"""From a clean (3, H, W) image in [0, 1] and a CPU generator to its degraded twin of the same shape and range."""


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


def find_photos(path: Path) -> list[Path]:
    """The photos of a folder (not of its subfolders) in the order of their names, or the file itself.

    Raises:
        DataError: there is nothing at the path, or no photo in the folder.
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise DataError(f"{path}: no such file or folder")
    photos = sorted(file for file in path.iterdir() if file.is_file() and file.suffix.lower() in PHOTO_SUFFIXES)
    if not photos:
        raise DataError(f"{path}: no photos in this folder; looked for {', '.join(PHOTO_SUFFIXES)}")
    return photos


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
    digest = hashlib.sha256(f"{seed}\n{index}\n{name}".encode()).digest()
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
        _write(high, clean_CHW)
        _write(low, simulator(clean_CHW, pair_generator(photo.name, index, seed)))
    return tuple(file for pair in targets for file in pair)


def _read(path: Path) -> Tensor:
    """Read a photo as (3, H, W) float32 in [0, 1], upright."""
    try:
        with Image.open(path) as file:
            pixels = np.array(ImageOps.exif_transpose(file).convert("RGB"))
    except UnidentifiedImageError as error:
        raise ImageError(f"{path}: not a picture, or of an unknown format; give JPEG or PNG") from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ImageError(f"{path}: cannot be read ({' '.join(str(error).split())}); is the file whole?") from error
    return torch.from_numpy(pixels).permute(2, 0, 1).float().div_(255)


def _write(path: Path, image_CHW: Tensor) -> None:
    """Write an 8-bit PNG under a temporary name, then give it its own: a cut never leaves half a file."""
    pixels = (image_CHW.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).contiguous().numpy()
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", suffix=".part", delete=False) as file:
            temporary = Path(file.name)
            Image.fromarray(pixels).save(file, format="PNG", compress_level=4)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        raise ImageError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
