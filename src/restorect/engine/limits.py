"""What this engine cannot do: refused in one line each that names the option and the way out, never done otherwise."""

from restorect.errors import ConfigError, DeviceError, ImageError
from restorect.infer.options import Options

REMEDY = "use --engine torch"
MOST_PIXELS = 4_000_000
"""Graphs hold whole maps, about a kilobyte a pixel; torch's bands take a fraction of that."""
_GIGABYTES_A_MEGAPIXEL = 0.7  # as `nano` and `small` were measured


def check_options(options: Options) -> None:
    """Refuse options that only torch knows.

    Raises:
        ConfigError: there is one.
    """
    random = "gives the mean restoration only, for it draws other random numbers than torch"
    asked = {
        "--samples": (options.samples > 1, random),
        "--uncertainty": (options.uncertainty, random),
        "start": (options.start == "noise", random),
        "--steps": (options.steps is not None, "has the steps of the flow as they were trained"),
        "--fast": (options.fast, "has no fast mode"),
    }
    for name, (wanted, why) in asked.items():
        if wanted:
            raise ConfigError(f"{name}: --engine onnx {why}; leave it out, or {REMEDY}")


def check_place(device: str, precision: str) -> None:
    """Refuse devices and precisions that the graphs are not made for.

    Raises:
        ConfigError: it is another precision.
        DeviceError: it is another device.
    """
    if device not in ("cpu", "auto"):
        raise DeviceError(
            f"device {device!r}: --engine onnx has the provider of the CPU only; leave it out, or {REMEDY}"
        )
    if precision != "float32":
        raise ConfigError(f"--precision {precision}: --engine onnx calculates in float32; leave it out, or {REMEDY}")


def check_size(height: int, width: int) -> None:
    """Refuse photographs that torch restores in a fraction of the memory.

    Raises:
        ImageError: it is one.
    """
    if height * width > MOST_PIXELS:
        megapixels, most = height * width / 1e6, f"--engine onnx takes photos up to {MOST_PIXELS / 1e6:g} megapixels"
        why = f"its graphs hold whole maps, here about {_GIGABYTES_A_MEGAPIXEL * megapixels:.0f} GB"
        raise ImageError(f"has {megapixels:.1f} megapixels, and {most} ({why}); {REMEDY}, which works in bands")
