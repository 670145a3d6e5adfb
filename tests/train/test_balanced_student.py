"""A student behind a white balance: it is trained on what it will see, crops balanced as the photo they are from."""

from pathlib import Path
from unittest import mock

import pytest
import torch
from torch import Tensor
from worker import run

from restorect.errors import ConfigError
from restorect.nets.tone import ToneCurve
from restorect.nets.transformer import Transformer, TransformerOutput
from restorect.render import balance as balance_module
from restorect.render.balance import BalanceConfig, balance
from restorect.render.checkpoint import load_restoration
from restorect.render.keep import KeepConfig
from restorect.render.step import StepConfig
from restorect.retinex.decomposition import RetinexParts
from restorect.tasks import find_task
from restorect.train.recipes import StudentRecipe
from restorect.train.stages import images as images_module

SETTING = {"clip": 0.01, "pull": 0.5}


@pytest.mark.parametrize("distilled", [True, False])
def test_it_is_trained_on_what_it_will_see(distilled: bool, pairs_folder: Path, tmp_path: Path) -> None:
    run("decompose", str(pairs_folder), tmp_path / "decompose", 1)
    from_ = {"decomposition": str(tmp_path / "decompose" / "last.safetensors")}
    if distilled:
        run("teacher", str(pairs_folder), tmp_path / "teacher", 1, **from_)
        from_ = {"teacher": str(tmp_path / "teacher" / "last.safetensors")}
    made: list[tuple[Tensor, Tensor, Tensor]] = []
    restored: list[Tensor] = []
    shown: list[Tensor] = []
    heads: list[Tensor] = []
    forward, tone, head = Transformer.forward, ToneCurve.forward, images_module.head_loss

    def recorded(image: Tensor, view: Tensor, config: BalanceConfig) -> Tensor:
        assert config == BalanceConfig(clip=0.01, pull=0.5)
        made.append((image, view, balance(image, view, config)))
        return made[-1][2]

    def restoring(network: Transformer, x: Tensor, z_rex: Tensor, z_img: Tensor) -> TransformerOutput:
        restored.append(x)
        return forward(network, x, z_rex, z_img)

    def showing(curve: ToneCurve, x: Tensor, z_rex: Tensor, z_img: Tensor) -> Tensor:
        shown.append(x)
        return tone(curve, x, z_rex, z_img)

    def aiming(encoder: RetinexParts, decoder: RetinexParts, low: Tensor, high: RetinexParts) -> tuple[Tensor, Tensor]:
        heads.append(low)
        return head(encoder, decoder, low, high)

    with (
        mock.patch.object(balance_module, "balance", recorded),
        mock.patch.object(images_module, "head_loss", aiming),
        mock.patch.object(Transformer, "forward", restoring),
        mock.patch.object(ToneCurve, "forward", showing),
    ):
        run(
            "student", str(pairs_folder), tmp_path / "student", 2, before=[{"balance": SETTING}], flex=0,
            codes_share=0, schedule={"steps": 2, "patches": [32], "batches": [4]}, **from_,
        )  # fmt: skip
    outputs = [result for _, _, result in made]
    assert all(any(x is result for result in outputs) for x in restored)  # in training as in validation
    assert len(heads) == 2
    assert all(any(low is result for result in outputs) for low in heads)  # the encoder's head, too
    crops = [(image, view) for image, view, _ in made if image.shape == (4, 3, 32, 32)]
    assert len(crops) == 2
    assert all(view.shape == (4, 3, 16, 16) for _, view in crops)
    if distilled:  # its own curve on the balanced view, the teacher's on the photo as it is
        views = [x for x in shown if x.shape == (4, 3, 16, 16)]
        assert sum(any(x is result for result in outputs) for x in views) == len(views) / 2 == 2


def test_the_checkpoint_remembers_it(pairs_folder: Path, tmp_path: Path) -> None:
    run("decompose", str(pairs_folder), tmp_path, 1)
    decomposition = str(tmp_path / "last.safetensors")
    for name, wanted in (("with", [{"balance": SETTING}]), ("without", [])):
        run("student", str(pairs_folder), tmp_path / name, 1, decomposition=decomposition, before=wanted)
    balanced, _ = load_restoration(tmp_path / "with" / "last.safetensors")
    plain, _ = load_restoration(tmp_path / "without" / "last.safetensors")
    assert balanced.config.before == (BalanceConfig(clip=0.01, pull=0.5),)
    assert plain.config.before == ()
    photo = torch.rand(1, 3, 40, 56, generator=torch.Generator().manual_seed(0)) * 0.5
    assert not torch.equal(balanced.see(photo), photo)
    assert torch.equal(plain.see(photo), photo)


@pytest.mark.parametrize(
    ("recipe", "before", "after"),
    [
        ({"task": "underwater"}, find_task("underwater").before, find_task("underwater").after),
        ({"task": "low-light"}, (), find_task("low-light").after),
        ({"task": "underwater", "before": [], "after": ["keep"]}, (), (KeepConfig(),)),
        ({"task": "underwater", "after": []}, find_task("underwater").before, ()),
    ],
)
def test_steps_are_those_of_the_task_unless_the_recipe_says_otherwise(
    recipe: dict[str, object],
    before: tuple[StepConfig, ...],
    after: tuple[StepConfig, ...],
    decomposition: Path,
    pairs_folder: Path,
    tmp_path: Path,
) -> None:
    run("student", str(pairs_folder), tmp_path, 1, decomposition=str(decomposition), **recipe)
    config = load_restoration(tmp_path / "last.safetensors")[0].config
    assert (config.before, config.after) == (before, after)


def test_steps_that_are_not_there_are_refused_before_anything_is_trained() -> None:
    for end in ("before", "after"):
        with pytest.raises(ConfigError, match=f"^{end}: step 'glow' is unknown"):
            StudentRecipe(**{end: ("glow",)})  # type: ignore[arg-type]
