"""`restorect doctor`: what this installation consists of, and what is wrong with it."""

import importlib.util
import json
import os
import platform
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from restorect import __version__
from restorect.cli.doctor_weights import check_weights, told
from restorect.cores import cores

_CORE = ("torch", "numpy", "pillow", "opencv-python-headless", "tifffile", "imagecodecs", "safetensors")
_CORE_REST = ("PyYAML", "typer", "rich", "psutil", "filelock", "jinja2")
_FOR_PHOTOS = ("heif", "raw", "exr")
_EXTRAS = {
    "heif": ("pi_heif", "HEIC photos"),
    "raw": ("rawpy", "camera RAW photos"),
    "exr": ("OpenEXR", "OpenEXR photos"),
    "onnx": ("onnxruntime", "export to ONNX"),
    "train": ("tensorboard", "training curves"),
}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    weights: Annotated[
        bool, typer.Option("--weights", help="Check every weight file: check sums, and loading.")
    ] = False,
) -> None:
    """Show versions, devices, extras, threads and weights, and warn about known troubles.

    Exit code: 0 all is well (extras may be missing), 1 there is trouble.
    """
    facts = examine()
    if weights:
        facts["checked_weights"] = checks = check_weights(weights_folder())
        facts["troubles"] += [check["trouble"] for check in checks if check["trouble"]]
    typer.echo(json.dumps(facts, indent=2) if as_json else _text(facts))
    for name in (name for name in _FOR_PHOTOS if not facts["extras"][name]):
        text = f"the extra {name} is not installed, so {_EXTRAS[name][1]} cannot be read: {_install(name)}"
        typer.secho(f"WARNING: {text}", err=True, fg=typer.colors.YELLOW, bold=True)
    for trouble in facts["troubles"]:
        typer.secho(f"WARNING: {trouble}", err=True, fg=typer.colors.RED, bold=True)
    raise typer.Exit(1 if facts["troubles"] else 0)


def examine() -> dict[str, Any]:
    """All that `doctor` knows, as plain values."""
    versions = {name: _version(name) for name in (*_CORE, *_CORE_REST)}
    extras = {name: importlib.util.find_spec(module) is not None for name, (module, _) in _EXTRAS.items()}
    devices, threads, torch_trouble = _torch()
    weights = weight_files()
    troubles = [*torch_trouble, *_troubles(versions)]
    if not weights:
        troubles.append("no weights are installed; install restorect again, or give --weights FILE")
    return {
        "restorect": __version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "versions": versions,
        "devices": devices,
        "threads": threads,
        "extras": extras,
        "weights": weights,
        "troubles": troubles,
        "hints": [f"for {_EXTRAS[name][1]}: {_install(name)}" for name, there in extras.items() if not there],
    }


def weights_folder() -> Path:
    """Where the installed weight files lie."""
    import restorect.weights

    return Path(restorect.weights.__file__).parent


def weight_files() -> list[dict[str, Any]]:
    """The installed weight files with size and SHA-256."""
    from restorect.files import file_hash

    folder = weights_folder()
    return [
        {"file": path.relative_to(folder).as_posix(), "bytes": path.stat().st_size, "sha256": file_hash(path)}
        for path in sorted(folder.rglob("*.safetensors"))
    ]


def _install(extra: str) -> str:
    return f"pip install 'restorect[{extra}]'"


def _version(name: str) -> str | None:
    import importlib.metadata

    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _torch() -> tuple[list[str], dict[str, Any], list[str]]:
    """Devices, threads, and the trouble if torch cannot be imported."""
    threads: dict[str, Any] = {"cores": cores(), "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS")}
    try:
        import torch
    except Exception as error:  # a broken installation fails in any way it likes
        return ["cpu"], threads, [f"torch cannot be imported ({type(error).__name__}: {error}); install it again"]
    threads["torch"] = torch.get_num_threads()
    devices = [f"cpu: {platform.processor() or platform.machine()}"]
    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        gigabytes = torch.cuda.get_device_properties(index).total_memory / 1e9
        devices.append(f"cuda:{index}: {torch.cuda.get_device_name(index)}, {gigabytes:.0f} GB")
    if torch.backends.mps.is_available():
        devices.append("mps")
    return devices, threads, []


def _troubles(versions: dict[str, str | None]) -> list[str]:
    troubles = [f"{name} is missing; pip install {name}" for name, version in versions.items() if version is None]
    if importlib.util.find_spec("torchvision") is not None:
        troubles.append(
            "torchvision is installed; restorect does not use it, and one that does not fit torch breaks other "
            "imports: pip uninstall torchvision"
        )
    if _version("opencv-python") and _version("opencv-python-headless"):
        troubles.append(
            "opencv-python and opencv-python-headless are both installed and overwrite each other: "
            "pip uninstall opencv-python, then pip install --force-reinstall opencv-python-headless"
        )
    return troubles


def _text(facts: dict[str, Any]) -> str:
    threads = ", ".join(f"{name} {value or 'not set'}" for name, value in facts["threads"].items())
    extras = ", ".join(f"{name} {'yes' if there else 'no'}" for name, there in facts["extras"].items())
    rows = [
        ("restorect", facts["restorect"]),
        ("python", f"{facts['python']} ({sys.executable})"),
        ("system", facts["system"]),
        *((name, version or "missing") for name, version in facts["versions"].items()),
        *(("device", device) for device in facts["devices"]),
        ("threads", threads),
        ("extras", extras),
        *(("weights", f"{w['file']}  {w['bytes'] / 1e6:.1f} MB  {w['sha256']}") for w in facts["weights"]),
        *(("check", told(check)) for check in facts.get("checked_weights", ())),
        *(("hint", hint) for hint in facts["hints"]),
    ]
    return "\n".join(f"{name:<24} {value}" for name, value in rows)
