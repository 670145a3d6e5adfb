"""`restorect info`: what was understood of a photograph."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from restorect.cli.library_warnings import hush

if TYPE_CHECKING:
    from restorect.images.photo import PhotoInfo
    from restorect.infer.batch import Photos, RestoreSettings

_SETTINGS = ("Make", "Model", "LensModel", "DateTimeOriginal", "ExposureTime", "FNumber", "ISOSpeedRatings", "Software")
_EXIF_FOLDER, _GPS_FOLDER = 0x8769, 0x8825
_DARK = 0.25  # median of the sRGB-encoded brightness: LOL's dark photos lie below 0.15, ordinary photos near 0.45


def info(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Photographs.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a file.")] = False,
    max_megapixels: Annotated[float, typer.Option(help="Do not decode larger photos.")] = 500.0,
) -> None:
    """Show what is understood of photographs: size, depth, profile, orientation, metadata, likely task.

    Exit code: 0 all were understood, 1 some were not.
    """
    from restorect.errors import RestorectError
    from restorect.infer.batch import Failure

    hush()
    failed = False
    for path in files:
        try:
            facts = _facts(path, max_megapixels)
        except (RestorectError, OSError, MemoryError) as error:
            failed = True
            typer.echo(f"failed: {Failure.of(path, error)}", err=True)
        else:
            typer.echo(json.dumps(facts) if as_json else _text(facts))
    raise typer.Exit(int(failed))


def _facts(path: Path, max_megapixels: float) -> dict[str, Any]:
    from restorect.errors import shown
    from restorect.infer.batch import MemoryBudget, Photos, RestoreSettings, Source
    from restorect.infer.batch.photos import content

    photos, source, settings = Photos(), Source(path=path), RestoreSettings(max_megapixels=max_megapixels)
    photos.check_file_size(source.size, str(path), settings)
    MemoryBudget().check(source.size)
    data = content(source)
    header = photos.probe(data, str(path), settings)
    task, notes = _likely_task(photos, data, header, settings, str(path))
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
        "likely_task": task,
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


def _likely_task(
    photos: "Photos", data: bytes, header: "PhotoInfo", settings: "RestoreSettings", name: str
) -> tuple[str, tuple[str, ...]]:
    """A guess from the brightness: a dark photo is one for `low-light`."""
    import numpy as np

    from restorect.infer.batch import MemoryBudget
    from restorect.infer.batch.memory import needed_bytes

    needed = needed_bytes(
        height=header.height,
        width=header.width,
        channels=header.channels,
        bit_depth=header.bit_depth,
        file_bytes=len(data),
        samples=0,
    )
    MemoryBudget().check(needed)
    photo = photos.read(data, name, settings)
    step = max(1, min(photo.height, photo.width) // 256)
    picture = photos.to_network(photo)[::step, ::step]
    brightness = float(np.median(picture.max(axis=2)))
    return ("low-light" if brightness < _DARK else "none: it is not dark"), photo.warnings


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
        "likely task": facts["likely_task"],
        **{f"warning {number}": text for number, text in enumerate(facts["warnings"], start=1)},
    }
    return "\n".join([facts["file"], *(f"  {name:<12} {value}" for name, value in rows.items())])
