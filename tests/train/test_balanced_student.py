"""A student behind a white balance: it is trained on what it will see, crops balanced as the photo they are from."""

from pathlib import Path
from unittest import mock

import pytest
import torch
from torch import Tensor
from worker import run

from restorect.nets import student as student_module
from restorect.nets.balance import BalanceConfig, balance
from restorect.nets.checkpoint import load_student
from restorect.nets.tone import ToneCurve
from restorect.nets.transformer import Transformer, TransformerOutput
from restorect.retinex.decomposition import RetinexParts
from restorect.train.stages import images as images_module

SETTING = {"clip": 0.01, "pull": 0.5}


@pytest.mark.parametrize("distilled", [True, False])
def test_it_is_trained_on_what_it_will_see(distilled: bool, pairs_folder: Path, tmp_path: Path) -> None:
    run("decompose", str(pairs_folder), tmp_path / "decompose", 1)
    from_ = {"decomposition": str(tmp_path / "decompose" / "last.safetensors")}
    if distilled:
        run("teacher", str(pairs_folder), tmp_path / "teacher", 1, preset="toned", **from_)
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
        mock.patch.object(student_module, "balance", recorded),
        mock.patch.object(images_module, "head_loss", aiming),
        mock.patch.object(Transformer, "forward", restoring),
        mock.patch.object(ToneCurve, "forward", showing),
    ):
        run(
            "student", str(pairs_folder), tmp_path / "student", 2, preset="toned", balance=SETTING, flex=0,
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
    for name, wanted in (("with", SETTING), ("without", None)):
        run("student", str(pairs_folder), tmp_path / name, 1, decomposition=decomposition, balance=wanted)
    balanced, _ = load_student(tmp_path / "with" / "last.safetensors")
    plain, _ = load_student(tmp_path / "without" / "last.safetensors")
    assert balanced.config.balance == BalanceConfig(clip=0.01, pull=0.5)
    assert plain.config.balance is None
    photo = torch.rand(1, 3, 40, 56, generator=torch.Generator().manual_seed(0)) * 0.5
    assert not torch.equal(balanced.balanced(photo), photo)
    assert torch.equal(plain.balanced(photo), photo)
