"""The options of `restorect evaluate`, one type each."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

Pairs: TypeAlias = Annotated[Path | None, typer.Option(help="Set: a folder with low/ and high/.")]
Benchmark: TypeAlias = Annotated[
    str | None, typer.Option(help="Set: a benchmark's name, such as lol-v1; `list` shows all.")
]
Data: TypeAlias = Annotated[Path | None, typer.Option(help="Where the copy of the benchmark lies.")]
Partial: TypeAlias = Annotated[
    bool, typer.Option("--partial", help="Accept an incomplete copy; the report is stamped so.")
]
PhotosFolder: TypeAlias = Annotated[
    Path | None, typer.Option("--photos", help="Set: photos without ground truth; metrics without reference only.")
]
Outputs: TypeAlias = Annotated[
    Path | None, typer.Option(help="Judge these finished outputs of any method instead of running ours.")
]
Reference: TypeAlias = Annotated[Path | None, typer.Option(help="Set: ground truths alone, for --outputs.")]
Name: TypeAlias = Annotated[str | None, typer.Option(help="What the method is called in tables.")]
Task: TypeAlias = Annotated[str | None, typer.Option(help="What shipped weights restore; a benchmark knows its own.")]
Size: TypeAlias = Annotated[str, typer.Option(help="Network: nano, tiny, or small (low light only).")]
Weights: TypeAlias = Annotated[Path | None, typer.Option(help="Weight file instead of a shipped one.")]
Strength: TypeAlias = Annotated[float, typer.Option(help="Of the restoration, 0 to 1.")]
Seed: TypeAlias = Annotated[int, typer.Option(help="Start of the flow.")]
Steps: TypeAlias = Annotated[int | None, typer.Option(help="Steps of the flow; by default as trained.")]
Style: TypeAlias = Annotated[str, typer.Option(help="reference, as benchmarks of single exposures expect, or natural.")]
Device: TypeAlias = Annotated[str, typer.Option(help="cpu, cuda, cuda:1, mps, or auto.")]
Protocol: TypeAlias = Annotated[str, typer.Option(help="rgb-full, rgb-full+gtmean or y-256-authors.")]
Metrics: TypeAlias = Annotated[
    str | None, typer.Option(help="Names with commas, `eye` for the seven of the eye; `list` shows all.")
]
WeightsDir: TypeAlias = Annotated[
    Path | None, typer.Option(help="Folder with the weights and parameters that metrics need and cannot bring.")
]
FidAgainst: TypeAlias = Annotated[
    Path | None, typer.Option(help="Good photos that the metric fid compares with; by default the ground truths.")
]
Baselines: TypeAlias = Annotated[bool, typer.Option("--baselines", help="Judge the classical methods too.")]
MixedDepth: TypeAlias = Annotated[
    bool, typer.Option("--mixed-depth", help="Accept 8 bit beside 16 bit; the report is stamped so.")
]
Workers: TypeAlias = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Photos in work at a time (1), or workers of --executor.")
]
Out: TypeAlias = Annotated[Path | None, typer.Option("--out", "-o", help="Folder of table, summary and report.")]
Readme: TypeAlias = Annotated[
    Path | None, typer.Option(help="Instead of evaluating, write the table of --results between this file's markers.")
]
Results: TypeAlias = Annotated[Path, typer.Option(help="Folder of summaries for --readme.")]
