"""The options of `restorect restore`, one type each."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer


def _limit(rate: float | None) -> float | None:
    if rate is not None:
        from restorect.infer.batch.rate import RATE

        RATE.limit = rate
    return rate


Paths: TypeAlias = Annotated[
    list[str] | None,
    typer.Argument(metavar="PATH...", help="Files, folders, globs, URLs; - is standard input.", show_default=False),
]
FilesFrom: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="LIST", help="What names photos: text, .csv, .jsonl, .parquet, S3 Inventory; - is stdin."),
]
Rate: TypeAlias = Annotated[
    float | None,
    typer.Option(min=0.001, callback=_limit, help="Requests a second, at most, of this process to object stores."),
]
"""Holds as soon as it is read: the command need not look at it."""
Part: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="K/N", help="The K-th of N parts of the photos, for one of N workers (docs/scale.md)."),
]
Out: TypeAlias = Annotated[
    str,
    typer.Option(
        "--out", "-o", metavar="OUT", help="Output folder, or s3://bucket/folder; - is stdout.", show_default=False
    ),
]
Recursive: TypeAlias = Annotated[
    bool, typer.Option("--recursive", "-r", help="Folders within folders too; OUT gets the same tree.")
]

Task: TypeAlias = Annotated[
    str, typer.Option(help="low-light, underwater, backlit, fundus, or auto: chosen for each photo, good ones kept.")
]
Size: TypeAlias = Annotated[str, typer.Option(help="Network: nano, tiny, or small (low light only).")]
Weights: TypeAlias = Annotated[Path | None, typer.Option(help="Weight file instead of a shipped one.")]
Strength: TypeAlias = Annotated[float, typer.Option(help="0 leaves the photo as it is, 1 restores fully.")]
Brightness: TypeAlias = Annotated[
    float, typer.Option(metavar="STOPS", help="Brighter, or darker, than predicted: from -3 to 3; lights do not burn.")
]
Seed: TypeAlias = Annotated[int, typer.Option(help="Start of the flow.")]
Samples: TypeAlias = Annotated[int, typer.Option(help="Write K versions, NAME-1 (dark) to NAME-K (bright).")]
Uncertainty: TypeAlias = Annotated[
    bool, typer.Option("--uncertainty", help="Also write NAME-uncertainty.png: how far the samples lie apart.")
]
Steps: TypeAlias = Annotated[int | None, typer.Option(help="Steps of the flow; by default as trained.")]
Style: TypeAlias = Annotated[
    str, typer.Option(help="natural, or reference: without the fusion that leads away from single exposures.")
]
Fast: TypeAlias = Annotated[
    bool, typer.Option("--fast", help="Large photos quickly: networks see a megapixel; noise stays. Not for retinas.")
]
Precision: TypeAlias = Annotated[
    str, typer.Option(help="float32, or bfloat16: quicker where the processor has it, up to 5 of 255 away.")
]
Engine: TypeAlias = Annotated[
    str, typer.Option(is_eager=True, help="torch, or onnx: small photos in half of the time (docs/onnx.md).")
]
"""Read before --threads, which sets those of the engine."""
Device: TypeAlias = Annotated[str, typer.Option(help="cpu, cuda, cuda:1, mps, or auto.")]

Suffix: TypeAlias = Annotated[str, typer.Option(help="Added to each name, for example _restored.")]
NameTemplate: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT",
        help="Output names, from {stem} {parent} {index:04d} {task} {size} {seed} {sample}; / makes folders.",
    ),
]
Format: TypeAlias = Annotated[str | None, typer.Option(help="jpeg, png, tiff, ...; by default as the input.")]
Quality: TypeAlias = Annotated[
    int | None, typer.Option(help="1 to 100, of lossy formats; by default near the input's, for JPEG, else 95.")
]
Subsampling: TypeAlias = Annotated[
    str | None, typer.Option(help="Of colours in JPEG: 4:4:4, 4:2:2, 4:2:0; by default as the input, else 4:4:4.")
]
Lossless: TypeAlias = Annotated[
    bool | None, typer.Option("--lossless/--lossy", help="WebP, AVIF and JPEG XL; by default as the input.")
]
BitDepth: TypeAlias = Annotated[int | None, typer.Option(help="8, 16 or 32; by default as the input.")]
StripMetadata: TypeAlias = Annotated[bool, typer.Option("--strip-metadata", help="Leave out all that is personal.")]
Page: TypeAlias = Annotated[int, typer.Option(help="Page of files with several, from 0.")]

Salvage: TypeAlias = Annotated[
    bool, typer.Option("--salvage", help="Restore what is there of JPEGs that are cut off, with a warning.")
]
KeepDate: TypeAlias = Annotated[
    bool, typer.Option("--keep-date/--no-keep-date", help="Outputs get the date of their input's file.")
]
MaxMegapixels: TypeAlias = Annotated[float, typer.Option(help="Refuse larger photos.")]
Force: TypeAlias = Annotated[bool, typer.Option("--force", help="Do all again; overwrite what stands in OUT.")]
RetryFailed: TypeAlias = Annotated[
    bool, typer.Option("--retry-failed", help="Only the photos that failed in OUT before, by its own record; no PATH.")
]
DryRun: TypeAlias = Annotated[
    bool, typer.Option("--dry-run", help="Write nothing; tell how many photos there are, and the CPU-hours for them.")
]
FailFast: TypeAlias = Annotated[bool, typer.Option("--fail-fast", help="Stop at the first failure.")]
Quiet: TypeAlias = Annotated[bool, typer.Option("--quiet", "-q", help="Show failures only.")]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="JSON lines on standard output.")]
