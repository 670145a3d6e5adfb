"""`restorect ablate`: what each part of the method is worth, by training without it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from restorect.cli.threads import Threads
from restorect.errors import shown

if TYPE_CHECKING:
    from restorect.train.recipes import StudentRecipe

TABLE_NAME, OUTCOME_NAME = "ablation.md", "ablation.json"
CURVES = {"loss": ("curves-loss.svg", "L1 of training crops"), "validation": ("curves-psnr.svg", "validation PSNR, dB")}
_POINTS = 25  # of a curve; what lies between is averaged


def ablate(
    recipe: Annotated[Path, typer.Argument(help="YAML recipe of the full student.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the runs, the table and the curves.")],
    variants: Annotated[
        str | None, typer.Option(help="Names with commas; `list` shows all. [default: all that suit]")
    ] = None,
    seeds: Annotated[str, typer.Option(help="Numbers with commas; each variant is trained with each.")] = "0,1,2",
    teacher: Annotated[Path | None, typer.Option(help="Checkpoint of stage 1.")] = None,
    decomposition: Annotated[Path | None, typer.Option(help="Checkpoint of stage 0, for the variant direct.")] = None,
    data: Annotated[list[str] | None, typer.Option(help="Folder with low/ and high/ (repeatable).")] = None,
    val: Annotated[list[str] | None, typer.Option(help="Such a folder for validation (repeatable).")] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", help="A recipe setting, name=value.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Steps of each run.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the runs in --out.")] = False,
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:N.")] = "cpu",
    threads: Threads = None,
) -> None:
    """Train named variants of a recipe with the same data, steps and seeds; write one table and curves.

    Writes ablation.md, ablation.json, curves-loss.svg and curves-psnr.svg.
    """
    if variants == "list":
        _list()
        return
    from restorect.cli.progress import Progress
    from restorect.configs import from_mapping
    from restorect.devices import find_device
    from restorect.train.ablate import Study
    from restorect.train.ablate import ablate as carry_out
    from restorect.train.recipes import StudentRecipe

    full = from_mapping(StudentRecipe, _values(recipe, data, val, steps, teacher, decomposition, settings))
    study = Study(
        recipe=full,
        variants=_all(full) if variants is None else tuple(part.strip() for part in variants.split(",")),
        seeds=_seeds(seeds),
        folder=out,
        device=find_device(device),
        resume=resume,
    )
    with Progress() as progress:
        outcome = carry_out(study, progress.show)
    _write(out, outcome)


def _values(
    recipe: Path,
    data: list[str] | None,
    val: list[str] | None,
    steps: int | None,
    teacher: Path | None,
    decomposition: Path | None,
    settings: list[str] | None,
) -> dict[str, Any]:
    """The recipe file, then the options, then `--set` on top of it."""
    from restorect.configs import override, read_yaml

    values: dict[str, Any] = override(read_yaml(recipe), [])
    for name, folders in {"train": data, "val": val}.items():
        if folders:
            values.setdefault("data", {})[name] = folders
    if steps is not None:
        values.setdefault("schedule", {}).update(steps=steps, minutes=0.0)
    checkpoints = {"teacher": teacher, "decomposition": decomposition}
    values.update({name: str(path) for name, path in checkpoints.items() if path is not None})
    return override(values, settings or [])


def _all(recipe: StudentRecipe) -> tuple[str, ...]:
    """All variants that differ from the recipe; says which do not."""
    from restorect.train.ablate import VARIANTS, changed, variants_of

    suiting = variants_of(recipe)
    for name in VARIANTS:
        if name not in suiting:
            typer.echo(f"left out: {name}, since the recipe has {changed(name)} already", err=True)
    return suiting


def _seeds(text: str) -> tuple[int, ...]:
    from restorect.errors import ConfigError

    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ConfigError(f"--seeds {text}: write whole numbers with commas, for example 0,1,2") from None


def _list() -> None:
    from restorect.train.ablate import VARIANTS, changed

    for name, variant in VARIANTS.items():
        typer.echo(f"{name:12} {variant.question}" + (f" ({changed(name)})" if variant.changes else ""))


def _write(out: Path, outcome: dict[str, Any]) -> None:
    import json

    from restorect.files import write_atomically
    from restorect.train.ablate import table

    text = table(outcome)
    write_atomically(out / OUTCOME_NAME, (json.dumps(outcome, indent=1) + "\n").encode())
    write_atomically(out / TABLE_NAME, text.encode())
    for kind, (name, label) in CURVES.items():
        write_atomically(out / name, curves(outcome, kind, label).encode())
    typer.echo(text, nl=False)
    typer.echo(shown(out / TABLE_NAME))


def curves(outcome: dict[str, Any], kind: str, label: str) -> str:
    """A standalone SVG: the mean over seeds of each variant, with bars of their spread."""
    import statistics

    from restorect.evaluate.report.plots import Point, plot, spanning, standalone

    series: dict[str, list[Point]] = {}
    for variant in outcome["variants"]:
        runs = [_thinned(run[kind]) for run in variant["runs"]]
        for step in sorted(set.intersection(*(set(run) for run in runs))):
            values = [run[step] for run in runs]
            mean, std = statistics.fmean(values), statistics.pstdev(values)
            title = f"{variant['name']}, step {step:g}: {mean:.4g} ± {std:.2g}"
            series.setdefault(variant["name"], []).append(
                Point(x=step, y=mean, title=title, low=mean - std, high=mean + std)
            )
    points = [point for line in series.values() for point in line]
    x = spanning("step", [point.x for point in points])
    y = spanning(label, [end for p in points for end in (p.low or p.y, p.high or p.y)])
    return standalone(plot(series, x, y, lines=True))


def _thinned(curve: list[list[float]]) -> dict[float, float]:
    """A curve by its last step of each of a few equal stretches, values averaged."""
    size = max(1, -(-len(curve) // _POINTS))
    parts = [curve[first : first + size] for first in range(0, len(curve), size)]
    return {part[-1][0]: sum(value for _, value in part) / len(part) for part in parts}
