"""`restorect evaluate`: how good a method is, on which set, by which protocol, and how sure that is."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import typer

from restorect.cli import evaluate_options as o
from restorect.cli import executors as e
from restorect.cli.evaluate_set import find_set, one_set
from restorect.cli.library_warnings import hush
from restorect.cli.threads import Threads
from restorect.errors import shown

if TYPE_CHECKING:
    from restorect.evaluate.cases import Case
    from restorect.evaluate.evaluation import EvaluationPlan
    from restorect.evaluate.judge import Ruler
    from restorect.evaluate.methods import Method
    from restorect.evaluate.summary import TestSet
    from restorect.infer.options import Options


def evaluate(
    pairs: o.Pairs = None,
    benchmark: o.Benchmark = None,
    data: o.Data = None,
    partial: o.Partial = False,
    photos: o.PhotosFolder = None,
    reference: o.Reference = None,
    outputs: o.Outputs = None,
    name: o.Name = None,
    task: o.Task = None,
    size: o.Size = "tiny",
    weights: o.Weights = None,
    strength: o.Strength = 1.0,
    seed: o.Seed = 0,
    steps: o.Steps = None,
    style: o.Style = "reference",
    device: o.Device = "cpu",
    protocol: o.Protocol = "rgb-full",
    metrics: o.Metrics = None,
    weights_dir: o.WeightsDir = None,
    fid_against: o.FidAgainst = None,
    baselines: o.Baselines = False,
    mixed_depth: o.MixedDepth = False,
    workers: o.Workers = None,
    executor: e.Executor = e.LOCAL,
    address: e.Address = None,
    threads: Threads = None,
    out: o.Out = None,
    readme: o.Readme = None,
    results: o.Results = Path("docs/results"),
) -> None:
    """Measure a method, for example: restorect evaluate --benchmark lol-v1 --data LOLdataset -o report.

    Writes images.csv, summary.json and a self-contained report.html. The same command given again goes on where
    it was stopped. Exit code: 0 all is well, 1 some images could not be judged, 2 wrong usage.
    """
    hush()
    if readme is not None:
        _write_readme(readme, results)
        return
    if "list" in (benchmark, metrics):
        _list(benchmarks=benchmark == "list", weights_dir=weights_dir)
        return

    one_set(pairs, benchmark, photos, reference)
    test_set, cases, own_task = find_set(pairs, benchmark, data, partial, photos, reference, outputs)
    if outputs is not None:
        loads = [functools.partial(_outputs, outputs, name)]
    else:
        how = _how(strength, seed, steps, style)
        loads = [functools.partial(_restorer, task or own_task, size, device, weights, name, how)]
        typer.echo(f"style {style}", err=True)
    loads += _baselines(cases) if baselines else []
    against, folder = _good_photos(fid_against, metrics), _folder(out)
    with_input = all(case.low is not None for case in cases)
    ruler = functools.partial(_ruler, test_set.paired, with_input, bool(against), protocol, metrics, weights_dir)
    plan = _plan(test_set, cases, loads, ruler, against, folder)
    plan = _shared(plan, e.Wish(executor, workers, address, threads, device), loads, ruler)
    raise typer.Exit(1 if _run(plan, mixed_depth=mixed_depth) else 0)


def _outputs(folder: Path, name: str | None) -> Method:
    from restorect.evaluate.methods import outputs_method

    return outputs_method(folder, name)


def _how(strength: float, seed: int, steps: int | None, style: str) -> Options:
    from restorect.infer.options import Options

    return Options(strength=strength, seed=seed, steps=steps, style=cast(Any, style))


def _restorer(
    task: str,
    size: str,
    device: str,
    weights: Path | None,
    name: str | None,
    how: Options,
) -> Method:
    from restorect.evaluate.methods import restorer_method
    from restorect.infer.restorer import Restorer

    restorer = Restorer.load(task, size, device=device, weights=weights)
    called = name or f"restorect {restorer.size}"
    return restorer_method(
        restorer, name=called, strength=how.strength, seed=how.seed, steps=how.steps, style=how.style
    )


def _baselines(cases: list[Case]) -> list[functools.partial[Method]]:
    from restorect.errors import ConfigError
    from restorect.evaluate.baselines import BASELINES
    from restorect.evaluate.methods import baseline_method

    if any(case.low is None for case in cases):
        raise ConfigError("--baselines: need the degraded photos, and --reference has none; give --pairs")
    return [functools.partial(baseline_method, name) for name in BASELINES]


def _good_photos(folder: Path | None, metrics: str | None) -> list[Path]:
    from restorect.errors import ConfigError
    from restorect.images.find import photos_in

    if folder is None:
        return []
    if "fid" not in _names(metrics or ""):
        raise ConfigError("--fid-against: is for the metric fid; give --metrics psnr,ssim,fid or the like")
    return photos_in(folder, recursive=True)


def _names(metrics: str) -> list[str]:
    from restorect.metrics.eye import EYE

    asked = [name.strip() for name in metrics.split(",") if name.strip()]
    return [name for one in asked for name in (EYE if one == "eye" else (one,))]


def _folder(out: Path | None) -> Path:
    from restorect.errors import ConfigError

    if out is None:
        raise ConfigError("-o: give a folder for table, summary and report")
    return out


def _ruler(
    paired: bool, with_input: bool, with_good: bool, protocol: str, metrics: str | None, weights_dir: Path | None
) -> tuple[Ruler, dict[str, str]]:
    """How is measured, and why not by the other metrics."""
    from restorect.evaluate.judge import Ruler
    from restorect.evaluate.protocols import find_protocol
    from restorect.evaluate.scores import choose_measures
    from restorect.evaluate.set_scores import choose_set_measures

    chosen = find_protocol(protocol)
    names = None if metrics is None else _names(metrics)
    measures, unavailable = choose_measures(
        names, paired=paired, protocol=chosen, has_input=with_input, weights_dir=weights_dir
    )
    set_measures, lacking = choose_set_measures(
        names, protocol=chosen, compared=paired or with_good, weights_dir=weights_dir
    )
    ruler = Ruler(protocol=chosen, measures=tuple(measures), set_measures=tuple(set_measures))
    return ruler, unavailable | lacking


def _plan(
    test_set: TestSet,
    cases: list[Case],
    loads: Sequence[Callable[[], Method]],
    ruler: Callable[[], tuple[Ruler, dict[str, str]]],
    against: list[Path],
    out: Path,
) -> EvaluationPlan:
    from restorect.evaluate.evaluation import EvaluationPlan

    ruled, unavailable = ruler()
    return EvaluationPlan(
        test_set=test_set,
        cases=cases,
        methods=[load() for load in loads],
        ruler=ruled,
        unavailable=unavailable,
        against=against,
        out=out,
    )


def _shared(
    plan: EvaluationPlan,
    wish: e.Wish,
    loads: Sequence[Callable[[], Method]],
    ruler: Callable[[], tuple[Ruler, dict[str, str]]],
) -> EvaluationPlan:
    """The same with those who work on it: threads of this process, or a crew."""
    from restorect.evaluate.shared import Sharing

    here = wish.executor == e.LOCAL
    crew = e.crew_of(replace(wish, workers=None) if here else wish)
    if crew is None:
        return replace(plan, workers=wish.workers or 1)
    methods = {method.name: load for method, load in zip(plan.methods, loads, strict=True)}
    return replace(plan, workers=crew.size, sharing=Sharing(crew=crew, methods=methods, ruler=ruler))


def _run(plan: EvaluationPlan, *, mixed_depth: bool) -> int:
    """Check, evaluate, write and show; gives the number of images that could not be judged."""
    from restorect.cli.evaluate_display import tell
    from restorect.cli.progress import Progress
    from restorect.evaluate.cases import check_headers
    from restorect.evaluate.evaluation import carry_out

    with Progress() as progress:
        mixed = check_headers(plan.cases, mixed_depth=mixed_depth, on_progress=progress.show)
        if mixed:
            stamp = f"MIXED DEPTH: {mixed} of {len(plan.cases)} images compare different bit depths"
            test_set = replace(plan.test_set, stamps=(*plan.test_set.stamps, stamp))
            plan = replace(plan, test_set=test_set)
        summary = carry_out(plan, progress.show)
    return tell(summary, plan.out)


def _list(*, benchmarks: bool, weights_dir: Path | None) -> None:
    from rich.console import Console
    from rich.table import Table

    from restorect.evaluate.benchmarks import BENCHMARKS
    from restorect.evaluate.scores import described

    if benchmarks:
        table = Table("name", "task", "ground truth", "images", "folders", show_lines=True)
        table.columns[-1].overflow = "fold"
        for b in BENCHMARKS.values():
            counts = [" or ".join(map(str, layout.counts or b.counts)) for layout in b.layouts]
            folders = [layout.shown for layout in b.layouts]
            table.add_row(b.name, b.task, "yes" if b.paired else "no", "\n".join(counts), "\n".join(folders))
    else:
        table = Table("name", "compares with", "better", "ready")
        for row in described(weights_dir):
            table.add_row(*row)
    Console().print(table)


def _write_readme(readme: Path, results: Path) -> None:
    from restorect.evaluate.readme import update

    changed = update(readme, results)
    typer.echo(f"{shown(readme)}: {'written' if changed else 'already up to date'}")
