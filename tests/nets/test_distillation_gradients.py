"""Which loss of stage 2 reaches which part of the student (METHOD 9, 11)."""

from collections.abc import Iterable

import pytest
import torch
from torch import Tensor, nn

from restorect.data.batches import Batch
from restorect.flow.velocity import VelocityConfig
from restorect.losses.flex import FIT_BATCHES
from restorect.nets.priors import PriorConfig
from restorect.nets.student import StudentConfig
from restorect.nets.teacher import Teacher, TeacherConfig
from restorect.nets.transformer import TransformerConfig
from restorect.render.restoration import Restoration, RestorationConfig
from restorect.train.recipes import StudentRecipe
from restorect.train.stages import CodesStage, StudentStage
from restorect.train.weights import StudentLosses

PRIORS = PriorConfig(width=4, blocks=1, view=16)
CODE_PARTS = ("image_flow", "retinex_flow", "image_condition", "retinex_condition")


def _batch() -> Batch:
    generator = torch.Generator().manual_seed(0)
    low, high = (torch.rand(2, 3, 32, 32, generator=generator) for _ in range(2))
    low_view, high_view = (torch.rand(2, 3, 16, 16, generator=generator) for _ in range(2))
    return Batch(low, high, low_view, high_view)


def _student(stem: int = 1, **options: object) -> Restoration:
    torch.manual_seed(0)
    transformer = TransformerConfig(dim=8, blocks=(1, 1, 1, 1), refine=1, stem=stem)
    velocity = VelocityConfig(width=16, blocks=1)
    config = StudentConfig(
        transformer=transformer,
        conditions=PRIORS,
        velocity=velocity,
        **options,  # type: ignore[arg-type]
    )
    return Restoration(RestorationConfig(student=config))


def _teacher() -> Teacher:
    torch.manual_seed(1)
    transformer = TransformerConfig(dim=16, blocks=(1, 1, 1, 1), refine=1)
    return Teacher(TeacherConfig(transformer=transformer, priors=PRIORS))


def _stage(stem: int = 1, flow: bool = True, start: str = "noise", **recipe: object) -> StudentStage:
    student = _student(stem, flow=flow, start=start)
    stage = StudentStage(student, _teacher(), StudentRecipe(loss=StudentLosses(**recipe)))  # type: ignore[arg-type]
    return stage.eval()  # so that nothing but the optimiser moves anything


def _losses(stage: nn.Module) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    return stage(_batch(), torch.Generator().manual_seed(5))  # type: ignore[no-any-return]


def _reached(network: nn.Module, loss: Tensor) -> set[str]:
    """The children of the network in which every learned parameter gets a gradient from the loss."""
    network.zero_grad(set_to_none=True)
    loss.backward(retain_graph=True)
    return {name for name, child in network.named_children() if _all_moved(child.parameters())}


def _all_moved(parameters: Iterable[nn.Parameter]) -> bool:
    learned = [p for p in parameters if p.requires_grad]
    return bool(learned) and all(p.grad is not None and p.grad.any() for p in learned)


def _touched(network: nn.Module) -> set[str]:
    return {n for n, child in network.named_children() if any(p.grad is not None for p in child.parameters())}


@pytest.mark.parametrize("near_codes", [0.0, 1.0])
@pytest.mark.parametrize("loss", ["l1", "hvi"])
def test_image_losses_reach_flows_and_conditions(loss: str, near_codes: float) -> None:
    stage = _stage(near_codes=near_codes)
    losses, _ = _losses(stage)
    assert _reached(stage.student, losses[loss]) >= set(CODE_PARTS)


@pytest.mark.parametrize("loss", ["l1", "hvi", "head_encoder", "head_decoder"])
def test_detached_codes_keep_image_losses_away(loss: str) -> None:
    stage = _stage(detach_codes=True)
    losses, _ = _losses(stage)
    stage.network.zero_grad(set_to_none=True)
    losses[loss].backward()
    assert _touched(stage.student) == {"transformer"}


def test_detached_codes_are_still_distilled() -> None:
    stage = _stage(detach_codes=True)
    losses, _ = _losses(stage)
    for loss in ("codes", "velocity"):
        assert _reached(stage.student, losses[loss]) == set(CODE_PARTS)


def test_regressed_codes_are_reached_too() -> None:
    stage = _stage(flow=False)
    losses, _ = _losses(stage)
    assert "velocity" not in losses
    assert _reached(stage.student, losses["l1"]) >= set(CODE_PARTS)


def _near(stage: StudentStage) -> None:
    """Let every sample pass the gate: one-step estimates with the right end are made by a teacher of mean code."""
    teacher, student = stage.teacher, stage.student
    with torch.no_grad():
        for prior in (teacher.image_prior.trunk, teacher.retinex_prior.trunk_R, teacher.retinex_prior.trunk_L):
            prior.mlp[-1].weight.zero_()
            prior.mlp[-1].bias.zero_()
        for flow in (student.image_flow, student.retinex_flow):
            flow.output.weight *= 1e-2
            flow.output.bias.zero_()


@pytest.mark.parametrize("stem", [1, 4])
def test_flex_reaches_the_transformer_and_its_adapters_across_widths_and_stems(stem: int) -> None:
    stage = _stage(stem, start="mean", near_codes=0.0)
    _near(stage)
    for _ in range(FIT_BATCHES):
        assert _losses(stage)[0]["flex"].item() == 0
    losses, figures = _losses(stage)
    assert figures["gate"].item() == 1
    assert losses["flex"] > 0
    stage.zero_grad(set_to_none=True)
    losses["flex"].backward()
    assert _all_moved(stage.flex.parameters())
    transformer = stage.student.transformer
    for part in (transformer.stem.embed, transformer.encoder1, transformer.latent, transformer.decoder1):
        assert _all_moved(part.parameters())
    assert all(p.grad is None or not p.grad.any() for p in transformer.refine.parameters())
    assert all(p.grad is None for p in stage.teacher.parameters())


def test_flex_is_0_where_no_code_is_near() -> None:
    stage = _stage(near_codes=0.0)
    losses, figures = _losses(stage)
    assert figures["gate"].item() == 0
    assert losses["flex"].item() == 0


@pytest.mark.parametrize("flow", [True, False])
def test_teacher_and_decompositions_stay_as_they_are(flow: bool) -> None:
    stage = _stage(flow=flow)
    stage.train()
    assert stage.network.training
    assert not any(module.training for module in stage.teacher.modules())
    before = {name: tensor.clone() for name, tensor in stage.teacher.state_dict().items()}
    losses, _ = _losses(stage)
    stage.zero_grad(set_to_none=True)
    torch.stack(list(losses.values())).sum().backward()
    frozen = [*stage.teacher.parameters(), *stage.student.decompose.parameters()]
    assert all(p.grad is None and not p.requires_grad for p in frozen)
    assert all(torch.equal(tensor, before[name]) for name, tensor in stage.teacher.state_dict().items())
    learned = [(n, p) for n, p in stage.network.named_parameters() if p.requires_grad]
    for name, parameter in learned:
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name


def test_in_stage_2a_the_transformer_is_frozen() -> None:
    stage = CodesStage(_student(), _teacher(), StudentRecipe()).eval()
    losses, _ = _losses(stage)
    assert set(losses) == {"codes", "velocity"}
    for loss in losses.values():
        assert _reached(stage.student, loss) == set(CODE_PARTS)
        assert _touched(stage.student) == set(CODE_PARTS)
    assert not any(p.requires_grad for p in stage.student.transformer.parameters())


def test_the_same_generator_gives_the_same_losses() -> None:
    stage = _stage()
    first, second = _losses(stage)[0], _losses(stage)[0]
    assert all(torch.equal(first[name], second[name]) for name in first)
    other = stage(_batch(), torch.Generator().manual_seed(6))[0]
    assert not torch.equal(first["l1"], other["l1"])


def test_weights_of_the_recipe_scale_their_losses() -> None:
    names = {"hvi": "hvi", "codes": "codes", "velocity": "velocity"}
    plain, _ = _losses(_stage(hvi=1.0, codes=1.0, velocity=1.0))
    scaled, _ = _losses(_stage(hvi=0.5, codes=3.0, velocity=0.1))
    for name, factor in zip(names, (0.5, 3.0, 0.1), strict=True):
        assert scaled[name].item() == pytest.approx(factor * plain[name].item(), rel=1e-4)
    without, _ = _losses(_stage(hvi=0.0, head=0.0, flex=0.0))
    assert set(without) == {"l1", "codes", "velocity"}
