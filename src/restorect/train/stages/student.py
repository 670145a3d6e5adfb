"""Stage 2: the student (RestoRect; METHOD 9). Its codes first, then its transformer with codes given, then the whole.

Shapes: codes (B, 256).
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from restorect.data.batches import Batch, BatchMaker
from restorect.flow.path import draw_times, estimate_end, straight_path
from restorect.losses.flex import FlexLoss, sample_gate
from restorect.losses.flow import code_loss, squared_loss
from restorect.nets.codes import Codes, mean_codes, noise_codes
from restorect.nets.teacher import Teacher
from restorect.nets.transformer import Transformer, TransformerOutput
from restorect.render.restoration import Restoration
from restorect.retinex.decomposition import DecompositionNet
from restorect.train.recipes import StudentRecipe
from restorect.train.stages.code_memory import CodeMemory
from restorect.train.stages.images import head_losses, image_losses
from restorect.train.stages.stage import Losses, Stage

_ENCODED = 64  # views encoded together
_TIMES = 8  # points of the path that stage 2a looks at for each photo


class _StudentStage(Stage):
    network: Restoration

    def __init__(self, network: Restoration, recipe: StudentRecipe) -> None:
        super().__init__()
        self.started = bool(recipe.init)
        self.network = network
        self.student = network.student
        self.helpers = nn.ModuleList()
        self.recipe = recipe
        self.weights = recipe.loss

    def calibrate(self, network: nn.Module, batch: Batch) -> None:
        """Those of the condition encoders."""
        cast(Restoration, network).calibrate(batch.low_view)

    def start(self, count: int, generator: torch.Generator, device: torch.device) -> Codes:
        """Where the flow starts."""
        if self.student.config.start == "mean":
            return mean_codes(count, device)
        return noise_codes(count, generator, device)

    def predict(self, network: nn.Module, low: Tensor, high: Tensor) -> Tensor:
        """Restore with generated codes as at inference, the same noise for every photo; in the style of references."""
        return cast(Tensor, cast(Restoration, network).in_style("reference")(low))


class _DistilledStage(_StudentStage):
    """What the stages with a teacher share."""

    teacher: Teacher

    def __init__(self, network: Restoration, teacher: Teacher, recipe: StudentRecipe) -> None:
        super().__init__(network, recipe)
        self.teacher = teacher.requires_grad_(False)
        self.frozen = (teacher,)
        # Without a balance both read the same decomposition of the same view.
        theirs, ours = teacher.decomposition.low.state_dict(), network.student.decompose.state_dict()
        same = all(torch.equal(theirs[name], ours[name]) for name in theirs)
        self._shares_parts = same and not network.before

    def encoded(self, batch: Batch) -> tuple[Codes, Tensor]:
        """(the teacher's codes, what the student sees) of the views; the codes without gradient."""
        with torch.no_grad():
            parts = self.teacher.parts(batch.low_view)
            target = self.teacher.encode(batch.low_view, batch.high_view, parts)
        return target, self.network.look(batch.low_view, parts if self._shares_parts else None)

    def estimate_losses(self, conditions: Codes, target: Codes) -> tuple[Losses, Codes]:
        """(squared error of an estimate, the conditions): an estimate is a regression, which the flow does not bend."""
        if self.student.estimate is None:
            return {}, conditions
        return {"estimate": squared_loss(conditions, target)}, conditions.detached()

    def flow_losses(self, conditions: Codes, target: Codes, generator: torch.Generator) -> tuple[Tensor, Codes]:
        """(velocity loss, one-step estimates of the codes) at random times of the path to the teacher's codes."""
        count, device = len(target.rex), target.rex.device
        noise = noise_codes(count, generator, device)
        t = draw_times(count, generator, device)
        rex, img = straight_path(noise.rex, target.rex, t), straight_path(noise.img, target.img, t)
        v = self.student.velocity(Codes(rex.x_t, img.x_t), t, conditions)
        near = Codes(estimate_end(rex.x_t, t, v.rex), estimate_end(img.x_t, t, v.img))
        return squared_loss(v, Codes(rex.velocity, img.velocity)), near

    def tone_losses(self, batch: Batch, generated: Codes, target: Codes) -> Losses:
        """L1 between the views as the two nets' tone curves show them: code errors by what they do to the exposure."""
        own, other = self.student.transformer.stem.tone, self.teacher.transformer.stem.tone
        if self.weights.tone == 0 or own is None or other is None:
            return {}
        with torch.no_grad():
            shown = other(batch.low_view, *target)
        seen = self.network.see(batch.low_view)
        return {"tone": self.weights.tone * F.l1_loss(own(seen, *generated), shown)}


class CodesStage(_DistilledStage):
    """Stage 2a: the flow learns the teacher's codes; the transformer is frozen."""

    def __init__(self, network: Restoration, teacher: Teacher, recipe: StudentRecipe) -> None:
        super().__init__(network, teacher, recipe)
        network.student.transformer.requires_grad_(False)

    def forward(self, batch: Batch, generator: torch.Generator) -> tuple[Losses, Losses]:
        """Velocity loss and code distillation on the views."""
        target, seen = self.encoded(batch)
        losses, conditions = self.estimate_losses(self.student.conditions_of(seen), target)
        start = self.start(len(batch.low), generator, batch.low.device)
        generated = self.student.generate(conditions, start)
        losses |= {"codes": code_loss(generated, target)} | self.tone_losses(batch, generated, target)
        if self.student.config.flow:  # times and noise cost next to nothing beside the encoders
            losses["velocity"] = self.flow_losses(_repeated(conditions), _repeated(target), generator)[0]
        error = (generated.stacked() - target.stacked()).detach().square().mean()
        return losses, {"code_error": error}


class FlowStage(CodesStage):
    """Stage 2a, second part: estimate and flow alone, on codes and what is seen, which are remembered.

    The encoders are nearly all that a step of stage 2a costs, and rest much sooner than the flow.
    """

    def __init__(self, network: Restoration, teacher: Teacher, recipe: StudentRecipe) -> None:
        super().__init__(network, teacher, recipe)
        self.started = True
        network.requires_grad_(False)
        student = network.student
        for part in (student.estimate, student.image_flow, student.retinex_flow):
            if part is not None:
                part.requires_grad_(True)
        self.frozen = (teacher, network.student.image_condition, network.student.retinex_condition)
        self.memory = CodeMemory()

    def encoded(self, batch: Batch) -> tuple[Codes, Tensor]:
        """(the teacher's codes, what the student sees) of the views, all without gradient."""
        with torch.no_grad():
            return self.memory.recall(batch, super().encoded)


class _FeatureStage(_DistilledStage):
    """What the stages share in which the transformer learns from the teacher's features."""

    def __init__(self, network: Restoration, teacher: Teacher, recipe: StudentRecipe) -> None:
        super().__init__(network, teacher, recipe)
        network.student.transformer.requires_grad_(True)
        self.flex = FlexLoss(_decoder_channels(network.student.transformer), _decoder_channels(teacher.transformer))
        self.helpers.append(self.flex)
        self._pace = 1.0

    def follow(self, share: float) -> None:
        """FLEX fades with the learning rate: what helps a beginner holds back who knows more than the teacher shows."""
        super().follow(share)
        self._pace = share

    def flex_losses(self, output: TransformerOutput, low: Tensor, target: Codes, gate: Tensor) -> Losses:
        """FLEX of the first samples of `output`, as many as there are in `low` (B, 3, H, W)."""
        if self.weights.flex == 0:
            return {}
        with torch.no_grad():
            reference = self.teacher.transformer(low, *target)
        # Crops divide by the multiples of both nets, so their maps cover the same pixels.
        ours = [features[: len(low)] for features in _decoder(output)]
        return {"flex": self._pace * self.weights.flex * self.flex(ours, _decoder(reference), gate)}


class TransformerStage(_FeatureStage):
    """Stage 2b, first part: the transformer learns with codes that are given, the rest of the student is frozen.

    The first half of a batch gets the teacher's codes, the second half what the flow generates. Codes and conditions
    belong to photos, not to crops, so they are encoded once and remembered: a step costs a third of a whole one.
    FLEX looks at the first half, which passes its gate by definition.
    """

    def __init__(self, network: Restoration, teacher: Teacher, recipe: StudentRecipe) -> None:
        super().__init__(network, teacher, recipe)
        self.started = True
        network.requires_grad_(False)
        network.student.transformer.requires_grad_(True)
        self.frozen = (teacher, *(part for name, part in network.student.named_children() if name != "transformer"))
        self.memory = CodeMemory()

    @property
    def repeats(self) -> bool:  # type: ignore[override]
        """FLEX changes its weight from step to step."""
        return self.weights.flex == 0

    def forward(self, batch: Batch, generator: torch.Generator) -> tuple[Losses, Losses]:
        """Image losses and FLEX."""
        return self.learn(*self.given(batch, generator)), {}

    @torch.no_grad()
    def given(self, batch: Batch, generator: torch.Generator) -> tuple[Tensor, ...]:
        """Crops, the teacher's codes, the student's conditions, and where its flow starts for the second half."""
        target, looked = self.memory.recall(batch, self.encoded)
        start = self.start(len(batch.low) // 2, generator, batch.low.device)
        seen = self.network.see(batch.low, batch.low_view)
        return seen, batch.low, batch.high, *target, *self.student.conditions_of(looked), *start

    def learn(self, *given: Tensor) -> Losses:
        """Image losses and FLEX."""
        seen, low, high, *codes = given
        target, conditions, start = (Codes(*codes[i : i + 2]) for i in (0, 2, 4))
        half = len(low) - len(start.rex)
        first = Codes(target.rex[:half], target.img[:half])
        with torch.no_grad():
            generated = self.student.generate(Codes(conditions.rex[half:], conditions.img[half:]), start)
        fed = Codes(torch.cat([first.rex, generated.rex]), torch.cat([first.img, generated.img]))
        output = self.student.transformer(seen, *fed)
        losses = image_losses(output.image, high, self.weights)
        return losses | self.flex_losses(output, low[:half], first, torch.ones(half, device=low.device))

    def rehearse(self, batches: BatchMaker, patch: int) -> None:
        """Encode all views that there are, many at a time."""
        if not batches.config.regions:
            return
        count = len(batches) * batches.config.regions
        for begin in range(0, count, _ENCODED):
            with torch.no_grad():
                self.memory.recall(batches.batch(range(begin, min(count, begin + _ENCODED)), patch), self.encoded)


class StudentStage(_FeatureStage):
    """Stage 2b: the whole student, distilled from a teacher."""

    def __init__(self, network: Restoration, teacher: Teacher, recipe: StudentRecipe) -> None:
        super().__init__(network, teacher, recipe)
        self.started = self.started or recipe.codes_share > 0  # stage 2a has begun the conditions
        network.student.requires_grad_(True)
        network.student.decompose.requires_grad_(False)

    def forward(self, batch: Batch, generator: torch.Generator) -> tuple[Losses, Losses]:
        """Image losses through the unrolled flow, code distillation, velocity loss and FLEX."""
        weights, student = self.weights, self.student
        target, looked = self.encoded(batch)
        conditions = student.conditions_of(looked)
        generated = student.generate(conditions, self.start(len(batch.low), generator, batch.low.device))
        distilled: Losses = {"codes": weights.codes * code_loss(generated, target)}
        if student.estimate is not None:
            distilled["estimate"] = weights.codes * squared_loss(conditions, target)
        distilled |= self.tone_losses(batch, generated, target)
        fed = generated
        if student.config.flow:
            velocity, near = self.flow_losses(conditions, target, generator)
            distilled["velocity"] = weights.velocity * velocity
            fed = _mixed(generated, near, weights.near_codes, generator)
        if weights.detach_codes:
            fed = fed.detached()
        seen = self.network.see(batch.low, batch.low_view)
        output = student.transformer(seen, *fed)
        losses = image_losses(output.image, batch.high, self.weights)
        losses |= head_losses(
            output, seen, batch.high, student.transformer, self.teacher.decomposition.high, self.weights
        )
        gate = sample_gate(fed.stacked().float(), target.stacked().float())
        return losses | distilled | self.flex_losses(output, batch.low, target, gate), {"gate": gate.mean()}


class DirectStage(_StudentStage):
    """No teacher: the student's network is trained on images alone, for comparison."""

    def __init__(self, network: Restoration, decompose_high: DecompositionNet, recipe: StudentRecipe) -> None:
        super().__init__(network, recipe)
        self.decompose_high = decompose_high.requires_grad_(False)

    def forward(self, batch: Batch, generator: torch.Generator) -> tuple[Losses, Losses]:
        """Image losses through the unrolled flow."""
        student = self.student
        start = self.start(len(batch.low), generator, batch.low.device)
        seen = self.network.see(batch.low, batch.low_view)
        output = student.transformer(seen, *student.generate(self.network.read(batch.low_view), start))
        losses = image_losses(output.image, batch.high, self.weights)
        losses |= head_losses(output, seen, batch.high, student.transformer, self.decompose_high, self.weights)
        return losses, {}


def _repeated(codes: Codes) -> Codes:
    return Codes(codes.rex.repeat(_TIMES, 1), codes.img.repeat(_TIMES, 1))


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
