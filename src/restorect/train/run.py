"""Runs of the stages, from recipe to checkpoint (METHOD 9)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import torch
import yaml
from torch import nn

from restorect.configs import amended, to_mapping
from restorect.data.batches import BatchMaker
from restorect.data.degrade import SIMULATORS
from restorect.data.degrade.simulator import Degraded, Simulator
from restorect.data.pairs import Pair, find_pairs, hold_out
from restorect.data.store import PairStore
from restorect.errors import ConfigError, DataError, TrainingError
from restorect.files import write_atomically
from restorect.images.find import photos_in
from restorect.nets.checkpoint import (
    Card,
    load_decomposition,
    load_student,
    load_teacher,
    save_checkpoint,
    short_path,
    student_card,
    teacher_card,
)
from restorect.nets.exposure import READ
from restorect.nets.presets import student_preset, teacher_preset
from restorect.nets.student import Student
from restorect.nets.teacher import Teacher
from restorect.retinex.decomposition import DecompositionPair
from restorect.train.loop import STATE_NAME, Report, Trainer
from restorect.train.processes import Processes, joined
from restorect.train.recipes import (
    DecompositionRecipe,
    ExposureRecipe,
    NetworkRecipe,
    Recipe,
    ScheduleRecipe,
    StudentRecipe,
    TeacherRecipe,
)
from restorect.train.stages import (
    CodesStage,
    DecompositionStage,
    DirectStage,
    ExposureStage,
    FlowStage,
    ImageWeights,
    Stage,
    StudentStage,
    TeacherStage,
    TransformerStage,
)
from restorect.train.validate import PROTOCOL

OnReport = Callable[[Report], None]
MakeCard = Callable[..., Card]
Part = tuple[str, type[CodesStage | FlowStage | TransformerStage | StudentStage], StudentRecipe]


@dataclass(frozen=True)
class Run:
    """Where and how a recipe is carried out.

    Attributes:
        folder: gets checkpoints, state and logs.
        device: of the training.
        resume: go on from the folder's state; without it, a folder that has one is refused.
        on_report: called as the run goes on.
    """

    folder: Path
    device: torch.device
    resume: bool
    on_report: OnReport


def train_decomposition(recipe: DecompositionRecipe, run: Run) -> dict[str, float]:
    """Stage 0; gives the last validation figures (of the degraded photo put together again)."""
    with joined(run.device) as processes:
        torch.manual_seed(recipe.seed)
        stage = DecompositionStage(DecompositionPair().to(run.device))
        card = partial(Card, kind="decomposition")
        return _train("decompose", stage, recipe, run, processes, card, view=0)


def train_teacher(recipe: TeacherRecipe, run: Run) -> dict[str, float]:
    """Stage 1; gives the last validation figures (with the teacher's own codes)."""
    with joined(run.device) as processes:
        torch.manual_seed(recipe.seed)
        config = amended(teacher_preset(recipe.preset), recipe.network, "network")
        config = replace(config, transformer=replace(config.transformer, norm=recipe.norm, qk_norm=recipe.qk_norm))
        teacher = Teacher(config)
        if recipe.init:
            _start_from(teacher, load_teacher(Path(recipe.init))[0])
        else:
            teacher.decomposition.load_state_dict(_decomposition(recipe.decomposition).state_dict())
        stage = TeacherStage(teacher.to(run.device), ImageWeights.of(recipe), started=bool(recipe.init))
        card = partial(teacher_card, config, preset=recipe.preset)
        return _train("teacher", stage, recipe, run, processes, card, view=config.priors.view)


def train_student(recipe: StudentRecipe, run: Run) -> dict[str, float]:
    """Stage 2, codes and then the whole student, or directly where no teacher is given; gives the last figures."""
    with joined(run.device) as processes:
        torch.manual_seed(recipe.seed)
        config = amended(student_preset(recipe.preset), recipe.network, "network")
        config = replace(
            config,
            transformer=replace(config.transformer, norm=recipe.norm, qk_norm=recipe.qk_norm),
            flow=recipe.flow,
            balance=recipe.balance,
            start=recipe.start,
            steps=recipe.sampler_steps,
        )
        student = Student(config)
        card = partial(student_card, config, preset=recipe.preset)
        view = config.conditions.view
        if recipe.teacher:
            return _distil(student, recipe, run, processes, card, view)
        pair = _decomposition(recipe.decomposition)
        student.decompose.load_state_dict(pair.low.state_dict())
        if recipe.init:
            _start_from(student, load_student(Path(recipe.init))[0])
        direct = DirectStage(student.to(run.device), pair.high.to(run.device), recipe)
        return _train("student", direct, recipe, run, processes, card, view)


def train_exposure(recipe: ExposureRecipe, run: Run) -> dict[str, float]:
    """Stage 3: gives the student of `init` an exposure net; gives the last validation figures of both together."""
    if not recipe.init:
        raise ConfigError("init: give the checkpoint of `restorect train student`")
    with joined(run.device) as processes:
        torch.manual_seed(recipe.seed)
        trained, before = load_student(Path(recipe.init))
        config = replace(trained.config, exposure=recipe.exposure, exposure_trust=recipe.trust)
        student = Student(config)
        _start_from(student, trained)
        if recipe.other:
            other = load_student(Path(recipe.other))[0]
            if other.exposure is None:
                raise ConfigError(
                    f"{recipe.other}: has no exposure net; give the checkpoint of `restorect train exposure`"
                )
            _start_from(cast(nn.Module, student.exposure), other.exposure)
        stage = ExposureStage(student.to(run.device), recipe)
        card = partial(student_card, config, preset=before.preset)
        return _train("exposure", stage, recipe, run, processes, card, view=READ, side=recipe.side)


def _distil(
    student: Student, recipe: StudentRecipe, run: Run, processes: Processes, card: MakeCard, view: int
) -> dict[str, float]:
    teacher = load_teacher(Path(recipe.teacher))[0].to(run.device)
    student.decompose.load_state_dict(teacher.decomposition.low.state_dict())
    _start_from(student.transformer, teacher.transformer)
    if recipe.init:
        _start_from(student, load_student(Path(recipe.init))[0])
    student.to(run.device)
    *before, last = _parts(recipe)
    for name, kind, part in before:
        inner = replace(run, folder=run.folder / name)
        _train(name, kind(student, teacher, part), part, inner, processes, card, view)
        student.load_state_dict(load_student(inner.folder / "last.safetensors")[0].state_dict())
    name, kind, part = last
    return _train(name, kind(student, teacher, part), part, run, processes, card, view)


def _parts(recipe: StudentRecipe) -> list[Part]:
    """The parts of stage 2 with their share of the run: codes, transformer with codes given, the whole student."""
    anew = replace(recipe, data=replace(recipe.data, sampling=replace(recipe.data.sampling, regions=0)))
    whole = 1 - recipe.codes_share - recipe.flow_share - recipe.given_share
    parts: list[Part] = []
    if recipe.codes_share > 0:
        schedule = _codes_schedule(recipe, recipe.codes_share)
        parts.append(("codes", CodesStage, replace(anew, schedule=schedule)))
    if recipe.flow_share > 0:
        schedule = _codes_schedule(recipe, recipe.flow_share)
        parts.append(("flow", FlowStage, replace(recipe, schedule=schedule)))
    if recipe.given_share > 0:
        schedule = _share(recipe.schedule, recipe.given_share)
        parts.append(("transformer", TransformerStage, replace(recipe, schedule=schedule)))
    if whole > 1e-6:
        rate = recipe.whole_rate if recipe.given_share > 0 else 1.0
        optimiser = replace(recipe.optimiser, lr=rate * recipe.optimiser.lr)
        part = replace(anew, schedule=_share(recipe.schedule, whole), optimiser=optimiser)
        parts.append(("student", StudentStage, part))
    return parts


def _share(schedule: ScheduleRecipe, share: float) -> ScheduleRecipe:
    """A part of a schedule."""
    steps = max(1, round(schedule.steps * share)) if schedule.steps else 0
    return replace(schedule, steps=steps, minutes=schedule.minutes * share)


def _codes_schedule(recipe: StudentRecipe, share: float) -> ScheduleRecipe:
    """That of a part of stage 2a: on thumbnails, so crops need not grow; validated at its end only."""
    schedule = replace(_share(recipe.schedule, share), validate_every=0)
    size = recipe.codes_batch or schedule.batches[0]
    return replace(schedule, patches=schedule.patches[:1], batches=(size,))


def _train(
    name: str,
    stage: Stage,
    recipe: Recipe,
    run: Run,
    processes: Processes,
    make_card: MakeCard,
    view: int,
    side: int = 0,
) -> dict[str, float]:
    folder = run.folder
    if processes.leader:
        _prepare_folder(folder, recipe, run.resume)
    pairs, held_out = _data(recipe, run.device, side)
    sampling, nights_gb = recipe.data.sampling, recipe.data.memory_gb / 3
    batches = BatchMaker(pairs, _simulator(recipe), sampling, view, recipe.seed, nights_gb)

    def save(path: Path, network: nn.Module, figures: dict[str, float], dtype: torch.dtype) -> None:
        rounded = {k: round(v, 4) for k, v in figures.items()}
        metrics = {"validation": {"protocol": PROTOCOL, **rounded}} if figures else {}
        notes: dict[str, Any] = {"steps": trainer.state.step, "minutes": round(trainer.state.minutes, 1)}
        notes["hardware"] = torch.cuda.get_device_name() if run.device.type == "cuda" else "CPU"
        sources = (*recipe.data.train, *recipe.data.clean)
        card = make_card(
            task=recipe.task, recipe=to_mapping(recipe), data=tuple(map(short_path, dict.fromkeys(sources))),
            metrics=metrics, notes=notes,
        )  # fmt: skip
        save_checkpoint(path, network, card, dtype)

    trainer = Trainer(name, stage, batches, held_out, recipe, folder, save, processes, run.on_report)
    return trainer.run()


def _prepare_folder(folder: Path, recipe: Recipe, resume: bool) -> None:
    if (folder / STATE_NAME).exists() and not resume:
        raise TrainingError(f"{folder}: holds a run already; give --resume to go on with it, or another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        text = yaml.safe_dump(to_mapping(recipe), sort_keys=False)
        write_atomically(folder / "recipe.yaml", text.encode())
    except OSError as error:
        raise TrainingError(f"{folder}: cannot be written ({error.strerror}); give another --out") from error


def _data(recipe: Recipe, device: torch.device, side: int) -> tuple[PairStore, PairStore]:
    """Photos to train on, clean ones as pairs of themselves, and photos to validate with."""
    data = recipe.data
    pairs = find_pairs(data.train)
    if data.val:
        held_out = find_pairs(data.val)
    else:
        pairs, held_out = hold_out(pairs, data.hold_out)
    clean = [path for folder in data.clean for path in photos_in(Path(folder))]
    gb = data.memory_gb / 3
    sampling = data.sampling
    if sampling.fused > 0:
        _require_fused(pairs, data.train, f"data.sampling.fused={sampling.fused:g}", "data.sampling.fused=0")
    else:
        pairs = [replace(pair, fused=None) for pair in pairs]
    if recipe.schedule.best == "psnr_fused":
        _require_fused(held_out, data.val or data.train, "schedule.best=psnr_fused", "schedule.best=psnr")
    held = PairStore(held_out, device, gb)  # whole: that is how they are restored
    pairs += [Pair(path.stem, path, path) for path in clean]
    return PairStore(pairs, device, gb, side, sampling.half), held


def _require_fused(pairs: Sequence[Pair], folders: Sequence[str], asked: str, instead: str) -> None:
    if not any(pair.fused for pair in pairs):
        raise DataError(
            f"{', '.join(folders)}: no pair has a second reference, which {asked} needs; "
            f"add the folder fused/ beside high/, or give {instead}"
        )


def _simulator(recipe: Recipe) -> Simulator:
    """The task's; a task without one, or several tasks at once, are trained on pairs alone."""
    if recipe.task in SIMULATORS:
        return SIMULATORS[recipe.task]
    if recipe.data.clean or recipe.data.sampling.simulate > 0:
        raise ConfigError(
            f"task {recipe.task!r} has no simulator: choose one of {', '.join(SIMULATORS)}, "
            "or train on pairs alone (data.sampling.simulate=0 and no clean photos)"
        )
    return lambda image, generator: Degraded(image, image)  # never called


def _decomposition(path: str) -> DecompositionPair:
    if not path:
        raise ConfigError("decomposition: give the checkpoint of `restorect train decompose`")
    return load_decomposition(Path(path))[0]


def _start_from(network: nn.Module, other: nn.Module) -> None:
    """Copy the weights whose names and shapes agree."""
    own = network.state_dict()
    fitting = {name: t for name, t in other.state_dict().items() if name in own and own[name].shape == t.shape}
    network.load_state_dict(own | fitting)


__all__ = ["NetworkRecipe", "Run", "train_decomposition", "train_student", "train_teacher"]
