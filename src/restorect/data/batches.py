"""Training batches, drawn by position: a run that is killed, resumed or shared by processes sees the same data.

Shapes: crops (B, 3, p, p), views (B, 3, v, v), float32 in [0, 1].
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from restorect.configs import require
from restorect.data.augment import dihedral, random_crop, random_int, relit
from restorect.data.degrade.simulator import Simulator
from restorect.data.store import ImageStore, PairStore
from restorect.errors import DataError

_TASKS = 2**48  # from this number on, generators draw what a position's sample is asked for
_REGIONS = 2**60  # beside all positions


class Batch(NamedTuple):
    """Crops of a degraded photo and its ground truth, and thumbnails of the larger region they lie in.

    Attributes:
        low: crops (B, 3, p, p).
        high: crops (B, 3, p, p).
        low_view: thumbnails (B, 3, v, v).
        high_view: thumbnails (B, 3, v, v).
        keys: (B,) integers on the CPU, one for each region that a photo is seen in; None where each is drawn anew.
    """

    low: Tensor
    high: Tensor
    low_view: Tensor
    high_view: Tensor
    keys: Tensor | None = None

    def pick(self, places: list[int]) -> "Batch":
        """Some of the samples."""
        return Batch(*(None if x is None else x[places] for x in self))  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True)
class SamplingConfig:
    """How samples are drawn.

    Attributes:
        simulate: share of the pairs whose degraded photo is simulated from the clean one instead.
        identity: share of the samples that are given the good photo itself: it must come out as it is.
        fused: share of the samples of pairs with two references that are trained towards the second.
        half: sources (what stands before "-" in a name) whose photos are shrunk to half their size as they are read.
        region: longest side of the region that a crop and its view are taken from, in pixels.
        region_scale: a region's sides are at least this share of the photo's.
        turn: turn photos by quarters too; without it they are only mirrored, and up stays up.
        light: the degraded photo's light is varied by this deviation of its logarithm; the good one stays.
        cast: the light of each of its channels by itself, likewise: other waters, other lamps.
        contrast: its contrast, likewise.
        regions: each photo is seen in so many regions, each with its turn, light and simulated night, so that codes
            can be remembered; 0 draws every one anew.
    """

    simulate: float = 0.15
    identity: float = 0.0
    fused: float = 0.0
    half: tuple[str, ...] = ()
    region: int = 512
    region_scale: float = 0.7
    turn: bool = True
    light: float = 0.0
    cast: float = 0.0
    contrast: float = 0.0
    regions: int = 0

    def __post_init__(self) -> None:
        for name in ("simulate", "identity", "fused"):
            share = getattr(self, name)
            require(0 <= share <= 1, f"{name} is {share}; it is a share from 0 to 1")
        require(
            all(source and "-" not in source for source in self.half),
            f"half is {list(self.half)}; give what stands before the first - in names, for example [sice]",
        )
        require(self.region >= 32, f"region is {self.region}; it must be at least 32 pixels")
        require(min(self.light, self.cast, self.contrast) >= 0, "light, cast and contrast must be at least 0")
        require(self.regions >= 0, f"regions is {self.regions}; it must be at least 0")
        require(0 < self.region_scale <= 1, f"region_scale is {self.region_scale}; it is a share above 0, up to 1")


class BatchMaker:
    """Samples by position: position p belongs to epoch p // len, and each item comes once in an epoch.

    Args:
        pairs: real pairs.
        clean: clean photographs, always simulated; may be empty.
        simulator: makes a pair of a clean (3, H, W).
        config: how samples are drawn.
        view: side of the thumbnails for the prior encoders; 0 gives the crops themselves.
        seed: of everything random here.
    """

    def __init__(
        self, pairs: PairStore, clean: ImageStore, simulator: Simulator, config: SamplingConfig, view: int, seed: int
    ) -> None:
        if len(pairs) + len(clean) == 0:
            raise DataError("there is nothing to train on; give a folder with low/ and high/, or clean photographs")
        self.pairs, self.clean, self.simulator = pairs, clean, simulator
        self.config, self.view, self.seed = config, view, seed
        self._epoch, self._order = -1, torch.empty(0, dtype=torch.long)

    def __len__(self) -> int:
        return len(self.pairs) + len(self.clean)

    def item_at(self, position: int) -> int:
        """Which item a position shows: a fresh random order in each epoch."""
        epoch, place = divmod(position, len(self))
        if epoch != self._epoch:
            self._epoch, self._order = epoch, torch.randperm(len(self), generator=generator_for(self.seed, -1 - epoch))
        return int(self._order[place])

    def batch(self, positions: Sequence[int], patch: int) -> Batch:
        """The batch of these positions, with crops of side `patch`."""
        samples = [self._sample(position, patch) for position in positions]
        low, high, low_view, high_view = (torch.stack(images) for images in zip(*samples, strict=True))
        keys = torch.tensor([self.key_at(position) for position in positions]) if self.config.regions else None
        return Batch(low, high, low_view, high_view, keys)

    def key_at(self, position: int) -> int:
        """The number of the region that a position shows, if regions are fixed."""
        return self.item_at(position) * self.config.regions + position // len(self) % self.config.regions

    def _sample(self, position: int, patch: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        generator = generator_for(self.seed, position)
        if not self.config.regions:
            low, high = self._region(self.item_at(position), position, patch, generator)
        else:  # a region smaller than the crop grows to it, and its codes stay what they were
            number = _REGIONS + self.key_at(position)
            low, high = self._region(self.item_at(position), number, patch, generator_for(self.seed, number))
        crop_low, crop_high = random_crop([low, high], patch, patch, generator)
        if self.view == 0:
            return crop_low, crop_high, crop_low, crop_high
        low_view, high_view = (F.interpolate(x[None], (self.view, self.view), mode="area")[0] for x in (low, high))
        return crop_low, crop_high, low_view, high_view

    def _region(self, item: int, number: int, patch: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """A random part of the photo, at least `patch` on each side, turned or flipped, as float pair."""
        # Drawn by themselves, so that with other shares the rest of a sample stays what it is.
        towards, same = torch.rand(2, generator=generator_for(self.seed, _TASKS + number)).tolist()
        simulated = float(torch.rand(1, generator=generator)) < self.config.simulate
        if item >= len(self.pairs):
            photo = self.clean[item - len(self.pairs)]
            images, simulated = [photo, photo], True
        else:
            images = list(self.pairs[item])
            fused = self.pairs.fused(item) if towards < self.config.fused else None
            images[1] = images[1] if fused is None else fused
        H, W = images[0].shape[-2:]
        scale = self.config.region_scale + (1 - self.config.region_scale) * float(torch.rand(1, generator=generator))
        height, width = (max(patch, min(self.config.region, round(scale * side))) for side in (H, W))
        images = random_crop(images, height, width, generator)
        turn = random_int(8, generator) if self.config.turn else 4 * random_int(2, generator)
        images = dihedral(images, turn)
        low, high = (_at_least(image.float() / 255, patch) for image in images)
        if same < self.config.identity:
            return high, high
        if simulated:
            low, high = self.simulator(high, generator)
        c = self.config
        return relit(low, generator, light=c.light, cast=c.cast, contrast=c.contrast), high


def generator_for(seed: int, number: int) -> torch.Generator:
    """A CPU generator that depends on both numbers only; neighbours are unrelated."""
    mixed = (seed * 0x9E3779B97F4A7C15 + (number + 2**32) * 0xBF58476D1CE4E5B9) & (2**64 - 1)
    mixed = ((mixed ^ (mixed >> 31)) * 0x94D049BB133111EB) & (2**63 - 1)
    return torch.Generator().manual_seed(mixed)


def _at_least(image: Tensor, side: int) -> Tensor:
    """Enlarge a photo smaller than the crop; padding it would teach the network its borders."""
    H, W = image.shape[-2:]
    if min(H, W) >= side:
        return image
    size = max(H, side), max(W, side)
    return F.interpolate(image[None], size, mode="bilinear", align_corners=False)[0]
