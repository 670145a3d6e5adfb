"""The student: sees the degraded photograph only, and generates the codes (RestoRect; METHOD 1, 6, 7).

Shapes: low_B3HW in [0, 1]; codes, noise and conditions (B, 256).
"""

from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor, nn

from restorect.configs import require
from restorect.devices import full_precision
from restorect.flow.sampler import Method, sample
from restorect.flow.velocity import VelocityConfig, VelocityNet
from restorect.nets.blocks import CODE_SIZE
from restorect.nets.codes import Codes, mean_codes, noise_codes
from restorect.nets.estimate import Estimate, EstimateConfig
from restorect.nets.priors import ImagePrior, PriorConfig, RetinexPrior
from restorect.nets.statistics import light_statistics
from restorect.nets.thumbnail import view_of
from restorect.nets.transformer import Transformer, TransformerConfig
from restorect.retinex.decomposition import DecompositionNet, RetinexParts

Start = Literal["noise", "mean"]


@dataclass(frozen=True, kw_only=True)
class StudentConfig:
    """The shape of the student, and how its flow is sampled by default.

    Attributes:
        transformer: the network that restores.
        conditions: the encoders that read the degraded photograph.
        estimate: what estimates the codes by what encoders and `light_statistics` see of a thumbnail; the flow is
            conditioned on that. None conditions it on the encoders alone.
        velocity: the velocity nets, one a code.
        steps: steps of the sampler.
        method: "euler" or "heun".
        start: "noise" (seeded) or "mean" (zeros).
        flow: False regresses the code in one evaluation from the mean start, for the ablation.
    """

    transformer: TransformerConfig = field(default_factory=TransformerConfig)
    conditions: PriorConfig = field(default_factory=PriorConfig)
    estimate: EstimateConfig | None = None
    velocity: VelocityConfig = field(default_factory=VelocityConfig)
    steps: int = 4
    method: Method = "euler"
    start: Start = "noise"
    flow: bool = True

    def __post_init__(self) -> None:
        require(1 <= self.steps <= 1000, f"steps is {self.steps}; a flow has 1 to 1000")
        require(self.estimate is None or self.conditions.view > 0, "an estimate needs conditions with a view above 0")


class Student(nn.Module):
    """Condition encoders, two velocity nets, and the transformer; the decomposition inside is frozen."""

    def __init__(self, config: StudentConfig) -> None:
        super().__init__()
        self.config = config
        self.decompose = DecompositionNet().requires_grad_(False)
        self.image_condition = ImagePrior(1, config.conditions)
        self.retinex_condition = RetinexPrior(1, config.conditions)
        self.estimate = None if config.estimate is None else Estimate(config.estimate)
        self.image_flow = VelocityNet(CODE_SIZE, config.velocity)
        self.retinex_flow = VelocityNet(CODE_SIZE, config.velocity)
        self.transformer = Transformer(config.transformer)

    def start(self, count: int, start: Start | None = None, seed: int = 0) -> Codes:
        """Where the flow starts at inference: by default as the config says.

        Args:
            count: how many photographs; all start from the same noise, so that each comes out as it would alone.
            start: "noise" or "mean"; None for the config's.
            seed: of the noise.
        """
        device = self.image_flow.output.weight.device
        if (start or self.config.start) == "mean":
            return mean_codes(count, device)
        one = noise_codes(1, torch.Generator().manual_seed(seed), device)
        return Codes(one.rex.expand(count, -1), one.img.expand(count, -1))

    def read(self, view: Tensor, parts: RetinexParts | None = None) -> Codes:
        """The conditions of a degraded photograph; arguments as for `look`."""
        return self.conditions_of(self.look(view, parts))

    def look(self, view: Tensor, parts: RetinexParts | None = None) -> Tensor:
        """What conditions are made of: all that is seen of a photograph (B, N), float32.

        Args:
            view: the photograph (B, 3, h, w), or what `view_of` makes of it.
            parts: its decomposition, if that is known.
        """
        view = view_of(view, self.config.conditions.view)
        with full_precision(view.device):  # what sets photographs apart is small beside what they share
            parts = self.decompose(view) if parts is None else parts
            seen = [self.retinex_condition(parts), self.image_condition(view)]
            return torch.cat(seen if self.estimate is None else [*seen, light_statistics(view)], dim=1)

    def conditions_of(self, seen: Tensor) -> Codes:
        """The conditions by what `look` saw."""
        if self.estimate is None:
            return Codes(*seen.chunk(2, dim=1))
        with full_precision(seen.device):
            return self.estimate(seen)  # type: ignore[no-any-return]

    @torch.no_grad()
    def calibrate(self, view: Tensor) -> None:
        """Start the running figures of fresh encoders from these photos; see `PriorTrunk.calibrate`."""
        view = view_of(view, self.config.conditions.view)
        self.retinex_condition.calibrate(self.decompose.of_many(view))
        self.image_condition.calibrate(view)

    def velocity(self, x_t: Codes, t: Tensor, conditions: Codes) -> Codes:
        """Velocities of both codes at times (B,)."""
        with full_precision(t.device):
            return Codes(
                self.retinex_flow(x_t.rex, t, conditions.rex),
                self.image_flow(x_t.img, t, conditions.img),
            )

    def generate(self, conditions: Codes, start: Codes, steps: int | None = None) -> Codes:
        """Both codes, by running the flow from `start`; without the flow, in one evaluation from the mean."""
        c = self.config
        if not c.flow:
            start, steps = mean_codes(len(conditions.rex), conditions.rex.device), 1
        count = c.steps if steps is None else steps
        with full_precision(start.rex.device):
            return Codes(
                sample(lambda x, t: self.retinex_flow(x, t, conditions.rex), start.rex, count, c.method),
                sample(lambda x, t: self.image_flow(x, t, conditions.img), start.img, count, c.method),
            )

    def mean(self, conditions: Codes) -> Codes:
        """Both codes from the mean start: what samples lie around."""
        return self.generate(conditions, self.start(len(conditions.rex), "mean"))

    def forward(self, low: Tensor, start: Codes, steps: int | None = None) -> Tensor:
        """Restore a photograph (B, 3, H, W) of any size from 1x1 up, the flow starting at `start`; unbounded."""
        codes = self.generate(self.read(low), start, steps)
        return self.transformer(low, *codes).image.float()  # type: ignore[no-any-return]
