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
from restorect.nets.balance import BalanceConfig, balance
from restorect.nets.blocks import CODE_SIZE
from restorect.nets.codes import Codes, mean_codes, noise_codes
from restorect.nets.exposure import ExposureConfig, ExposureNet, shrink_exposure
from restorect.nets.hue import keep_hue
from restorect.nets.priors import THUMBNAIL, ImagePrior, PriorConfig, RetinexPrior, view_of
from restorect.nets.transformer import Transformer, TransformerConfig
from restorect.retinex.decomposition import DecompositionNet, RetinexParts

Start = Literal["noise", "mean"]
_MEANS = (0.05, 0.9)  # a good photograph is not expected to be darker or brighter


@dataclass(frozen=True, kw_only=True)
class StudentConfig:
    """The shape of the student, and how its flow is sampled by default.

    Attributes:
        transformer: the network that restores.
        conditions: the encoders that read the degraded photograph.
        velocity: the velocity nets, one a code.
        steps: steps of the sampler.
        method: "euler" or "heun".
        start: "noise" (seeded) or "mean" (zeros).
        flow: False regresses the code in one evaluation from the mean start, for the ablation.
        balance: the white balance in front of everything else; None leaves photographs as they are.
        exposure: the net that predicts how bright the good photo is; None takes the balanced photo's mean, and without
            a balance `exposure_mean`.
        exposure_mean: mean of good photos.
        exposure_trust: how far a restoration's own mean is kept against the predicted one; 1 keeps it.
        hue: whether lights keep their hue; see `keep_hue`.
        floor: no value becomes darker than this share of what it was, for tasks that brighten: networks know few lights
            in the dark, and may burn holes into one that they do not know.
    """

    transformer: TransformerConfig = field(default_factory=TransformerConfig)
    conditions: PriorConfig = field(default_factory=PriorConfig)
    velocity: VelocityConfig = field(default_factory=VelocityConfig)
    steps: int = 4
    method: Method = "euler"
    start: Start = "noise"
    flow: bool = True
    balance: BalanceConfig | None = None
    exposure: ExposureConfig | None = None
    exposure_mean: float = 0.45
    exposure_trust: float = 1.0
    hue: bool = False
    floor: float = 0.0

    def __post_init__(self) -> None:
        require(0 < self.exposure_mean < 1, f"exposure_mean is {self.exposure_mean}; it must be above 0 and below 1")
        require(0 <= self.floor <= 1, f"floor is {self.floor}; it must be from 0 to 1")
        require(0 <= self.exposure_trust <= 1, f"exposure_trust is {self.exposure_trust}; it must be from 0 to 1")
        require(1 <= self.steps <= 1000, f"steps is {self.steps}; a flow has 1 to 1000")


class Student(nn.Module):
    """Condition encoders, two velocity nets, and the transformer; the decomposition inside is frozen."""

    def __init__(self, config: StudentConfig) -> None:
        super().__init__()
        self.config = config
        self.decompose = DecompositionNet().requires_grad_(False)
        self.image_condition = ImagePrior(1, config.conditions)
        self.retinex_condition = RetinexPrior(1, config.conditions)
        self.image_flow = VelocityNet(CODE_SIZE, config.velocity)
        self.retinex_flow = VelocityNet(CODE_SIZE, config.velocity)
        self.transformer = Transformer(config.transformer)
        self.exposure = ExposureNet(config.exposure, config.exposure_mean) if config.exposure else None

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

    def balanced(self, image: Tensor, view: Tensor | None = None) -> Tensor:
        """What encoders and transformer see of an image (B, 3, H, W).

        Args:
            image: a degraded photograph in [0, 1], or a crop of one.
            view: the whole photograph, where the image is a crop.
        """
        if self.config.balance is None:
            return image
        with full_precision(image.device):
            return balance(image, image if view is None else view, self.config.balance)

    def read(self, low: Tensor, parts: RetinexParts | None = None) -> Codes:
        """The conditions of a degraded photograph (B, 3, H, W) in [0, 1]; `parts` of its view, if they are known."""
        view = self.balanced(view_of(low, self.config.conditions.view))
        with full_precision(low.device):  # what sets photographs apart is small beside what they share
            parts = self.decompose(view) if parts is None else parts
            return Codes(self.retinex_condition(parts), self.image_condition(view))

    @torch.no_grad()
    def calibrate(self, low: Tensor) -> None:
        """Start the running figures of fresh encoders from these photos; see `PriorTrunk.calibrate`."""
        view = self.balanced(view_of(low, self.config.conditions.view))
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

    def restore(self, low: Tensor, codes: Codes, mean: Codes | None = None) -> Tensor:
        """Restore a photograph (B, 3, H, W) with given codes, to an image of its shape.

        Args:
            low: the photograph in [0, 1].
            codes: what it is restored with.
            mean: the codes of the mean start, when `codes` are others: how much brighter or darker these make the
                photo is then kept, for that is what samples are drawn for.
        """
        image = self._image(low, codes)
        with full_precision(low.device):
            if self.config.exposure_trust < 1:
                image = shrink_exposure(image, self._wanted_mean(low, codes, mean), self.config.exposure_trust)
            image = keep_hue(image, low) if self.config.hue else image
            return torch.maximum(image, self.config.floor * low) if self.config.floor > 0 else image

    def _wanted_mean(self, low: Tensor, codes: Codes, mean: Codes | None) -> Tensor | float:
        """What a restoration is drawn towards; as much brighter or darker as its codes are than the mean ones."""
        expected = self._expected_mean(low)
        return expected if mean is None else expected * self._brightness(low, codes) / self._brightness(low, mean)

    def _expected_mean(self, low: Tensor) -> Tensor | float:
        """How bright the good photograph is, by what is not the transformer: (B, 1), or one number for all."""
        if self.exposure is not None:
            return self.exposure(low)  # type: ignore[no-any-return]
        if self.config.balance is not None:
            return self.balanced(view_of(low, THUMBNAIL)).mean(dim=(1, 2, 3)).clamp(*_MEANS)[:, None]
        return self.config.exposure_mean

    def _image(self, low: Tensor, codes: Codes) -> Tensor:
        """What the transformer makes of the photograph, before its exposure is shrunk."""
        seen, config = self.balanced(low), self.config.balance
        image: Tensor = self.transformer(seen, *codes).image.float()
        return image if config is None else image.clamp(0, 1).lerp(seen, config.keep)

    def _brightness(self, low: Tensor, codes: Codes) -> Tensor:
        """Mean (B, 1) of a thumbnail restored with these codes, before its exposure is shrunk."""
        view = view_of(low, THUMBNAIL)
        return self._image(view, codes).clamp(1e-3, 1).mean(dim=(1, 2, 3))[:, None]

    def mean(self, conditions: Codes) -> Codes:
        """Both codes from the mean start: what samples lie around."""
        return self.generate(conditions, self.start(len(conditions.rex), "mean"))

    def forward(self, low: Tensor, start: Codes, steps: int | None = None) -> Tensor:
        """Restore a photograph (B, 3, H, W) of any size from 1x1 up, the flow starting at `start`."""
        conditions = self.read(low)
        mean = self.mean(conditions) if start.stacked().any() else None
        return self.restore(low, self.generate(conditions, start, steps), mean)
