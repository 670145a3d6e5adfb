"""`restorect info`: what was understood of a photograph, or what a weight file is."""

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from restorect.cli import info_onnx, info_weights
from restorect.cli.collector import resting
from restorect.cli.library_warnings import hush

if TYPE_CHECKING:
    from restorect.auto.decision import Decision
    from restorect.images.photo import PhotoInfo
    from restorect.images.read import Opened

_SETTINGS = ("Make", "Model", "LensModel", "DateTimeOriginal", "ExposureTime", "FNumber", "ISOSpeedRatings", "Software")
_CARDS = {module.SUFFIX: module for module in (info_weights, info_onnx)}
_EXIF_FOLDER, _GPS_FOLDER = 0x8769, 0x8825


def info(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="Photographs, weight files (.safetensors) or graphs (.onnx).",
            show_default=False,
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a file.")] = False,
    max_megapixels: Annotated[float, typer.Option(help="Do not decode larger photos.")] = 500.0,
) -> None:
    """Show what is understood of photographs: size, depth, profile, orientation, metadata, likely task.

    Of a weight file or an exported graph: its card, with the steps around the network.

    Exit code: 0 all were understood, 1 some were not.
    """
    from restorect.errors import RestorectError

    with resting():
        from restorect.infer.batch import Failure

    hush()
    failed = False
    for path in files:
        try:
            card = _CARDS.get(path.suffix)
            facts = card.facts(path) if card else _facts(path, max_megapixels)
        except (RestorectError, OSError, MemoryError) as error:
            failed = True
            typer.echo(f"failed: {Failure.of(path, error)}", err=True)
        else:
            told = card.text if card else _text
            typer.echo(json.dumps(facts) if as_json else told(facts))
    raise typer.Exit(int(failed))


def _facts(path: Path, max_megapixels: float) -> dict[str, Any]:
    from restorect.errors import shown
    from restorect.images.read import open_photo
    from restorect.images.source import check_file_size
    from restorect.infer.batch import MemoryBudget, Source

    source = Source(path=path)
    check_file_size(source.state().bytes, str(path), max_megapixels)
    MemoryBudget().check(source.state().bytes)
    data = source.read()
    opened = open_photo(data, max_megapixels=max_megapixels, name=str(path))
    header = opened.info
    decision, notes = _decision(opened, len(data))
    return {
        "file": shown(path),
        "bytes": len(data),
        "format": header.format,
        "width": header.width,
        "height": header.height,
        "megapixels": round(header.megapixels, 3),
        "channels": header.channels + header.has_alpha,
        "colours": ("grey" if header.channels == 1 else "RGB") + (" with alpha" if header.has_alpha else ""),
        "stored_bits": header.stored_bits,
        "processed_bits": header.bit_depth,
        "linear": header.linear,
        "lossless": header.lossless,
        "profile": header.profile,
        "orientation": header.orientation,
        "pages": header.pages,
        "metadata": _metadata(header),
        "beside": [shown(name) for name in header.beside],
        "likely_task": decision.task,
        "confidence": round(decision.confidence, 3),
        "mild": decision.mild,
        "warnings": [shown(warning) for warning in dict.fromkeys((*header.warnings, *notes))],
    }


def _metadata(header: "PhotoInfo") -> dict[str, Any]:
    from restorect.errors import shown

    metadata = header.metadata
    kept: dict[str, Any] = {
        name.upper(): len(value) for name in ("exif", "xmp", "iptc") if (value := getattr(metadata, name))
    }
    if metadata.dpi:
        kept["DPI"] = [round(value, 2) for value in metadata.dpi]
    if metadata.exif:
        kept |= {name: shown(value) for name, value in _camera(metadata.exif).items()}
    return kept


def _camera(exif: bytes) -> dict[str, str]:
    """The camera's settings in an EXIF block; whatever cannot be read is left out."""
    from PIL import ExifTags, Image

    block = Image.Exif()
    try:
        block.load(b"Exif\0\0" + exif)
        tags = {**block, **block.get_ifd(_EXIF_FOLDER)}
        gps = bool(block.get_ifd(_GPS_FOLDER))
    except Exception:  # a damaged block has countless ways to fail, and none matters here
        return {"camera": "the EXIF block is damaged"}
    named = {ExifTags.TAGS.get(number): value for number, value in tags.items()}
    found = {name: str(named[name])[:200].strip("\0 ") for name in _SETTINGS if name in named}
    return found | ({"GPS": "position recorded"} if gps else {})


def _decision(opened: "Opened", size: int) -> "tuple[Decision, tuple[str, ...]]":
    """What the classifier says of the photo in a file of that size, and warnings from decoding it."""
    from restorect.auto.classifier import Classifier
    from restorect.images.colour import to_network
    from restorect.infer.batch import MemoryBudget
    from restorect.infer.batch.memory import needed_bytes
    from restorect.infer.fitting import Need
    from restorect.weights.catalogue import shipped_classifier

    need = Need(info=opened.info, at=partial(needed_bytes, file_bytes=size, samples=0))
    MemoryBudget().check(need.bytes, need.remedy)
    photo = opened.decode()
    return Classifier.load(shipped_classifier()).decide(to_network(photo)), photo.warnings


def _likely(facts: dict[str, Any]) -> str:
    from restorect.auto.decision import Decision

    return str(Decision(task=facts["likely_task"], confidence=facts["confidence"], mild=facts["mild"]))


def _text(facts: dict[str, Any]) -> str:
    processed = "" if facts["stored_bits"] == facts["processed_bits"] else f", processed as {facts['processed_bits']}"
    rows = {
        "format": f"{facts['format']}, {'lossless' if facts['lossless'] else 'lossy'}, {facts['bytes']} bytes",
        "size": f"{facts['width']} x {facts['height']} upright ({facts['megapixels']:g} megapixels)",
        "colours": f"{facts['colours']}, {facts['stored_bits']} bits a channel{processed}",
        "profile": facts["profile"] + (" (linear light)" if facts["linear"] else ""),
        "orientation": f"{facts['orientation']}" + ("" if facts["orientation"] == 1 else " (will be turned upright)"),
        "pages": facts["pages"],
        "metadata": ", ".join(f"{name} {value}" for name, value in facts["metadata"].items()) or "none",
        **({"beside it": ", ".join(facts["beside"])} if facts["beside"] else {}),
        "likely task": _likely(facts),
        **{f"warning {number}": text for number, text in enumerate(facts["warnings"], start=1)},
    }
    return "\n".join([facts["file"], *(f"  {name:<12} {value}" for name, value in rows.items())])
