"""`restorect train RECIPE`: from a recipe and folders of photos to a checkpoint; and packing, migrating, `auto`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from typer.core import TyperGroup

from restorect.cli.progress import Progress
from restorect.cli.threads import Threads
from restorect.errors import shown

if TYPE_CHECKING:
    from restorect.train.loop import Report

STAGES = ("decompose", "teacher", "student", "exposure")


class _Group(TyperGroup):
    """`restorect train RECIPE` is the stage that the recipe names."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - typer hides their types
        """The command, and what is left for it."""
        named = Path(args[0]).suffix in (".yaml", ".yml")
        return super().resolve_command(ctx, ["run", *args] if named else args)


app = typer.Typer(
    cls=_Group,
    help="Train the networks: `train RECIPE.yaml`, or a stage by its name: decompose (0), teacher (1), student (2), "
    "exposure (3).",
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
Checkpoint = Annotated[Path | None, typer.Option(help="Checkpoint of stage 0.")]
Force = Annotated[bool, typer.Option("--force", help="Replace files that are there already.")]
Start = Annotated[Path | None, typer.Option("--init", help="Checkpoint of the same network to start from.")]


def stage(
    ctx: typer.Context,
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
    """Train the stage that the recipe names, or that the command is called after."""
    values = _values(
        recipe, data, val, clean, settings, steps, minutes, teacher=teacher, decomposition=decomposition, init=init
    )
    named = ctx.info_name if ctx.info_name in STAGES else None
    _carry_out(named, values, out, resume, device)


app.command("run", hidden=True)(stage)
for _name, _help in zip(STAGES, (
    "Stage 0: reflectance and illumination of degraded and of clean photos.",
    "Stage 1: the network that knows the answer.",
    "Stage 2: the network that generates the teacher's knowledge; codes first, then the whole.",
    "Stage 3: how bright the student's restorations are to be.",
), strict=True):  # fmt: skip
    app.command(_name, help=_help)(stage)


@app.command()
def pack(
    checkpoint: Annotated[Path, typer.Argument(help="A student or teacher of a training run.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The .safetensors file to write; its card goes beside it.")],
    test: Annotated[list[str] | None, typer.Option(help="NAME=FOLDER of pairs to measure on (repeatable).")] = None,
    note: Annotated[list[str] | None, typer.Option(help="NAME=TEXT for the card (repeatable).")] = None,
    start: Annotated[str | None, typer.Option(help="Default start of the flow: noise or mean.")] = None,
    flow_steps: Annotated[int | None, typer.Option(help="Default steps of the flow.")] = None,
    before: Annotated[str | None, typer.Option(help="Steps in front of a student, for example '[balance]'.")] = None,
    after: Annotated[
        str | None, typer.Option(help="Steps behind it, for example '[exposure: {trust: 0.5, source: net}, hue]'.")
    ] = None,
    force: Force = False,
    threads: Threads = None,
) -> None:
    """Pack a checkpoint for others: float16, measured as packed, with a card."""
    from restorect.configs import read_setting
    from restorect.errors import ConfigError
    from restorect.train.pack import pack as pack_checkpoint
    from restorect.train.writing import check_target

    if start not in (None, "noise", "mean"):
        raise ConfigError(f"--start {start}: choose noise or mean")
    check_target(out, source=checkpoint, force=force)
    tests = {name: [folder] for name, folder in _named("--test", test).items()}
    notes: dict[str, Any] = dict(_named("--note", note))
    card = pack_checkpoint(
        checkpoint,
        out,
        tests=tests,
        start=cast(Any, start),
        steps=flow_steps,
        before=read_setting(before, "--before"),
        after=read_setting(after, "--after"),
        notes=notes,
    )
    for name, figures in card.metrics.items():
        typer.echo(f"{shown(name)}: PSNR {figures['psnr']:.2f} dB, {_ssim(figures)} ({figures['protocol']})")


@app.command()
def migrate(
    checkpoint: Annotated[Path, typer.Argument(help="A weight file of format 1.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write.")],
    force: Force = False,
) -> None:
    """Bring a weight file of an earlier version up to date; its numbers stay as they are."""
    from restorect.files import refuse_taken
    from restorect.render.migrate import migrate as migrate_file

    refuse_taken(out, force=force)
    migrate_file(checkpoint, out)


@app.command()
def auto(
    out: Annotated[Path, typer.Option("--out", "-o", help="The .safetensors file to write; its card goes beside it.")],
    data: Annotated[list[str] | None, typer.Option(help="TASK=FOLDER of bad photos, or of low/ and high/.")] = None,
    clean: Annotated[list[str] | None, typer.Option(help="TASK=FOLDER of good photos, to simulate from.")] = None,
    val: Annotated[list[str] | None, typer.Option(help="TASK=FOLDER to measure on, like --data.")] = None,
    enough: Annotated[int, typer.Option(min=1, help="Photos to learn from of each side of each folder.")] = 400,
    settings: Setting = None,
    seed: Annotated[int, typer.Option(help="Of all that is random.")] = 0,
    force: Force = False,
    threads: Threads = None,
) -> None:
    """The classifier behind `--task auto`: which of the tasks a photo needs, or none."""
    from restorect.configs import from_mapping, override
    from restorect.train.auto import AutoConfig, train_classifier
    from restorect.train.auto_card import write
    from restorect.train.auto_data import Folders, gather
    from restorect.train.writing import check_target

    check_target(out, force=force)
    config = from_mapping(AutoConfig, override({"seed": seed}, settings or []))
    given = {"data": data, "clean": clean, "val": val}
    folders = Folders(**{name: _folders(f"--{name}", texts) for name, texts in given.items()})
    with Progress() as progress:
        examples = gather(folders, enough=enough, seed=config.seed, on_progress=progress.show)
    learnt = train_classifier(examples, config)
    sources = tuple(dict.fromkeys(f"{task}: {folder.parent.name}/{folder.name}" for task, folder in folders.learnt))
    figures = write(out, learnt.layers, examples, thresholds=learnt.thresholds, sure=learnt.sure, data=sources)
    typer.echo(
        f"{shown(out)}: right among the tasks {figures.among_four:.1%}, touched and right {figures.right:.1%}, "
        f"good photos touched {figures.touched:.1%}"
    )


def _folders(option: str, given: list[str] | None) -> tuple[tuple[str, Path], ...]:
    """Tasks with their folders; a task may come several times."""
    return tuple((task, Path(folder)) for task, folder in _parts(option, given))


def _named(option: str, given: list[str] | None) -> dict[str, str]:
    """Values by their names, each of which comes once."""
    from restorect.errors import ConfigError

    values: dict[str, str] = {}
    for name, value in _parts(option, given):
        if name in values:
            raise ConfigError(f"{option} {name}: is given twice; choose another name for one of them")
        values[name] = value
    return values


def _parts(option: str, given: list[str] | None) -> list[tuple[str, str]]:
    from restorect.errors import ConfigError

    parts = []
    for text in given or []:
        name, _, value = text.partition("=")
        if not name or not value:
            raise ConfigError(f"{option} {text}: write it as NAME=VALUE")
        parts.append((name, value))
    return parts


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


def _carry_out(named: str | None, values: dict[str, Any], out: Path, resume: bool, device: str) -> None:
    import os

    import torch

    from restorect.devices import find_device
    from restorect.train.run import Run, read_recipe, train

    chosen = find_device(device)
    if chosen.type == "cuda" and "LOCAL_RANK" in os.environ:
        chosen = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
    recipe = read_recipe(values, named)
    with Progress(timed=False) as progress:
        figures = train(recipe, Run(out, chosen, resume, _teller(progress)))
    if figures:
        typer.echo(
            f"{shown(out / 'best.safetensors')}: last validation PSNR {figures['psnr']:.2f} dB, {_ssim(figures)}"
        )


def _ssim(figures: dict[str, float]) -> str:
    return f"SSIM {figures['ssim']:.4f}"


def _teller(progress: Progress) -> Callable[[Report], None]:
    """Shows loss, speed and time left; validations stay as lines."""

    def tell(report: Report) -> None:
        if report.validation:
            v = report.validation
            progress.line(f"{report.stage} step {report.step}: validation PSNR {v['psnr']:.2f} dB, {_ssim(v)}")
            return
        minutes, seconds = divmod(int(min(report.seconds_left, 359999)), 60)
        left = f"{minutes // 60:d}:{minutes % 60:02d}:{seconds:02d} left"
        pace = f"step {report.step}  loss {report.loss:.4f}  {report.steps_per_second:.2f} steps/s"
        progress.show(round(1000 * report.done), 1000, report.stage, f"{report.done:.0%}  {pace}  {left}")

    return tell
