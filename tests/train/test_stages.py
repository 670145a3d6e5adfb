from dataclasses import replace
from pathlib import Path
from unittest import mock

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from worker import nested, records, run

from restorect.errors import ConfigError, TrainingError
from restorect.nets.checkpoint import load_teacher, read_checkpoint
from restorect.nets.priors import MOMENTUM, Standardise
from restorect.render.checkpoint import load_restoration
from restorect.train.stages import TeacherStage

SWITCHES = {
    "flow": False,
    "flex": 0.0,
    "norm": "pixel",
    "qk_norm": False,
    "hvi": 0.0,
    "detach_codes": True,
    "start": "mean",
    "head": 0.0,
    "structure": 0.5,
}


def test_decomposition_learns_to_reconstruct(pairs_folder: Path, tmp_path: Path) -> None:
    figures = run("decompose", str(pairs_folder), tmp_path, 150, optimiser={"lr": 3e-3, "ema": 0.9})
    losses = [r["loss"] for r in records(tmp_path, "train")]
    assert sum(losses[-5:]) < 0.5 * sum(losses[:5])
    assert figures["psnr"] > 20  # of the clean photo taken apart and put together again


def test_teacher_learns(pairs_folder: Path, decomposition: Path, tmp_path: Path) -> None:
    figures = run(
        "teacher",
        str(pairs_folder),
        tmp_path,
        120,
        decomposition=str(decomposition),
        optimiser={"lr": 3e-3, "ema": 0.9},
    )
    first = records(tmp_path, "train")[0]["l1"]
    last = records(tmp_path, "train")[-5:]
    assert sum(r["l1"] for r in last) / 5 < 0.6 * first
    assert figures["psnr"] > 12  # the degraded photos themselves have about 6 dB


def test_teacher_codes_tell_pairs_apart(decomposition: Path, pairs_folder: Path, tmp_path: Path) -> None:
    from restorect.data.pairs import find_pairs
    from restorect.data.store import load_tensor

    run("teacher", str(pairs_folder), tmp_path, 60, decomposition=str(decomposition), optimiser={"ema": 0.9})
    network, _ = load_teacher(tmp_path / "last.safetensors")
    pairs = find_pairs([pairs_folder])
    low = torch.stack([load_tensor(p.low).float() / 255 for p in pairs])
    high = torch.stack([load_tensor(p.high).float() / 255 for p in pairs])
    with torch.no_grad():
        codes, cropped = network.encode(low, high), network.encode(low[..., 2:, 2:], high[..., 2:, 2:])
    for code, again in zip(codes, cropped, strict=True):
        assert torch.cdist(code, again).argmin(dim=1).tolist() == list(range(len(pairs)))  # each is nearest to itself
        assert code.var(dim=0).mean() > 0.03  # fresh encoders without calibration give 0.01


def test_what_is_saved_keeps_the_figures_it_was_trained_with(
    pairs_folder: Path, decomposition: Path, tmp_path: Path
) -> None:
    with mock.patch.object(TeacherStage, "calibrate", autospec=True, side_effect=TeacherStage.calibrate) as calibrate:
        run("teacher", str(pairs_folder), tmp_path, 20, decomposition=str(decomposition), optimiser={"ema": 0.0})
    assert calibrate.call_count == 1  # the fresh network
    trained = torch.load(tmp_path / "state.pt", weights_only=True)["tensors"]["network"]
    saved = load_file(tmp_path / "last.safetensors")
    names = [name for name in saved if "standardise" in name]
    assert names
    assert all(torch.allclose(saved[name], trained[name], rtol=1e-5) for name in names)


def test_student_runs_both_stages_and_logs_the_gate(teacher: Path, pairs_folder: Path, tmp_path: Path) -> None:
    run("student", str(pairs_folder), tmp_path, 10, teacher=str(teacher), codes_share=0.4)
    assert [r["step"] for r in records(tmp_path / "codes", "train")] == [1, 2, 3, 4]
    main = records(tmp_path, "train")
    assert [r["step"] for r in main] == [1, 2, 3, 4, 5, 6]
    assert {"l1", "hvi", "codes", "velocity", "flex", "gate", "head_encoder", "head_decoder"} <= set(main[0])
    assert all(0 <= r["gate"] <= 1 for r in main)
    network, card = load_restoration(tmp_path / "last.safetensors")
    assert card.preset == "tiny"
    assert card.metrics["validation"]["protocol"] == "rgb-full"
    frozen = load_file(teacher)
    own = network.state_dict()
    assert all(torch.equal(own[f"student.decompose.{n[len('decomposition.low.') :]}"], t)
               for n, t in frozen.items() if n.startswith("decomposition.low."))  # fmt: skip


def test_the_codes_stage_has_its_own_batch_and_learns_the_teachers_exposure(
    decomposition: Path, pairs_folder: Path, tmp_path: Path
) -> None:
    run("teacher", str(pairs_folder), tmp_path / "teacher", 2, decomposition=str(decomposition))
    teacher = str(tmp_path / "teacher" / "last.safetensors")
    run("student", str(pairs_folder), tmp_path, 4, teacher=teacher, codes_share=0.5, codes_batch=6)
    assert torch.load(tmp_path / "codes" / "state.pt", weights_only=True)["position"] == 12
    assert "tone" in records(tmp_path / "codes", "train")[0]
    assert "tone" in records(tmp_path, "train")[0]
    # A student at full resolution has no curve to agree with.
    other = tmp_path / "full"
    run("student", str(pairs_folder), other, 2, teacher=teacher, preset="full", codes_share=0.5)
    assert "tone" not in records(other / "codes", "train")[0]
    assert "tone" not in records(other, "train")[0]


def test_figures_follow_at_the_pace_of_the_learning_rate(
    pairs_folder: Path, decomposition: Path, tmp_path: Path
) -> None:
    paces: list[float] = []
    follow = Standardise.follow

    def recorded(module: Standardise, numbers: Tensor, share: float) -> None:
        paces.append(share)
        follow(module, numbers, share)

    with mock.patch.object(Standardise, "follow", recorded):
        run("teacher", str(pairs_folder), tmp_path, 6, decomposition=str(decomposition))
    rates = [r["lr"] for r in records(tmp_path, "train")]
    trunks = 3  # of each: at the start, then once a step
    steps = paces[trunks::trunks]
    assert paces[:trunks] == [1.0] * trunks
    assert steps == pytest.approx([MOMENTUM * rate / 2e-4 for rate in rates], rel=1e-3)


def test_codes_are_read_in_full_precision_under_autocast(teacher: Path) -> None:
    network, low = load_teacher(teacher)[0], torch.rand(2, 3, 32, 32)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        codes = network.encode(low, low)
    with torch.no_grad():
        assert all(torch.equal(a, b) for a, b in zip(codes, network.encode(low, low), strict=True))


def test_bfloat16_trains_on_a_cpu_when_asked_for(pairs_folder: Path, decomposition: Path, tmp_path: Path) -> None:
    plain, coarse = tmp_path / "plain", tmp_path / "coarse"
    for folder, precision in ((plain, "auto"), (coarse, "bfloat16")):
        run("teacher", str(pairs_folder), folder, 3, decomposition=str(decomposition), precision=precision)
    losses = [records(folder, "train")[-1]["l1"] for folder in (plain, coarse)]
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], rel=0.05)


def test_codes_stage_leaves_the_transformer_as_the_teachers(teacher: Path, pairs_folder: Path, tmp_path: Path) -> None:
    run("student", str(pairs_folder), tmp_path, 4, teacher=str(teacher), codes_share=0.5)
    codes, _ = read_checkpoint(tmp_path / "codes" / "last.safetensors")
    reference, _ = read_checkpoint(teacher)
    names = [name for name in reference if name.startswith("transformer.")]
    assert names
    assert all(torch.equal(codes[f"student.{name}"], reference[name]) for name in names)
    final, _ = read_checkpoint(tmp_path / "last.safetensors")
    assert any(not torch.equal(final[f"student.{name}"], reference[name]) for name in names)


def _holds(values: dict, wanted: dict) -> bool:
    """Whether all wanted settings are among the values."""
    return all(_holds(values[n], v) if isinstance(v, dict) else values[n] == v for n, v in wanted.items())


@pytest.mark.parametrize(("name", "value"), SWITCHES.items())
def test_every_ablation_switch_trains(
    name: str, value: object, teacher: Path, pairs_folder: Path, tmp_path: Path
) -> None:
    run("student", str(pairs_folder), tmp_path, 4, teacher=str(teacher), codes_share=0.5, **{name: value})
    record = records(tmp_path, "train")[-1]
    _, card = read_checkpoint(tmp_path / "last.safetensors")
    wanted = nested(**{name: value})
    assert _holds(card.recipe, wanted)
    absent = {"flow": "velocity", "flex": "flex", "hvi": "hvi", "head": "head_encoder"}
    if name in absent:
        assert absent[name] not in record
    assert ("structure" in record) == (name == "structure")
    if name == "flow":
        assert card.config["student"]["flow"] is False


def test_direct_training_needs_no_teacher(decomposition: Path, pairs_folder: Path, tmp_path: Path) -> None:
    run("student", str(pairs_folder), tmp_path, 3, decomposition=str(decomposition))
    record = records(tmp_path, "train")[-1]
    assert "codes" not in record
    assert "flex" not in record
    with pytest.raises(ConfigError, match="decomposition"):
        run("student", str(pairs_folder), tmp_path / "other", 3)


def test_a_teacher_of_other_width_and_stride_distils(decomposition: Path, pairs_folder: Path, tmp_path: Path) -> None:
    run("teacher", str(pairs_folder), tmp_path / "wide", 2, decomposition=str(decomposition), preset="wide")
    run("student", str(pairs_folder), tmp_path, 3, teacher=str(tmp_path / "wide" / "last.safetensors"), codes_share=0.3,
        near_codes=1.0)  # fmt: skip
    assert "flex" in records(tmp_path, "train")[-1]


def test_simulation_and_clean_photos(decomposition: Path, pairs_folder: Path, tmp_path: Path) -> None:
    data = {
        "train": [str(pairs_folder)],
        "clean": [str(pairs_folder / "high")],
        "hold_out": 0.2,
        "sampling": {"simulate": 0.5},
    }
    run("teacher", str(pairs_folder), tmp_path, 4, decomposition=str(decomposition), data=data)
    assert len(records(tmp_path, "train")) == 4


def test_a_loss_that_is_not_finite_stops_and_names_the_step(
    decomposition: Path, pairs_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from restorect.train.stages import images

    original, calls = images.hvi_loss, []

    def poisoned(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        calls.append(None)
        return original(output, target) * (float("nan") if len(calls) == 3 else 1.0)

    monkeypatch.setattr(images, "hvi_loss", poisoned)
    with pytest.raises(TrainingError, match=r"step 3: .*not finite.*hvi"):
        run("teacher", str(pairs_folder), tmp_path, 6, decomposition=str(decomposition))
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    assert state["step"] == 2
    assert all(torch.isfinite(t).all() for t in state["tensors"]["network"].values())


def test_a_run_is_not_overwritten_nor_resumed_with_another_recipe(
    decomposition: Path, pairs_folder: Path, tmp_path: Path
) -> None:
    from restorect.train.recipes import DataRecipe, DecompositionRecipe, ScheduleRecipe
    from restorect.train.run import Run, train_decomposition

    recipe = DecompositionRecipe(
        data=DataRecipe(train=(str(pairs_folder),), hold_out=0.2),
        schedule=ScheduleRecipe(steps=2, patches=(32,), batches=(2,)),
    )
    once = Run(tmp_path, torch.device("cpu"), False, lambda report: None)
    train_decomposition(recipe, once)
    with pytest.raises(TrainingError, match="--resume"):
        train_decomposition(recipe, once)
    with pytest.raises(TrainingError, match="another recipe"):
        train_decomposition(replace(recipe, seed=1), replace(once, resume=True))


def test_a_time_budget_ends_the_schedule(pairs_folder: Path, tmp_path: Path) -> None:
    from restorect.train.recipes import DataRecipe, DecompositionRecipe, ScheduleRecipe
    from restorect.train.run import Run, train_decomposition

    schedule = ScheduleRecipe(minutes=0.03, patches=(32,), batches=(2,), log_every=1)
    recipe = DecompositionRecipe(data=DataRecipe(train=(str(pairs_folder),), hold_out=0.2), schedule=schedule)
    train_decomposition(recipe, Run(tmp_path, torch.device("cpu"), False, lambda report: None))
    rates = [r["lr"] for r in records(tmp_path, "train")]
    assert rates[-1] < 0.05 * rates[0]  # the cosine reached its end with the budget
    assert records(tmp_path, "train")[-1]["minutes"] == pytest.approx(0.03, abs=0.02)


def test_a_teacher_goes_on_from_its_student_and_its_codes_stay(
    teacher: Path, pairs_folder: Path, tmp_path: Path
) -> None:
    data, student = str(pairs_folder), str(tmp_path / "student" / "last.safetensors")
    run("student", data, tmp_path / "student", 4, teacher=str(teacher), optimiser={"lr": 1e-2, "ema": 0.0})
    still = {"lr": 1e-9, "final_lr": 1e-9, "ema": 0.0}
    run("teacher", data, tmp_path / "again", 2, init=str(teacher), student=student, optimiser=still)
    before, theirs, after = (load_file(p) for p in (teacher, student, tmp_path / "again" / "last.safetensors"))
    transformers = {name for name in after if name.startswith("transformer.")}
    assert transformers
    for name, tensor in after.items():
        if name in transformers:
            torch.testing.assert_close(tensor, theirs[f"student.{name}"], atol=1e-6, rtol=0)
        else:
            assert torch.equal(tensor, before[name]), name
    assert any(not torch.equal(after[name], before[name]) for name in transformers)
    run("teacher", data, tmp_path / "on", 6, init=str(teacher), student=student, optimiser={"lr": 1e-2, "ema": 0.0})
    on = load_file(tmp_path / "on" / "last.safetensors")
    assert all(torch.equal(on[name], before[name]) for name in on if name not in transformers)
    assert any(not torch.equal(on[name], after[name]) for name in transformers)


def test_a_student_that_no_teacher_can_go_on_from_is_one_line(
    teacher: Path, pairs_folder: Path, tmp_path: Path
) -> None:
    student = tmp_path / "student" / "last.safetensors"
    run("student", str(pairs_folder), tmp_path / "student", 1, teacher=str(teacher), preset="full")
    with pytest.raises(ConfigError, match=r"^student: its codes come from a teacher; name that one, too, as init$"):
        run("teacher", str(pairs_folder), tmp_path / "again", 1, student=str(student))
    with pytest.raises(ConfigError, match=r"last\.safetensors: its transformer is another; set network\."):
        run("teacher", str(pairs_folder), tmp_path / "again", 1, init=str(teacher), student=str(student))
