"""Plain dataclass configs: from a mapping, to a mapping, with overrides, and messages that say what is allowed."""

import dataclasses
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml

from restorect.errors import ConfigError

T = TypeVar("T")


def require(condition: bool, message: str) -> None:
    """Raise `ConfigError(message)` unless `condition` holds; for `__post_init__` of configs."""
    if not condition:
        raise ConfigError(message)


def from_mapping(cls: type[T], values: Mapping[str, Any], where: str = "") -> T:
    """Build the dataclass `cls` from nested mappings.

    Args:
        cls: a dataclass whose fields are plain values, tuples of them, or further dataclasses.
        values: field names to values, as YAML or JSON gives them (lists stand for tuples).
        where: the path of `values` in the whole config, for messages.

    Raises:
        ConfigError: for an unknown field, a missing field or a value of the wrong type.
    """
    if not isinstance(values, Mapping):
        raise ConfigError(f"{where or cls.__name__}: expected named settings, got {values!r}")
    hints = typing.get_type_hints(cls)
    fields = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    for name in values:
        if name not in fields:
            raise ConfigError(f"{_join(where, str(name))}: no such setting; allowed here: {', '.join(fields)}")
    given = {name: _convert(hints[name], value, _join(where, name)) for name, value in values.items()}
    missing = [
        name
        for name, field in fields.items()
        if name not in given and field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise ConfigError(f"{_join(where, missing[0])}: this setting is required")
    return cls(**given)


def to_mapping(config: Any) -> dict[str, Any]:  # noqa: ANN401 - any dataclass
    """The nested mapping of a config, ready for YAML or JSON (tuples become lists)."""
    return {field.name: _plain(getattr(config, field.name)) for field in dataclasses.fields(config)}


def amended(config: T, values: Mapping[str, Any], where: str = "") -> T:
    """A config with some settings changed, nested ones one by one.

    Args:
        config: a dataclass, as `from_mapping` makes it.
        values: the settings that differ.
        where: their path in the whole config, for messages.

    Raises:
        ConfigError: as `from_mapping`.
    """
    return from_mapping(type(config), _merged(to_mapping(config), values), where) if values else config


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file of named settings.

    Raises:
        ConfigError: the file is missing, is no YAML, or holds something else than named settings.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error.__class__.__name__}); give a YAML recipe") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not valid YAML ({' '.join(str(error).split())})") from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: expected named settings at the top, got {type(values).__name__}")
    return values


def override(values: Mapping[str, Any], settings: Sequence[str]) -> dict[str, Any]:
    """Apply `a.b=value` settings (values are YAML) on top of a nested mapping; the mapping itself is not changed.

    Raises:
        ConfigError: a setting has no `=` or passes through a plain value.
    """
    result = _plain(dict(values))
    for setting in settings:
        path, equals, text = setting.partition("=")
        if not equals or not path:
            raise ConfigError(f"--set {setting}: write it as name=value, for example --set optimiser.lr=0.0002")
        node = result
        *parents, last = path.split(".")
        for parent in parents:
            node = node.setdefault(parent, {})
            if not isinstance(node, dict):
                raise ConfigError(f"--set {setting}: {parent} is a plain value and has no settings inside")
        try:
            node[last] = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ConfigError(f"--set {setting}: the value is not valid YAML") from error
    return typing.cast(dict[str, Any], result)


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Two nested mappings, the second one first."""
    both = dict(below)
    for name, value in above.items():
        old = both.get(name)
        both[name] = _merged(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return both


def _join(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _plain(value: Any) -> Any:  # noqa: ANN401
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return to_mapping(value)
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(inner) for inner in value]
    return value


def _convert(hint: Any, value: Any, where: str) -> Any:  # noqa: ANN401
    """Bring one YAML value to the annotated type."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        return _convert(next(a for a in arguments if a is not type(None)), value, where)
    if origin is typing.Literal:
        if value not in arguments:
            raise ConfigError(f"{where}: {value!r} is not allowed; choose one of {', '.join(map(str, arguments))}")
        return value
    if origin is dict:
        hint = dict
    if origin is tuple:
        return _convert_tuple(arguments, value, where)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return value if isinstance(value, hint) else from_mapping(hint, value, where)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if hint is float and isinstance(value, str):
        try:  # YAML reads 1e-4, without a dot, as text
            return float(value)
        except ValueError:
            pass
    if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        raise ConfigError(f"{where}: expected {hint.__name__}, got {value!r}")
    return value


def _convert_tuple(arguments: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:  # noqa: ANN401
    if not isinstance(value, list | tuple):
        raise ConfigError(f"{where}: expected a list, got {value!r}")
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        arguments = (arguments[0],) * len(value)
    if len(arguments) != len(value):
        raise ConfigError(f"{where}: expected {len(arguments)} values, got {len(value)}")
    return tuple(_convert(a, v, f"{where}[{i}]") for i, (a, v) in enumerate(zip(arguments, value, strict=True)))
