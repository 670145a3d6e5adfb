"""`restorect train decompose|teacher|student|exposure|auto`: from a recipe and folders of photos to a checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from restorect.errors import shown

if TYPE_CHECKING:
    from restorect.train.loop import Report
    from restorect.train.recipes import Recipe
    from restorect.train.run import Run

app = typer.Typer(
    help="Train the networks: decompose (stage 0), teacher (stage 1), student (stage 2), exposure (stage 3).",
    no_args_is_help=True,
)

RecipeFile = Annotated[Path | None, typer.Argument(help="YAML recipe; without it, the defaults.")]
Data = Annotated[list[str] | None, typer.Option("--data", help="Folder with low/ and high/ (repeatable).")]
Val = Annotated[list[str] | None, typer.Option("--val", help="Such a folder for validation (repeatable).")]
Clean = Annotated[list[str] | None, typer.Option("--clean", help="Folder of clean photos to simulate from.")]
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder of the run: checkpoints, state, logs.")]
Setting = Annotated[list[str] | None, typer.Option("--set", help="A recipe setting, name=value (repeatable).")]
Steps = Annotated[int | None, typer.Option(help="End after so many steps.")]
Minutes = Annotated[float | None, typer.Option(help="End after so many minutes of training.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")]
Device = Annotated[str, typer.Option(help="cpu, cuda or cuda:N.")]
Threads = Annotated[int | None, typer.Option(help="CPU threads.")]
Checkpoint = Annotated[Path | None, typer.Option(help="Checkpoint of stage 0.")]
Start = Annotated[Path | None, typer.Option("--init", help="Checkpoint of the same network to start from.")]


@app.command()
def decompose(
    recipe: RecipeFile = None,
    *,
    out: Out,
    data: Data = None,
    val: Val = None,
    clean: Clean = None,
    settings: Setting = None,
    steps: Steps = None,
    minutes: Minutes = None,
    resume: Resume = False,
    device: Device = "cpu",
    threads: Threads = None,
) -> None:
    """Stage 0: reflectance and illumination of degraded and of clean photos."""
    from restorect.train.recipes import DecompositionRecipe
    from restorect.train.run import train_decomposition

    values = _values(recipe, data, val, clean, settings, steps, minutes)
    _carry_out(train_decomposition, DecompositionRecipe, values, out, resume, device, threads)


@app.command()
def teacher(
    recipe: RecipeFile = None,
    *,
    out: Out,
    decomposition: Checkpoint = None,
    init: Start = None,
    data: Data = None,
    val: Val = None,
    clean: Clean = None,
    settings: Setting = None,
    steps: Steps = None,
    minutes: Minutes = None,
    resume: Resume = False,
    device: Device = "cpu",
    threads: Threads = None,
) -> None:
    """Stage 1: the network that knows the answer."""
    from restorect.train.recipes import TeacherRecipe
    from restorect.train.run import train_teacher

    values = _values(recipe, data, val, clean, settings, steps, minutes, decomposition=decomposition, init=init)
    _carry_out(train_teacher, TeacherRecipe, values, out, resume, device, threads)


@app.command()
def student(
    recipe: RecipeFile = None,
    *,
    out: Out,
    teacher: Annotated[Path | None, typer.Option(help="Checkpoint of stage 1; without it, no distillation.")] = None,
    decomposition: Checkpoint = None,
    init: Start = None,
    data: Data = None,
    val: Val = None,
    clean: Clean = None,
    settings: Setting = None,
    steps: Steps = None,
    minutes: Minutes = None,
    resume: Resume = False,
    device: Device = "cpu",
    threads: Threads = None,
) -> None:
    """Stage 2: the network that generates the teacher's knowledge; codes first, then the whole."""
    from restorect.train.recipes import StudentRecipe
    from restorect.train.run import train_student

    values = _values(
        recipe, data, val, clean, settings, steps, minutes, teacher=teacher, decomposition=decomposition, init=init
    )
    _carry_out(train_student, StudentRecipe, values, out, resume, device, threads)


@app.command()
def exposure(
    recipe: RecipeFile = None,
    *,
    out: Out,
    init: Annotated[Path | None, typer.Option("--init", help="The student, from stage 2.")] = None,
    data: Data = None,
    val: Val = None,
    clean: Clean = None,
    settings: Setting = None,
    steps: Steps = None,
    minutes: Minutes = None,
    resume: Resume = False,
    device: Device = "cpu",
    threads: Threads = None,
) -> None:
    """Stage 3: how bright the student's restorations are to be."""
    from restorect.train.recipes import ExposureRecipe
    from restorect.train.run import train_exposure

    values = _values(recipe, data, val, clean, settings, steps, minutes, init=init)
    _carry_out(train_exposure, ExposureRecipe, values, out, resume, device, threads)


@app.command()
def pack(
    checkpoint: Annotated[Path, typer.Argument(help="A student or teacher of a training run.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The .safetensors file to write; its card goes beside it.")],
    test: Annotated[list[str] | None, typer.Option(help="NAME=FOLDER of pairs to measure on (repeatable).")] = None,
    note: Annotated[list[str] | None, typer.Option(help="NAME=TEXT for the card (repeatable).")] = None,
    start: Annotated[str | None, typer.Option(help="Default start of the flow: noise or mean.")] = None,
    flow_steps: Annotated[int | None, typer.Option(help="Default steps of the flow.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="A setting of a student that needs no other weights, name=value.")
    ] = None,
    threads: Threads = None,
) -> None:
    """Pack a checkpoint for others: float16, measured as packed, with a card."""
    from restorect.devices import use_threads
    from restorect.errors import ConfigError
    from restorect.train.pack import pack as pack_checkpoint

    if start not in (None, "noise", "mean"):
        raise ConfigError(f"--start {start}: choose noise or mean")
    use_threads(threads)
    tests = {name: [folder] for name, folder in _named("--test", test).items()}
    notes: dict[str, Any] = dict(_named("--note", note))
    card = pack_checkpoint(
        checkpoint, out, tests=tests, start=cast(Any, start), steps=flow_steps, settings=settings or (), notes=notes
    )
    for name, figures in card.metrics.items():
        typer.echo(f"{shown(name)}: PSNR {figures['psnr']:.2f} dB, {_ssim(figures)} ({figures['protocol']})")


@app.command()
def auto(
    out: Annotated[Path, typer.Option("--out", "-o", help="The .safetensors file to write; its card goes beside it.")],
    data: Annotated[list[str] | None, typer.Option(help="TASK=FOLDER of bad photos, or of low/ and high/.")] = None,
    clean: Annotated[list[str] | None, typer.Option(help="TASK=FOLDER of good photos, to simulate from.")] = None,
    val: Annotated[list[str] | None, typer.Option(help="TASK=FOLDER to measure on, like --data.")] = None,
    enough: Annotated[int, typer.Option(min=1, help="Photos to learn from of each side of each folder.")] = 400,
    settings: Setting = None,
    seed: Annotated[int, typer.Option(help="Of all that is random.")] = 0,
    threads: Threads = None,
) -> None:
    """The classifier behind `--task auto`: which of the tasks a photo needs, or none."""
    from restorect.configs import from_mapping, override
    from restorect.devices import use_threads
    from restorect.train.auto import AutoConfig, train_classifier
    from restorect.train.auto_card import write
    from restorect.train.auto_data import Folders, gather

    use_threads(threads)
    config = from_mapping(AutoConfig, override({"seed": seed}, settings or []))
    given = {"data": data, "clean": clean, "val": val}
    folders = Folders(**{name: _folders(f"--{name}", texts) for name, texts in given.items()})
    with _Counter() as counter:
        examples = gather(folders, enough=enough, seed=config.seed, on_progress=counter.show)
    layers, thresholds = train_classifier(examples, config)
    sources = tuple(dict.fromkeys(f"{task}: {folder.parent.name}/{folder.name}" for task, folder in folders.learnt))
    figures = write(out, layers, examples, thresholds=thresholds, data=sources)
    typer.echo(
        f"{shown(out)}: right among the tasks {figures.among_four:.1%}, touched and right {figures.right:.1%}, "
        f"good photos touched {figures.touched:.1%}"
    )


def _folders(option: str, given: list[str] | None) -> tuple[tuple[str, Path], ...]:
    """Tasks with their folders; a task may come several times."""
    _named(option, given)
    return tuple((task, Path(folder)) for task, _, folder in (text.partition("=") for text in given or []))


def _named(option: str, given: list[str] | None) -> dict[str, str]:
    from restorect.errors import ConfigError

    for text in given or []:
        if not all(text.partition("=")[::2]):
            raise ConfigError(f"{option} {text}: write it as NAME=VALUE")
    return dict(text.split("=", 1) for text in given or [])


def _values(
    recipe: Path | None,
    data: list[str] | None,
    val: list[str] | None,
    clean: list[str] | None,
    settings: list[str] | None,
    steps: int | None,
    minutes: float | None,
    **checkpoints: Path | None,
) -> dict[str, Any]:
    """The recipe file, then the options, then `--set` on top of it."""
    from restorect.configs import override, read_yaml

    values: dict[str, Any] = override(read_yaml(recipe) if recipe else {}, [])
    for name, folders in {"train": data, "val": val, "clean": clean}.items():
        if folders:
            values.setdefault("data", {})[name] = folders
    if steps is not None or minutes is not None:
        # A limit given here replaces those of the recipe, whichever they are.
        values.setdefault("schedule", {}).update(steps=steps or 0, minutes=minutes or 0.0)
    values.update({name: str(path) for name, path in checkpoints.items() if path is not None})
    return override(values, settings or [])


def _carry_out(
    train: Callable[[Any, Run], dict[str, float]],
    recipe_class: type[Recipe],
    values: dict[str, Any],
    out: Path,
    resume: bool,
    device: str,
    threads: int | None,
) -> None:
    import os

    import torch

    from restorect.configs import from_mapping
    from restorect.devices import find_device, use_threads
    from restorect.train.run import Run

    use_threads(threads)
    chosen = find_device(device)
    if chosen.type == "cuda" and "LOCAL_RANK" in os.environ:
        chosen = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
    recipe = from_mapping(recipe_class, values)
    with _Display() as display:
        figures = train(recipe, Run(out, chosen, resume, display.show))
    if figures:
        typer.echo(
            f"{shown(out / 'best.safetensors')}: last validation PSNR {figures['psnr']:.2f} dB, {_ssim(figures)}"
        )


def _ssim(figures: dict[str, float]) -> str:
    return f"SSIM {figures['ssim']:.4f}"


class _Display:
    """A progress bar with loss, speed and time left; validations stay as lines above it."""

    def __enter__(self) -> _Display:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[figures]}"),
            console=Console(stderr=True),
        )
        self._tasks: dict[str, Any] = {}
        self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.stop()

    def show(self, report: Report) -> None:
        """Bring the bar of the report's stage up to date."""
        if report.stage not in self._tasks:
            self._tasks[report.stage] = self._bar.add_task(report.stage, total=1.0, figures="")
        if report.validation:
            v = report.validation
            self._bar.console.print(
                f"{report.stage} step {report.step}: validation PSNR {v['psnr']:.2f} dB, {_ssim(v)}", highlight=False
            )
            return
        minutes, seconds = divmod(int(min(report.seconds_left, 359999)), 60)
        figures = f"step {report.step}  loss {report.loss:.4f}  {report.steps_per_second:.2f} steps/s  "
        figures += f"{minutes // 60:d}:{minutes % 60:02d}:{seconds:02d} left"
        self._bar.update(self._tasks[report.stage], completed=report.done, figures=figures)


class _Counter:
    """A progress bar of things counted one by one."""

    def __enter__(self) -> _Counter:
        from rich.console import Console
        from rich.progress import Progress

        self._bar = Progress(console=Console(stderr=True), transient=True)
        self._task = self._bar.add_task("", total=None)
        self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.stop()

    def show(self, done: int, total: int, stage: str) -> None:
        """Bring the bar up to date."""
        self._bar.update(self._task, completed=done, total=total, description=stage)
