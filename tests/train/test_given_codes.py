"""Stage 2b's first part: the transformer learns with codes that are given and remembered."""

import json
from pathlib import Path

import pytest
import torch
from smallnets import small_nets
from torch import Tensor
from worker import nested, records, run

from restorect.configs import from_mapping
from restorect.data.batches import Batch, BatchMaker
from restorect.data.pairs import find_pairs
from restorect.data.sampling import SamplingConfig
from restorect.data.store import PairStore
from restorect.errors import ConfigError
from restorect.nets.blocks import CODE_SIZE
from restorect.nets.checkpoint import read_checkpoint
from restorect.nets.codes import Codes
from restorect.nets.presets import student_preset, teacher_preset
from restorect.nets.teacher import Teacher
from restorect.render.checkpoint import load_restoration
from restorect.render.restoration import Restoration, RestorationConfig
from restorect.train.recipes import StudentRecipe
from restorect.train.stages import CodesStage, TransformerStage
from restorect.train.stages.code_memory import CodeMemory


def _batch(keys: list[int] | None, seed: int = 0) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    count = 4 if keys is None else len(keys)
    low, high = (torch.rand(count, 3, 32, 32, generator=generator) for _ in range(2))
    low_view, high_view = (torch.rand(count, 3, 16, 16, generator=generator) for _ in range(2))
    return Batch(low, high, low_view, high_view, None if keys is None else torch.tensor(keys))


def _encode(batch: Batch) -> tuple[Codes, Tensor]:
    means = batch.low_view.mean(dim=(1, 2, 3))[:, None].repeat(1, CODE_SIZE)
    return Codes(means, 2 * means), 3 * means[:, :7]


def test_codes_are_encoded_once_for_each_key() -> None:
    asked: list[int] = []

    def encode(batch: Batch) -> tuple[Codes, Tensor]:
        asked.append(len(batch.low))
        return _encode(batch)

    memory, batch = CodeMemory(), _batch([5, 7, 9])
    target, seen = memory.recall(batch, encode)
    codes, expected = _encode(batch)
    assert all(torch.equal(a, b) for a, b in zip((*target, seen), (*codes, expected), strict=True))
    other = _batch([9, 5, 8], seed=1)
    again, _ = memory.recall(other, encode)
    assert asked == [3, 1]
    assert len(memory) == 4
    assert torch.equal(again.rex[:2], target.rex[[2, 0]])
    assert torch.equal(again.rex[2:], _encode(other)[0].rex[2:])


def test_without_keys_nothing_is_remembered() -> None:
    memory = CodeMemory()
    memory.recall(_batch(None), _encode)
    assert len(memory) == 0


def _stage(**recipe: object) -> TransformerStage:
    torch.manual_seed(0)
    with small_nets():
        config = RestorationConfig(student=student_preset("full"))
        student, teacher = Restoration(config), Teacher(teacher_preset("wide"))
    return TransformerStage(student, teacher, from_mapping(StudentRecipe, nested(teacher="t", **recipe)))


def test_only_the_transformer_learns_and_encoders_stay_as_they_are() -> None:
    stage = _stage(align=True, structure=0.1)
    stage.train()
    before = {n: t.clone() for n, t in stage.network.state_dict().items()}
    generator = torch.Generator().manual_seed(0)
    for step in range(8):
        losses, _ = stage(_batch([1, 2, 3, 4], seed=step), generator)
    torch.stack(list(losses.values())).sum().backward()
    assert set(losses) == {"plain", "l1", "hvi", "structure", "flex"}
    learned = {".".join(name.split(".")[:2]) for name, p in stage.network.named_parameters() if p.grad is not None}
    assert learned == {"student.transformer"}
    assert all(torch.equal(t, before[n]) for n, t in stage.network.state_dict().items())  # running figures too


def test_a_rehearsal_encodes_every_view_there_is_as_its_step_would(pairs_folder: Path) -> None:
    stage, alone = _stage(flex=0.0).eval(), _stage(flex=0.0).eval()
    store = PairStore(find_pairs([pairs_folder]), torch.device("cpu"), 1)
    batches = BatchMaker(store, lambda photo, _: (photo, photo), SamplingConfig(simulate=0, regions=3), 32, seed=4)
    stage.rehearse(batches, 32)
    assert len(stage.memory) == 3 * len(store)

    def never(batch: Batch) -> tuple[Codes, Tensor]:
        raise AssertionError("a view was not rehearsed")

    for start in range(0, 3 * len(store), 2):
        batch = batches.batch(range(start, start + 2), 32)
        (known, seen), (codes, looked) = stage.memory.recall(batch, never), alone.encoded(batch)
        for one, other in zip((*known, seen), (*codes, looked), strict=True):
            torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


def test_the_first_half_is_fed_the_teachers_codes_and_the_second_generated_ones() -> None:
    stage = _stage(flex=0.0).eval()
    fed: list[Codes] = []
    transformer = stage.student.transformer
    forward = transformer.forward

    def record(x: Tensor, rex: Tensor, img: Tensor) -> object:
        fed.append(Codes(rex, img))
        return forward(x, rex, img)

    transformer.forward = record  # type: ignore[method-assign]
    batch = _batch([1, 2, 3])
    stage(batch, torch.Generator().manual_seed(0))
    target, _ = stage.encoded(batch)
    assert torch.equal(fed[0].rex[:2], target.rex[:2])
    assert not torch.isclose(fed[0].rex[2:], target.rex[2:]).all()


def test_a_run_goes_through_all_three_parts(teacher: Path, pairs_folder: Path, tmp_path: Path) -> None:
    data = {"train": [str(pairs_folder)], "hold_out": 0.2, "sampling": {"simulate": 0, "regions": 2}}
    run("student", str(pairs_folder), tmp_path, 10, teacher=str(teacher), codes_share=0.3, given_share=0.4, data=data)
    steps = [len(records(tmp_path / part, "train")) for part in ("codes", "transformer", ".")]
    assert steps == [3, 4, 3]
    codes, given = (read_checkpoint(tmp_path / part / "last.safetensors")[0] for part in ("codes", "transformer"))
    changed = {".".join(name.split(".")[:2]) for name in codes if not torch.equal(codes[name], given[name])}
    assert changed == {"student.transformer"}
    rates = [records(tmp_path / part, "train")[0]["lr"] for part in ("transformer", ".")]
    assert rates[1] == pytest.approx(0.3 * rates[0], rel=0.02)
    assert json.loads((tmp_path / "transformer" / "log.jsonl").read_text().splitlines()[-1])["kind"] == "val"


def test_a_run_may_end_with_the_transformer(teacher: Path, pairs_folder: Path, tmp_path: Path) -> None:
    run("student", str(pairs_folder), tmp_path, 4, teacher=str(teacher), codes_share=0.5, given_share=0.5)
    assert len(records(tmp_path, "train")) == 2
    assert load_restoration(tmp_path / "last.safetensors")[1].recipe["given_share"] == 0.5


def test_shares_that_take_more_than_the_run_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"codes_share, flow_share and given_share take 1\.2 of the run"):
        StudentRecipe(codes_share=0.4, given_share=0.8)


def test_a_recipe_may_change_parts_of_its_preset(teacher: Path, pairs_folder: Path, tmp_path: Path) -> None:
    network = {"transformer": {"dim": 16, "blocks": [1, 1, 1, 2]}, "velocity": {"width": 24}}
    run("student", str(pairs_folder), tmp_path, 2, teacher=str(teacher), codes_share=0.0, network=network)
    config = load_restoration(tmp_path / "last.safetensors")[0].config.student
    assert (config.transformer.dim, config.transformer.blocks, config.velocity.width) == (16, (1, 1, 1, 2), 24)
    assert config.transformer.stem == 4  # the rest is the preset's
    with pytest.raises(ConfigError, match="dim is 12; it must be a multiple of 8"):
        run("student", str(pairs_folder), tmp_path / "other", 2, network={"transformer": {"dim": 12}})
    with pytest.raises(ConfigError, match=r"network\.transformer\.depth: no such setting; allowed here: dim, "):
        run("student", str(pairs_folder), tmp_path / "other", 2, network={"transformer": {"depth": 2}})


def test_flex_fades_with_the_learning_rate() -> None:
    stage, generator = _stage().eval(), torch.Generator().manual_seed(0)
    for step in range(6):
        stage(_batch([1, 2, 3, 4], seed=step), generator)
    values = []
    for share in (1.0, 0.25, 0.0):
        stage.follow(share)
        losses, _ = stage(_batch([1, 2, 3, 4]), generator)
        values.append(losses["flex"].item())
    assert values[0] > 0
    assert values[1] == pytest.approx(0.25 * values[0], rel=1e-4)
    assert values[2] == 0


def test_the_flow_may_learn_alone_on_remembered_codes(teacher: Path, pairs_folder: Path, tmp_path: Path) -> None:
    data = {"train": [str(pairs_folder)], "hold_out": 0.2, "sampling": {"simulate": 0, "regions": 2}}
    shares = {"codes_share": 0.2, "flow_share": 0.8}
    run("student", str(pairs_folder), tmp_path, 50, teacher=str(teacher), data=data, **shares)
    codes, flow = (read_checkpoint(tmp_path / part / "last.safetensors")[0] for part in ("codes", "."))
    changed = {".".join(name.split(".")[:2]) for name in codes if not torch.equal(codes[name], flow[name])}
    assert changed == {"student.estimate", "student.image_flow", "student.retinex_flow"}
    estimates = [record["estimate"] for record in records(tmp_path, "train")]
    assert sum(estimates[-5:]) < sum(estimates[:5])
    losses = [record["velocity"] for record in records(tmp_path, "train")]
    assert len(losses) == 40
    assert sum(losses[-5:]) < sum(losses[:5])


def test_the_flow_does_not_bend_the_estimate() -> None:
    torch.manual_seed(0)
    with small_nets():
        student, teacher = (
            Restoration(RestorationConfig(student=student_preset("tiny"))),
            Teacher(teacher_preset("wide")),
        )
    stage = CodesStage(student, teacher, from_mapping(StudentRecipe, nested(teacher="t")))
    stage.train()
    losses, _ = stage(_batch([1, 2, 3, 4]), torch.Generator().manual_seed(0))
    estimate, flow = student.student.estimate, student.student.image_flow
    (losses["velocity"] + losses["codes"]).backward(retain_graph=True)
    assert flow.output.weight.grad is not None
    assert estimate.output.weight.grad is None
    losses["estimate"].backward()
    assert estimate.output.weight.grad.abs().sum() > 0
