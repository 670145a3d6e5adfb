"""`restorect evaluate`: how good a method is, on which set, by which protocol, and how sure that is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import typer

from restorect.cli import evaluate_options as o
from restorect.cli.threads import Threads
from restorect.errors import shown

if TYPE_CHECKING:
    from restorect.evaluate.cases import Case
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
    workers: o.Workers = 1,
    threads: Threads = None,
    out: o.Out = None,
    readme: o.Readme = None,
    results: o.Results = Path("docs/results"),
) -> None:
    """Measure a method, for example: restorect evaluate --benchmark lol-v1 --data LOLdataset -o report.

    Writes images.csv, summary.json and a self-contained report.html. The same command given again goes on where
    it was stopped. Exit code: 0 all is well, 1 some images could not be judged, 2 wrong usage.
    """
    from restorect.cli.library_warnings import hush

    hush()
    if readme is not None:
        _write_readme(readme, results)
        return
    if "list" in (benchmark, metrics):
        _list(benchmarks=benchmark == "list", weights_dir=weights_dir)
        return

    _one_set(pairs, benchmark, photos, reference)
    test_set, cases, own_task = _find_set(pairs, benchmark, data, partial, photos, reference, outputs)
    if outputs is not None:
        methods = [_outputs(outputs, name)]
    else:
        how = _how(strength, seed, steps, style)
        methods = [_restorer(task or own_task, size, device, weights, name, how)]
    if baselines:
        methods += _baselines(cases)
    against, folder = _good_photos(fid_against, metrics), _folder(out)
    ruled = _ruler(test_set, cases, protocol, metrics, weights_dir, against)
    failed = _run(test_set, cases, methods, ruled, against, folder, mixed_depth=mixed_depth, workers=workers)
    raise typer.Exit(1 if failed else 0)


def _one_set(*given: object) -> None:
    from restorect.errors import ConfigError

    if sum(one is not None for one in given) != 1:
        raise ConfigError("give one set: --pairs, --benchmark with --data, --photos, or --reference with --outputs")


def _find_set(
    pairs: Path | None,
    benchmark: str | None,
    data: Path | None,
    partial: bool,
    photos: Path | None,
    reference: Path | None,
    outputs: Path | None,
) -> tuple[TestSet, list[Case], str]:
    """The set: what reports say of it, its cases, and the task it is for."""
    from restorect.errors import ConfigError
    from restorect.evaluate.benchmarks import find_benchmark
    from restorect.evaluate.benchmarks.detect import describe, detect
    from restorect.evaluate.cases import paired, unpaired, with_outputs
    from restorect.evaluate.summary import TestSet

    own_task = "low-light"
    if benchmark is not None:
        chosen = find_benchmark(benchmark)
        if data is None:
            raise ConfigError(f"--benchmark {benchmark}: give --data, the folder of your copy ({chosen.source})")
        found = detect(chosen, data, partial=partial)
        test_set, cases, own_task = describe(chosen, found), found.cases, chosen.task
    else:
        folder = pairs or photos or reference or Path()
        if pairs is not None:
            cases = paired(pairs / "low", pairs / "high")
        elif photos is not None:
            cases = unpaired(photos)
        else:
            if outputs is None:
                raise ConfigError("--reference: ground truths alone need --outputs, a folder of results")
            cases = _references(folder)
        named = folder.resolve().name
        test_set = TestSet(name=named, title=named, images=len(cases), paired=photos is None)
    return test_set, with_outputs(cases, outputs) if outputs is not None else cases, own_task


def _references(folder: Path) -> list[Case]:
    from restorect.evaluate.cases import Case, unpaired

    return [Case(name=case.name, high=case.low) for case in unpaired(folder)]


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
    typer.echo(f"style {how.style}", err=True)
    return restorer_method(
        restorer, name=called, strength=how.strength, seed=how.seed, steps=how.steps, style=how.style
    )


def _baselines(cases: list[Case]) -> list[Method]:
    from restorect.errors import ConfigError
    from restorect.evaluate.baselines import BASELINES
    from restorect.evaluate.methods import baseline_method

    if any(case.low is None for case in cases):
        raise ConfigError("--baselines: need the degraded photos, and --reference has none; give --pairs")
    return [baseline_method(name) for name in BASELINES]


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
    test_set: TestSet,
    cases: list[Case],
    protocol: str,
    metrics: str | None,
    weights_dir: Path | None,
    against: list[Path],
) -> tuple[Ruler, dict[str, str]]:
    """How is measured, and why not by the other metrics."""
    from restorect.evaluate.judge import Ruler
    from restorect.evaluate.protocols import find_protocol
    from restorect.evaluate.scores import choose_measures
    from restorect.evaluate.set_scores import choose_set_measures

    chosen = find_protocol(protocol)
    names = None if metrics is None else _names(metrics)
    measures, unavailable = choose_measures(
        names,
        paired=test_set.paired,
        protocol=chosen,
        has_input=all(case.low is not None for case in cases),
        weights_dir=weights_dir,
    )
    set_measures, lacking = choose_set_measures(
        names, protocol=chosen, compared=test_set.paired or bool(against), weights_dir=weights_dir
    )
    ruler = Ruler(protocol=chosen, measures=tuple(measures), set_measures=tuple(set_measures))
    return ruler, unavailable | lacking


def _run(
    test_set: TestSet,
    cases: list[Case],
    methods: list[Method],
    ruled: tuple[Ruler, dict[str, str]],
    against: list[Path],
    out: Path,
    *,
    mixed_depth: bool,
    workers: int,
) -> int:
    """Check, evaluate, write and show; gives the number of images that could not be judged."""
    import dataclasses

    from restorect.cli.evaluate_display import tell
    from restorect.cli.progress import Progress
    from restorect.evaluate.cases import check_headers
    from restorect.evaluate.evaluation import EvaluationPlan, carry_out

    with Progress() as progress:
        mixed = check_headers(cases, mixed_depth=mixed_depth, on_progress=progress.show)
        if mixed:
            stamp = f"MIXED DEPTH: {mixed} of {len(cases)} images compare different bit depths"
            test_set = dataclasses.replace(test_set, stamps=(*test_set.stamps, stamp))
        ruler, unavailable = ruled
        plan = EvaluationPlan(
            test_set=test_set,
            cases=cases,
            methods=methods,
            ruler=ruler,
            unavailable=unavailable,
            against=against,
            out=out,
            workers=workers,
        )
        summary = carry_out(plan, progress.show)
    return tell(summary, out)


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
