"""What training samples are drawn from: every draw by position, so that it depends on nothing else.

Shapes: B samples.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from restorect.configs import require

SIMULATIONS = 2**48  # generators of numbers from here on are those of simulations


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
            can be remembered; 0 draws every one anew. A region smaller than the crop grows to it.
        nights: simulated photos are prepared whole, so many of each photo, when they are first drawn, and then kept; 0
            simulates each sample anew. Worth it on a GPU, where a simulation takes longer than a training step.
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
    nights: int = 0

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
        require(self.nights >= 0, f"nights is {self.nights}; it must be at least 0")
        require(0 < self.region_scale <= 1, f"region_scale is {self.region_scale}; it is a share above 0, up to 1")


class Draws(NamedTuple):
    """The draws of a batch, (B,) unless they say otherwise, on the CPU; shares are uniform in [0, 1)."""

    simulated: Tensor  # bool
    same: Tensor  # bool: the good photo is given itself
    second: Tensor  # bool: towards the second reference, where there is one
    night: Tensor  # share
    scale: Tensor  # of the region, from the least of the config to 1
    place: Tensor  # (B, 2) share: of the region in the photo
    corner: Tensor  # (B, 2) share: of the crop in the region
    turns: Tensor  # (B, 3) bool, as in `flat.squares`
    light: Tensor  # (B, 5) standard normal

    def at(self, members: Tensor) -> "Draws":
        """Those of some samples."""
        return Draws(*(values[members] for values in self))


def draw(positions: Sequence[int], config: SamplingConfig, seed: int) -> Draws:
    """What the samples of these positions are; the same numbers are drawn whatever the config says."""
    generators = [generator_for(seed, position) for position in positions]
    shares = torch.stack([torch.rand(12, generator=generator) for generator in generators]).double().T
    light = torch.stack([torch.randn(5, generator=generator) for generator in generators])
    simulated, same, second = shares[:3] < torch.tensor([[config.simulate], [config.identity], [config.fused]])
    turns = shares[4:7].T < 0.5
    turns[:, :2] &= config.turn  # up stays up in the others
    return Draws(
        simulated=simulated,
        same=same,
        second=second,
        night=shares[3],
        scale=config.region_scale + (1 - config.region_scale) * shares[7],
        place=shares[8:10].T,
        corner=shares[10:12].T,
        turns=turns,
        light=light,
    )


def generator_for(seed: int, number: int) -> torch.Generator:
    """A CPU generator that depends on both numbers only; neighbours are unrelated."""
    mixed = (seed * 0x9E3779B97F4A7C15 + (number + 2**32) * 0xBF58476D1CE4E5B9) & (2**64 - 1)
    mixed = ((mixed ^ (mixed >> 31)) * 0x94D049BB133111EB) & (2**63 - 1)
    return torch.Generator().manual_seed(mixed)
