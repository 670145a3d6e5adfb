"""Lists of steps as cards, recipes and commands have them: `[exposure: {trust: 0.5}, hue]`."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from restorect.configs import from_mapping, require, to_mapping
from restorect.render.balance import BalanceConfig
from restorect.render.exposure import ExposureConfig
from restorect.render.field_of_view import FieldOfViewConfig
from restorect.render.floor import FloorConfig
from restorect.render.fusion import FusionConfig
from restorect.render.hue import HueConfig
from restorect.render.keep import KeepConfig
from restorect.render.step import StepConfig

BEFORE: dict[str, type[Any]] = {step.name: step for step in (BalanceConfig,)}
"""Steps in front of the student, by name."""
AFTER: dict[str, type[Any]] = {
    step.name: step for step in (KeepConfig, ExposureConfig, HueConfig, FloorConfig, FusionConfig, FieldOfViewConfig)
}
"""Steps behind it."""
Style = Literal["natural", "reference"]
"""How a restoration is to look: as people want it, or as single exposures do, which benchmarks compare with."""
NATURAL = frozenset({FusionConfig.name})
"""Steps that are for people only: what they give is further from single exposures."""


def read_steps(values: Any, kinds: Mapping[str, type[Any]], where: str) -> tuple[StepConfig, ...]:  # noqa: ANN401
    """The steps of a list.

    Args:
        values: each item a name, or one name with its settings.
        kinds: `BEFORE` or `AFTER`.
        where: what the list is called, for messages.

    Raises:
        ConfigError: it is no list, or a step is unknown, given twice, or has a wrong setting.
    """
    require(isinstance(values, Sequence) and not isinstance(values, str), f"{where}: expected a list of steps")
    steps: list[StepConfig] = []
    for value in values:
        named = {value: {}} if isinstance(value, str) else value
        single = isinstance(named, Mapping) and len(named) == 1
        require(single, f"{where}: each step is a name, or one name with its settings; got {str(value)[:80]!r}")
        ((name, settings),) = named.items()
        known = f"choose of {', '.join(kinds)}"
        require(name in kinds, f"{where}: step {str(name)[:80]!r} is unknown; {known}")
        require(name not in (step.name for step in steps), f"{where}: step {name} is there twice")
        steps.append(from_mapping(kinds[name], {} if settings is None else settings, f"{where}.{name}"))
    return tuple(steps)


def write_steps(steps: Sequence[StepConfig]) -> list[dict[str, Any]]:
    """The list that `read_steps` reads."""
    return [{step.name: to_mapping(step)} for step in steps]


def told(step: Mapping[str, Mapping[str, Any]]) -> str:
    """A step of such a list for people: its name, and its plain settings."""
    ((name, settings),) = step.items()
    plain = ", ".join(f"{key} {value}" for key, value in settings.items() if not isinstance(value, Mapping))
    return f"{name} ({plain})" if plain else name
