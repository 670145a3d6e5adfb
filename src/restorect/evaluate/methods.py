"""What is judged: our networks, a baseline, or the finished outputs of any other method.

Shapes: pictures H x W x 3 float32, sRGB-encoded.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from restorect import __version__
from restorect.errors import ConfigError
from restorect.evaluate.baselines import BASELINES
from restorect.evaluate.reading import Picture

if TYPE_CHECKING:
    from restorect.infer.restorer import Restorer
    from restorect.render.steps import Style

Restore = Callable[[Picture], Picture]


@dataclass(frozen=True, kw_only=True)
class Method:
    """A method under test.

    Attributes:
        name: in tables.
        identity: changes whenever its outputs may; part of what a journal line is found by.
        restore: restores a picture; None when outputs are read from files.
        facts: what the summary says of it, such as the weights' hash.
    """

    name: str
    identity: str
    restore: Restore | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


def restorer_method(
    restorer: "Restorer",
    *,
    name: str,
    strength: float = 1.0,
    seed: int = 0,
    steps: int | None = None,
    style: "Style" = "reference",
) -> Method:
    """Our networks, through the same `Restorer` as a user's photo.

    Raises:
        ConfigError: a setting is out of range.
    """
    from restorect.infer.options import Options

    Options(strength=strength, seed=seed, steps=steps, style=style)  # says so before, not for each photograph
    steps = steps or restorer.default_steps
    settings = {"strength": strength, "seed": seed, "steps": steps, "style": style, "device": restorer.device.type}
    facts = {
        "kind": "restorect",
        "task": restorer.task,
        "size": restorer.size,
        "weights_sha256": restorer.weights_hash,
        "trained_on": list(restorer.card.data),
        **settings,
    }
    identity = f"{__version__} {restorer.weights_hash} {sorted(settings.items())}"

    def restore(picture: Picture) -> Picture:
        return restorer(picture, strength=strength, seed=seed, steps=steps, style=style)

    return Method(name=name, identity=identity, restore=restore, facts=facts)


def baseline_method(name: str) -> Method:
    """A classical method of `restorect.evaluate.baselines`, on 8-bit pixels.

    Raises:
        ConfigError: there is none of that name.
    """
    if name not in BASELINES:
        raise ConfigError(f"baseline {name!r} is unknown; choose of {', '.join(BASELINES)}")
    change = BASELINES[name]

    def restore(picture: Picture) -> Picture:
        codes = np.round(255 * picture.clip(0, 1)).astype(np.uint8)
        return change(codes).astype(np.float32) / np.float32(255)

    return Method(name=name, identity=f"{__version__} {name}", restore=restore, facts={"kind": "baseline"})


def outputs_method(folder: Path, name: str | None = None) -> Method:
    """The finished outputs of another method, called like their folder unless named."""
    return Method(name=name or folder.resolve().name, identity="outputs", facts={"kind": "outputs"})
