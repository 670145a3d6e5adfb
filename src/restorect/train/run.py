"""Runs of the stages, from recipe to checkpoint (METHOD 9)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, cast

import torch
import yaml
from torch import nn

from restorect.configs import amended, from_mapping, require, to_mapping
from restorect.data.batches import BatchMaker
from restorect.errors import ConfigError, TrainingError
from restorect.files import short_path, write_atomically
from restorect.nets.checkpoint import Card, load_decomposition, load_teacher, save_checkpoint, teacher_card
from restorect.nets.presets import student_preset, teacher_preset
from restorect.nets.teacher import Teacher
from restorect.nets.transformer import Transformer
from restorect.render.checkpoint import load_restoration, restoration_card
from restorect.render.exposure import READ, Exposure, ExposureConfig
from restorect.render.restoration import Restoration, RestorationConfig, start_from
from restorect.render.step import StepConfig
from restorect.render.steps import AFTER, BEFORE, read_steps
from restorect.retinex.decomposition import DecompositionPair
from restorect.tasks import find_task, task_names
from restorect.train.loop import STATE_NAME, Report, Samples, Trainer
from restorect.train.photos import photos_of, simulator_of
from restorect.train.processes import Processes, joined
from restorect.train.recipes import (
    DecompositionRecipe,
    ExposureRecipe,
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


def read_recipe(values: Mapping[str, Any], stage: str | None = None) -> Recipe:
    """The recipe of a stage.

    Args:
        values: its settings; `stage` among them, unless it is given.
        stage: that it must be of.

    Raises:
        ConfigError: it names no stage or another one, or a setting is wrong.
    """
    named = values.get("stage", stage)
    choice = f"choose one of {', '.join(_STAGES)}"
    require(named is not None, f"stage: the recipe names none; {choice}")
    require(named in _STAGES, f"stage: {str(named)[:80]!r} is none; {choice}")
    require(stage in (None, named), f"stage: the recipe is one of stage {named}, not {stage}; use `train {named}`")
    return from_mapping(_STAGES[named][0], values)


def train(recipe: Recipe, run: Run) -> dict[str, float]:
    """Carry out a recipe of any stage; gives the last validation figures."""
    return next(carry_out for kind, carry_out in _STAGES.values() if isinstance(recipe, kind))(recipe, run)


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
        teacher = Teacher(config)
        if recipe.init:
            start_from(teacher, load_teacher(Path(recipe.init))[0])
        else:
            teacher.decomposition.load_state_dict(_decomposition(recipe.decomposition).state_dict())
        if recipe.student:
            taken = load_restoration(Path(recipe.student))[0].student.transformer
            _take_over(teacher.transformer, taken, recipe)
        stage = TeacherStage(teacher.to(run.device), recipe)
        card = partial(teacher_card, config, preset=recipe.preset)
        return _train("teacher", stage, recipe, run, processes, card, view=config.priors.view)


def train_student(recipe: StudentRecipe, run: Run) -> dict[str, float]:
    """Stage 2, codes and then the whole student, or directly where no teacher is given; gives the last figures."""
    with joined(run.device) as processes:
        torch.manual_seed(recipe.seed)
        config = amended(student_preset(recipe.preset), recipe.network, "network")
        around = RestorationConfig(student=config, before=_steps(recipe, "before"), after=_steps(recipe, "after"))
        student = Restoration(around)
        card = partial(restoration_card, around, preset=recipe.preset)
        view = config.conditions.view
        if recipe.teacher:
            return _distil(student, recipe, run, processes, card, view)
        pair = _decomposition(recipe.decomposition)
        student.student.decompose.load_state_dict(pair.low.state_dict())
        if recipe.init:
            start_from(student, load_restoration(Path(recipe.init))[0])
        direct = DirectStage(student.to(run.device), pair.high.to(run.device), recipe)
        return _train("student", direct, recipe, run, processes, card, view)


def train_exposure(recipe: ExposureRecipe, run: Run) -> dict[str, float]:
    """Stage 3: gives the student of `init` an exposure net; gives the last validation figures of both together."""
    if not recipe.init:
        raise ConfigError("init: give the checkpoint of `restorect train student`")
    with joined(run.device) as processes:
        torch.manual_seed(recipe.seed)
        trained, before = load_restoration(Path(recipe.init))
        config = replace(trained.config, after=_with_exposure(trained.config.after, recipe.exposure))
        student = Restoration(config)
        start_from(student, trained)
        if recipe.other:
            theirs, ours = (_exposure_net(each) for each in (load_restoration(Path(recipe.other))[0], student))
            if theirs is None:
                raise ConfigError(
                    f"{recipe.other}: has no exposure net; give the checkpoint of `restorect train exposure`"
                )
            start_from(cast(nn.Module, ours), theirs)
        stage = ExposureStage(student.to(run.device), recipe)
        card = partial(restoration_card, config, preset=before.preset)
        return _train("exposure", stage, recipe, run, processes, card, view=READ, side=recipe.side)


def _distil(
    student: Restoration, recipe: StudentRecipe, run: Run, processes: Processes, card: MakeCard, view: int
) -> dict[str, float]:
    teacher = load_teacher(Path(recipe.teacher))[0].to(run.device)
    student.student.decompose.load_state_dict(teacher.decomposition.low.state_dict())
    start_from(student.student.transformer, teacher.transformer)
    if recipe.init:
        start_from(student, load_restoration(Path(recipe.init))[0])
    student.to(run.device)
    *before, last = _parts(recipe)
    for name, kind, part in before:
        inner = replace(run, folder=run.folder / name)
        _train(name, kind(student, teacher, part), part, inner, processes, card, view)
        student.load_state_dict(processes.led(partial(_weights, inner.folder / "last.safetensors")))
    name, kind, part = last
    return _train(name, kind(student, teacher, part), part, run, processes, card, view)


def _take_over(own: Transformer, taken: Transformer, recipe: TeacherRecipe) -> None:
    """Start a teacher's transformer from that of its student, which must be of the same shape."""
    ours, theirs = to_mapping(own.config), to_mapping(taken.config)
    other = ", ".join(f"{name}: {theirs[name]}" for name in ours if ours[name] != theirs[name])
    require(not other, f"{recipe.student}: its transformer is another; set network.transformer={{{other}}}")
    own.load_state_dict(taken.state_dict())


def _weights(path: Path) -> dict[str, torch.Tensor]:
    return load_restoration(path)[0].state_dict()


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
    folder, uneven = run.folder, [size for size in recipe.schedule.batches if size % processes.count]
    require(not uneven, f"schedule.batches: {uneven} cannot be shared evenly by {processes.count} processes")
    processes.led(partial(_prepare_folder, folder, recipe, run.resume))
    pairs, held_out = photos_of(recipe, run.device, side)
    sampling, nights_gb = recipe.data.sampling, recipe.data.memory_gb / 3
    batches = BatchMaker(pairs, simulator_of(recipe), sampling, view, recipe.seed, nights_gb)

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

    trainer = Trainer(name, stage, Samples(batches, held_out), recipe, folder, save, processes, run.on_report)
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


def _decomposition(path: str) -> DecompositionPair:
    if not path:
        raise ConfigError("decomposition: give the checkpoint of `restorect train decompose`")
    return load_decomposition(Path(path))[0]


def _steps(recipe: StudentRecipe, end: Literal["before", "after"]) -> tuple[StepConfig, ...]:
    """Those of the recipe, else those of its task."""
    given = getattr(recipe, end)
    if given is not None:
        return read_steps(given, BEFORE if end == "before" else AFTER, end)
    return getattr(find_task(recipe.task), end) if recipe.task in task_names() else ()


def _with_exposure(after: Sequence[StepConfig], exposure: ExposureConfig) -> tuple[StepConfig, ...]:
    """The steps with this exposure: behind `keep`, which is about colour, and before the rest."""
    place = next((n for n, step in enumerate(after) if step.name != "keep"), len(after))
    others = [step for step in after if step.name != "exposure"]
    return (*others[:place], exposure, *others[place:])


def _exposure_net(restoration: Restoration) -> nn.Module | None:
    step = restoration.after["exposure"] if "exposure" in restoration.after else None
    return step.net if isinstance(step, Exposure) else None


_STAGES: dict[str, tuple[type[Recipe], Callable[[Any, Run], dict[str, float]]]] = {
    "decompose": (DecompositionRecipe, train_decomposition),
    "teacher": (TeacherRecipe, train_teacher),
    "student": (StudentRecipe, train_student),
    "exposure": (ExposureRecipe, train_exposure),
}
