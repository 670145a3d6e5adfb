"""How to restore a photograph, and what came of it: the same for one call, for a batch, and whatever networks do it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from restorect.auto.decision import Decision
from restorect.configs import require

if TYPE_CHECKING:
    from restorect.infer.networks import Network
    from restorect.nets.student import Start
    from restorect.render.steps import Style

_MOST_SAMPLES, _MOST_STOPS = 99, 3


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to restore a photograph; checked when made.

    Attributes:
        strength: 0 returns the image, 1 the full restoration, between them a blend in linear light.
        brightness: stops, from -3 to 3, that the restoration is made brighter by; 0 leaves it as predicted.
        seed: of the flow's noise; several samples take it and the next ones.
        samples: how many restorations to give, each from noise of its own.
        uncertainty: tell how far they lie apart too (or 8 others do, where only one is given).
        steps: of the flow; None for the network's default.
        start: "noise" or "mean"; None for the network's default, or "noise" for several samples.
        style: "natural" as people want it; "reference" without the steps that lead away from single exposures, which
            benchmarks compare with.
        fast: let the network see about a megapixel, and carry what it does to full size as a gain: quick, without
            taking noise from large photographs.

    Raises:
        ConfigError: a value is out of range.
    """

    strength: float = 1.0
    brightness: float = 0.0
    seed: int = 0
    samples: int = 1
    uncertainty: bool = False
    steps: int | None = None
    start: "Start | None" = None
    style: "Style" = "natural"
    fast: bool = False

    def __post_init__(self) -> None:
        require(0 <= self.strength <= 1, f"strength is {self.strength:g}; it must be from 0 to 1")
        in_range = -_MOST_STOPS <= self.brightness <= _MOST_STOPS
        require(in_range, f"brightness is {self.brightness:g}; it must be from -{_MOST_STOPS} to {_MOST_STOPS} stops")
        in_range = 1 <= self.samples <= _MOST_SAMPLES
        require(in_range, f"samples is {self.samples}; it must be at least 1, at most {_MOST_SAMPLES}")
        in_range = self.steps is None or 1 <= self.steps <= 1000
        require(in_range, f"steps is {self.steps}; it must be at least 1, at most 1000")
        require(self.start in (None, "noise", "mean"), f"start is {self.start!r}; choose noise or mean")
        require(self.style in ("natural", "reference"), f"style is {self.style!r}; choose natural or reference")
        require(0 <= self.seed < 2**62, f"seed is {self.seed}; it must be from 0 to below 2^62")


@dataclass(frozen=True, kw_only=True)
class Restored:
    """What came of one photograph.

    Attributes:
        images: as many as there are samples, from darker to brighter, of the kind, shape and type of the photograph.
        spread: how far restorations lie apart, as of `Restorer.uncertainty`; None where that was not asked for, or
            nothing was restored.
        decision: what the photograph was taken for; None where the task was given, or strength 0 needs none.
        by: the networks that restored it; None where none did, and the images are copies.
    """

    images: list[Any]
    spread: Any = None
    decision: Decision | None = None
    by: "Network | None" = None
