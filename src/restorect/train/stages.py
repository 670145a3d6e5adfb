"""The stages of training, each a module from a batch to named losses (RestoRect; METHOD 9).

Shapes: batches as in `restorect.data.batches`; codes (B, 256).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from restorect.data.batches import Batch
from restorect.flow.path import draw_times, estimate_end, straight_path
from restorect.losses.colour import hvi_loss
from restorect.losses.flex import FlexLoss, sample_gate
from restorect.losses.flow import code_loss, velocity_loss
from restorect.losses.retinex import decomposition_loss, head_loss
from restorect.losses.structure import structure_loss
from restorect.nets.codes import Codes, mean_codes, noise_codes
from restorect.nets.exposure import ExposureNet
from restorect.nets.priors import MOMENTUM, Standardise
from restorect.nets.student import Student
from restorect.nets.teacher import Teacher
from restorect.nets.transformer import Transformer, TransformerOutput
from restorect.retinex.decomposition import DecompositionNet, DecompositionPair, RetinexParts
from restorect.train.recipes import ExposureRecipe, NetworkRecipe, StudentRecipe

Losses = dict[str, Tensor]
Predict = Callable[[nn.Module, Tensor, Tensor], Tensor]


class Stage(nn.Module):
    """What the loop trains: `forward` gives losses that add up, and figures that are only logged.

    Attributes:
        network: what is averaged, validated and saved.
        helpers: further learned modules, kept in the training state only.
        started: whether the network's encoders come from an earlier run.
        frozen: networks that are only looked at, such as the teacher.
    """

    network: nn.Module
    helpers: nn.ModuleList
    started: bool = False
    frozen: tuple[nn.Module, ...] = ()

    def train(self, mode: bool = True) -> "Stage":
        """Set the mode of everything but the frozen networks, which stay in eval mode throughout."""
        super().train(mode)
        for module in self.frozen:
            module.eval()
        return self

    def forward(self, batch: Batch, generator: torch.Generator) -> tuple[Losses, Losses]:
        """(losses to be added up, figures to be logged), each a dict of scalars."""
        raise NotImplementedError

    def calibrate(self, network: nn.Module, batch: Batch) -> None:
        """Set the running figures of a fresh network of this stage from a large batch; not called if `started`."""

    def follow(self, share: float) -> None:
        """Let running figures follow the batches at this share of their usual pace; called before each step."""
        for module in self.network.modules():
            if isinstance(module, Standardise):
                module.momentum = share * MOMENTUM

    def after_step(self) -> None:
        """Called after each optimiser step."""

    def predict(self, network: nn.Module, low: Tensor, high: Tensor) -> Tensor:
        """The validation image (B, 3, H, W) of a network of this stage."""
        raise NotImplementedError


class DecompositionStage(Stage):
    """Stage 0."""

    def __init__(self, network: DecompositionPair) -> None:
        super().__init__()
        self.network: DecompositionPair = network
        self.helpers = nn.ModuleList()

    def forward(self, batch: Batch, generator: torch.Generator) -> tuple[Losses, Losses]:
        """The losses of METHOD 2 and 3 on the crops."""
        low, high = self.network.low(batch.low), self.network.high(batch.high)
        losses = decomposition_loss(batch.low, batch.high, low, high, self.network.diffusion)
        return losses, {"s": self.network.diffusion.s.detach()}

    def after_step(self) -> None:
        """Keep the edge threshold within its bounds."""
        self.network.diffusion.clamp_()

    def predict(self, network: nn.Module, low: Tensor, high: Tensor) -> Tensor:
        """The clean photo taken apart and put together again."""
        parts: RetinexParts = cast(DecompositionPair, network).high(high)
        return parts.image()


@dataclass(frozen=True, kw_only=True)
class ImageWeights:
    """Weights of the losses on images."""

    hvi: float = 0.05
    head: float = 1.0
    structure: float = 0.0

    @classmethod
    def of(cls, recipe: NetworkRecipe) -> "ImageWeights":
        """Those of a recipe."""
        return cls(hvi=recipe.hvi, head=recipe.head, structure=recipe.structure)


def image_losses(
    output: TransformerOutput, batch: Batch, transformer: Transformer, decompose_high: DecompositionNet, w: ImageWeights
) -> Losses:
    """L1, colour loss, structure loss and the two auxiliary Retinex losses of stage 1 and 2b."""
    losses = {"l1": F.l1_loss(output.image.float(), batch.high)}
    if w.hvi > 0:
        losses["hvi"] = w.hvi * hvi_loss(output.image, batch.high)
    if w.structure > 0:
        losses["structure"] = w.structure * structure_loss(output.image, batch.high)
    if w.head > 0:
        with torch.no_grad():
            target = decompose_high(batch.high)
        encoder, decoder = head_loss(
            transformer.head(output.encoder1), transformer.head(output.decoder_input), batch.low, target
        )
        losses |= {"head_encoder": w.head * encoder, "head_decoder": w.head * decoder}
    return losses


class TeacherStage(Stage):
    """Stage 1."""

    def __init__(self, network: Teacher, weights: ImageWeights, *, started: bool = False) -> None:
        super().__init__()
        self.started = started
        self.network: Teacher = network
        self.helpers = nn.ModuleList()
        self.weights = weights

    def forward(self, batch: Batch, generator: torch.Generator) -> tuple[Losses, Losses]:
        """Restore the crops with the codes of their pair."""
        teacher = self.network
        output = teacher.transformer(batch.low, *teacher.encode(batch.low_view, batch.high_view))
        losses = image_losses(output, batch, teacher.transformer, teacher.decomposition.high, self.weights)
        return losses, {}

    def calibrate(self, network: nn.Module, batch: Batch) -> None:
        """Those of the teacher's encoders."""
        cast(Teacher, network).calibrate(batch.low_view, batch.high_view)

    def predict(self, network: nn.Module, low: Tensor, high: Tensor) -> Tensor:
        """Restore with the codes of the pair."""
        return network(low, high).image  # type: ignore[no-any-return]


class _StudentStage(Stage):
    network: Student
    teacher: Teacher

    def __init__(self, network: Student, recipe: StudentRecipe) -> None:
        super().__init__()
        self.started = bool(recipe.init)
        self.network = network
        self.helpers = nn.ModuleList()
        self.recipe = recipe

    def calibrate(self, network: nn.Module, batch: Batch) -> None:
        """Those of the condition encoders."""
        cast(Student, network).calibrate(batch.low_view)

    def start(self, count: int, generator: torch.Generator, device: torch.device) -> Codes:
        """Where the flow starts."""
        if self.recipe.start == "mean":
            return mean_codes(count, device)
        return noise_codes(count, generator, device)

    def predict(self, network: nn.Module, low: Tensor, high: Tensor) -> Tensor:
        """Restore with generated codes; the same noise for every photo, as at inference."""
        student = cast(Student, network)
        return cast(Tensor, student(low, student.start(len(low))))

    def flow_losses(self, conditions: Codes, target: Codes, generator: torch.Generator) -> tuple[Tensor, Codes]:
        """(velocity loss, one-step estimates of the codes) at random times of the path to the teacher's codes."""
        count, device = len(target.rex), target.rex.device
        noise = noise_codes(count, generator, device)
        t = draw_times(count, generator, device)
        rex, img = straight_path(noise.rex, target.rex, t), straight_path(noise.img, target.img, t)
        v = self.network.velocity(Codes(rex.x_t, img.x_t), t, conditions)
        near = Codes(estimate_end(rex.x_t, t, v.rex), estimate_end(img.x_t, t, v.img))
        return velocity_loss(v, Codes(rex.velocity, img.velocity)), near

    def tone_losses(self, batch: Batch, generated: Codes, target: Codes) -> Losses:
        """L1 between the views as the two nets' tone curves show them: code errors by what they do to the exposure."""
        own, other = self.network.transformer.tone, self.teacher.transformer.tone
        if self.recipe.tone == 0 or own is None or other is None:
            return {}
        with torch.no_grad():
            shown = other(batch.low_view, *target)
        seen = self.network.balanced(batch.low_view)
        return {"tone": self.recipe.tone * F.l1_loss(own(seen, *generated), shown)}


class CodesStage(_StudentStage):
    """Stage 2a: the flow learns the teacher's codes; the transformer is frozen."""

    def __init__(self, network: Student, teacher: Teacher, recipe: StudentRecipe) -> None:
        super().__init__(network, recipe)
        self.teacher = teacher.requires_grad_(False)
        self.frozen = (teacher,)
        network.transformer.requires_grad_(False)

    def forward(self, batch: Batch, generator: torch.Generator) -> tuple[Losses, Losses]:
        """Velocity loss and code distillation on the views."""
        with torch.no_grad():
            target = self.teacher.encode(batch.low_view, batch.high_view)
        conditions = self.network.read(batch.low_view)
        start = self.start(len(batch.low), generator, batch.low.device)
        generated = self.network.generate(conditions, start)
        losses = {"codes": code_loss(generated, target)} | self.tone_losses(batch, generated, target)
        if self.recipe.flow:
            losses["velocity"] = self.flow_losses(conditions, target, generator)[0]
        return losses, {}


class StudentStage(_StudentStage):
    """Stage 2b: the whole student, distilled from a teacher."""

    def __init__(self, network: Student, teacher: Teacher, recipe: StudentRecipe) -> None:
        super().__init__(network, recipe)
        self.started = self.started or recipe.codes_share > 0  # stage 2a has begun the conditions
        self.teacher = teacher.requires_grad_(False)
        self.frozen = (teacher,)
        network.transformer.requires_grad_(True)
        self.weights = ImageWeights.of(recipe)
        self.flex = FlexLoss(_decoder_channels(network.transformer), _decoder_channels(teacher.transformer))
        self.helpers.append(self.flex)

    def forward(self, batch: Batch, generator: torch.Generator) -> tuple[Losses, Losses]:
        """Image losses through the unrolled flow, code distillation, velocity loss and FLEX."""
        recipe, student = self.recipe, self.network
        with torch.no_grad():
            target = self.teacher.encode(batch.low_view, batch.high_view)
        conditions = student.read(batch.low_view)
        generated = student.generate(conditions, self.start(len(batch.low), generator, batch.low.device))
        distilled: Losses = {"codes": recipe.codes * code_loss(generated, target)}
        distilled |= self.tone_losses(batch, generated, target)
        fed = generated
        if recipe.flow:
            velocity, near = self.flow_losses(conditions, target, generator)
            distilled["velocity"] = recipe.velocity * velocity
            fed = _mixed(generated, near, recipe.near_codes, generator)
        if recipe.detach_codes:
            fed = fed.detached()
        # Crops divide by the multiples of both nets, so their maps cover the same pixels.
        output = student.transformer(student.balanced(batch.low, batch.low_view), *fed)
        losses = image_losses(output, batch, student.transformer, self.teacher.decomposition.high, self.weights)
        losses |= distilled
        gate = sample_gate(fed.stacked().float(), target.stacked().float())
        if recipe.flex > 0:
            with torch.no_grad():
                reference = self.teacher.transformer(batch.low, *target)
            losses["flex"] = recipe.flex * self.flex(_decoder(output), _decoder(reference), gate)
        return losses, {"gate": gate.mean()}


class DirectStage(_StudentStage):
    """No teacher: the student's network is trained on images alone, for comparison."""

    def __init__(self, network: Student, decompose_high: DecompositionNet, recipe: StudentRecipe) -> None:
        super().__init__(network, recipe)
        self.decompose_high = decompose_high.requires_grad_(False)
        self.weights = ImageWeights.of(recipe)

    def forward(self, batch: Batch, generator: torch.Generator) -> tuple[Losses, Losses]:
        """Image losses through the unrolled flow."""
        student = self.network
        start = self.start(len(batch.low), generator, batch.low.device)
        seen = student.balanced(batch.low, batch.low_view)
        output = student.transformer(seen, *student.generate(student.read(batch.low_view), start))
        return image_losses(output, batch, student.transformer, self.decompose_high, self.weights), {}


class ExposureStage(Stage):
    """Stage 3: the exposure net of a student learns how bright the good photos are; the rest is frozen."""

    network: Student

    def __init__(self, network: Student, recipe: ExposureRecipe) -> None:
        super().__init__()
        self.started = True
        self.network = network.requires_grad_(False)
        self.helpers = nn.ModuleList()
        self.recipe = recipe
        self.exposure.requires_grad_(True)

    @property
    def exposure(self) -> ExposureNet:
        """What is trained."""
        return cast(ExposureNet, self.network.exposure)

    def forward(self, batch: Batch, generator: torch.Generator) -> tuple[Losses, Losses]:
        """Smooth L1 between the predicted and the true mean, on the scale that is learned."""
        true = batch.high_view.mean(dim=(1, 2, 3))[:, None]
        wanted = torch.logit(true, eps=0.01)
        return {"exposure": F.smooth_l1_loss(self.exposure.logit(batch.low_view), wanted, beta=self.recipe.beta)}, {}

    def predict(self, network: nn.Module, low: Tensor, high: Tensor) -> Tensor:
        """Restore as the student does."""
        student = cast(Student, network)
        return cast(Tensor, student(low, student.start(len(low))))


def _mixed(generated: Codes, near: Codes, probability: float, generator: torch.Generator) -> Codes:
    """Each sample's generated codes or, with that probability, its one-step estimates."""
    count, device = len(generated.rex), generated.rex.device
    choose = (torch.rand(count, generator=generator) < probability).to(device)[:, None]
    return Codes(torch.where(choose, near.rex, generated.rex), torch.where(choose, near.img, generated.img))


def _decoder(output: TransformerOutput) -> tuple[Tensor, Tensor, Tensor]:
    return output.decoder3, output.decoder2, output.decoder1


def _decoder_channels(transformer: Transformer) -> tuple[int, int, int]:
    dim = transformer.config.dim
    return 4 * dim, 2 * dim, 2 * dim
