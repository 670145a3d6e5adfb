"""Training batches, drawn by position: a run that is killed, resumed or shared by processes sees the same data.

Shapes: crops (B, 3, p, p), views (B, 3, v, v), float32 in [0, 1], channels last.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from restorect.data.augment import WHITE, LightJitter
from restorect.data.degrade.simulator import Simulator
from restorect.data.flat import FlatPhotos, Places, squares, thumbnails
from restorect.data.nights import Nights
from restorect.data.sampling import SIMULATIONS, Draws, SamplingConfig, draw, generator_for
from restorect.data.store import PairStore, as_stored
from restorect.errors import DataError

_REGIONS = 2**60  # from this number on, generators draw the regions that stay
_AT_ONCE = 64  # samples that are cut together; more take memory and save nothing


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


class BatchMaker:
    """Samples by position: position p belongs to epoch p // len, and each item comes once in an epoch.

    A sample is a region of a photo, turned, with a crop of it and a thumbnail of all of it. Crops of photos smaller
    than they are stretched; padding would teach the network its borders.

    Args:
        pairs: the pairs; clean photographs are pairs of themselves, and what is degraded of those is simulated.
        simulator: makes a degraded (3, H, W) of a clean one.
        config: how samples are drawn.
        view: side of the thumbnails for the prior encoders; 0 gives the crops themselves.
        seed: of everything random here.
        memory_gb: what prepared simulations may take.
    """

    def __init__(
        self,
        pairs: PairStore,
        simulator: Simulator,
        config: SamplingConfig,
        view: int,
        seed: int,
        memory_gb: float = float("inf"),
    ) -> None:
        if len(pairs) == 0:
            raise DataError("there is nothing to train on; give a folder with low/ and high/, or clean photographs")
        self.pairs, self.simulator = pairs, simulator
        self.config, self.view, self.seed = config, view, seed
        self._epoch, self._order = -1, torch.empty(0, dtype=torch.long)
        self._nights = self._prepared(memory_gb) if config.nights > 0 else None

    def __len__(self) -> int:
        return len(self.pairs)

    def item_at(self, position: int) -> int:
        """Which item a position shows: a fresh random order in each epoch."""
        epoch, place = divmod(position, len(self))
        if epoch != self._epoch:
            self._epoch, self._order = epoch, torch.randperm(len(self), generator=generator_for(self.seed, -1 - epoch))
        return int(self._order[place])

    def batch(self, positions: Sequence[int], patch: int) -> Batch:
        """The batch of these positions, with crops of side `patch`."""
        starts = range(0, len(positions), _AT_ONCE)
        parts = [self._batch(positions[start : start + _AT_ONCE], patch) for start in starts]
        keys = torch.tensor([self._key(position) for position in positions]) if self.config.regions else None
        low, high, low_view, high_view = _joined(parts)
        return Batch(low, high, low_view, high_view, keys)

    def _key(self, position: int) -> int:
        """The number of the region that a position shows, if regions stay."""
        return self.item_at(position) * self.config.regions + position // len(self) % self.config.regions

    def _batch(self, positions: Sequence[int], patch: int) -> Batch:
        """Real samples together and simulated ones together, then all in the order of the positions."""
        drawn, numbers = draw(positions, self.config, self.seed), list(positions)
        if self.config.regions:  # the region of its key, the crop of the position
            numbers = [_REGIONS + self._key(position) for position in positions]
            drawn = draw(numbers, self.config, self.seed)._replace(corner=drawn.corner)
        low, high, fused = self.pairs.numbers[[self.item_at(position) for position in positions]].T
        simulated = (drawn.simulated | (low == high)) & ~drawn.same
        high = torch.where(drawn.second & (fused >= 0), fused, high)
        regions = self._regions(drawn, high, patch)
        kinds = [torch.nonzero(kind)[:, 0] for kind in (~simulated, simulated)]
        parts = []
        if len(real := kinds[0]):
            photos, places = self.pairs.images.flat(torch.cat([low[real], high[real]]))
            parts.append(self._cut(photos, places, regions[real], drawn.at(real), patch))
        if len(made := kinds[1]):
            generators = [generator_for(self.seed, SIMULATIONS + numbers[place]) for place in made.tolist()]
            simulations = self._simulated(high[made], regions[made], drawn.night[made], generators)
            parts.append(self._cut(*simulations, drawn.at(made), patch))
        if len(parts) == 1:
            return parts[0]
        order = torch.cat(kinds).argsort().to(parts[0].low.device, non_blocking=True)
        return Batch(*(images[order] for images in _joined(parts)))

    def _regions(self, drawn: Draws, numbers: Tensor, patch: int) -> Tensor:
        """Top, left, height and width in these photos, (B, 4): at least `patch` each way, where there is as much."""
        whole = self.pairs.images.sizes[numbers]
        sides = (drawn.scale[:, None] * whole).round().long().clamp(max=self.config.region).clamp(min=patch)
        sides = torch.minimum(sides, whole)
        return torch.cat([(drawn.place * (whole - sides + 1)).long(), sides], dim=1)

    def _simulated(
        self, numbers: Tensor, regions: Tensor, shares: Tensor, generators: Sequence[torch.Generator]
    ) -> tuple[FlatPhotos, Tensor, Tensor]:
        """Simulations of regions of photos: where they are, the numbers of low and then of high, the regions there."""
        if self._nights is not None:
            return self._nights.photos, torch.cat(self._nights.pairs(numbers, shares)), regions
        photos, numbers = self.pairs.images.flat(numbers)
        lows, highs = [], []
        for number, (top, left, height, width), generator in zip(numbers, regions.tolist(), generators, strict=True):
            region = photos[int(number)][:, top : top + height, left : left + width]
            low, high = self._simulate(region, generator)
            lows.append(low)
            highs.append(high)
        simulations = FlatPhotos.of(lows + highs)
        return simulations, torch.arange(len(simulations)), F.pad(regions[:, 2:], (2, 0))

    def _simulate(self, stored: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """(low, high) of a good photo (3, H, W), all as photos are stored."""
        photo = stored.float() / WHITE
        low, high = self.simulator(photo, generator)
        return as_stored(low, stored.dtype), as_stored(high, stored.dtype)

    def _cut(self, photos: FlatPhotos, numbers: Tensor, regions: Tensor, drawn: Draws, patch: int) -> Batch:
        """The samples of B regions, of photos numbered (2B,): all low ones, then all high ones."""
        corners = (drawn.corner * ((regions[:, 2:] - patch).clamp(min=0) + 1)).long()
        regions, corners, turns = (values.repeat(2, 1) for values in (regions, corners, drawn.turns))
        places = photos.places(numbers, regions)
        lights = self._lights(drawn.light.to(photos.pixels.device, non_blocking=True))
        crops = squares(photos.pixels, places, corners, patch, turns)
        if lights is not None:
            lights(crops[: len(drawn.light)])
        finished = _finished(crops, drawn.same)
        if self.view == 0:
            return Batch(*finished, *finished)
        views = self._views(photos.pixels, places, lights)
        views = squares(views.flatten(), Places.of(views), torch.zeros_like(corners), self.view, turns)
        return Batch(*finished, *_finished(views, drawn.same))

    def _views(self, pixels: Tensor, places: Places, lights: LightJitter | None) -> Tensor:
        if lights is None:
            return thumbnails(pixels, places, self.view)
        low, high = (Places(*halves) for halves in zip(*(values.chunk(2) for values in places), strict=True))
        return torch.cat([thumbnails(pixels, low, self.view, lights), thumbnails(pixels, high, self.view)])

    def _lights(self, draws: Tensor) -> LightJitter | None:
        c = self.config
        if c.light == c.cast == c.contrast == 0:
            return None
        return LightJitter(draws, light=c.light, cast=c.cast, contrast=c.contrast)

    def _prepared(self, memory_gb: float) -> Nights:
        low, high, fused = self.pairs.numbers.T
        good = high if self.config.simulate > 0 else high[low == high]
        good = torch.cat([good, fused[fused >= 0]]) if self.config.simulate > 0 and self.config.fused > 0 else good
        nights = self.config.nights
        return Nights(self.pairs.images, good.unique(), nights, self._simulate, self.seed, memory_gb)


def _joined(parts: Sequence[Batch]) -> list[Tensor]:
    """The images of several batches as those of one."""
    return [torch.cat(images) if len(parts) > 1 else images[0] for images in zip(*(p[:4] for p in parts), strict=True)]


def _finished(images: Tensor, same: Tensor) -> tuple[Tensor, Tensor]:
    """(low, high) of (2B, 3, s, s) from 0 to 255, in place; low is high where it is to be the same."""
    low, high = images.div_(WHITE).chunk(2)
    return (
        torch.where(same.to(low.device, non_blocking=True)[:, None, None, None], high, low) if same.any() else low
    ), high
