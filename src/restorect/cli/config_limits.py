"""The limits of the options that restore, as the commands themselves know them; loads what knows them."""

import dataclasses
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from restorect.cli.config_options import written
from restorect.errors import ConfigError


def beyond(where: str, given: Mapping[str, Any]) -> list[str]:
    """A line for each value that the command would refuse, by the very limits that it has."""
    single = [_refusal(kind, {name: given[name]}) for kind, name in _limited(given)]
    chosen = {name: choices() for name, choices in _CHOICES.items() if name in given}
    wrong = {name: allowed for name, allowed in chosen.items() if given[name] not in allowed}
    single += [f"{name} is {written(given[name])}; choose one of {', '.join(wrong[name])}" for name in wrong]
    return [f"{where}{reason}" for reason in single if reason]


def together(where: str, given: Mapping[str, Any]) -> list[str]:
    """A line for values that are right one by one, and do not fit each other."""
    kinds: dict[Callable[..., object], dict[str, Any]] = {}
    for kind, name in _limited(given):
        kinds.setdefault(kind, {})[name] = given[name]
    reasons = [_refusal(kind, values) for kind, values in kinds.items()]
    return [f"{where}{reason}" for reason in reasons if reason]


def _limited(given: Mapping[str, Any]) -> Iterator[tuple[Callable[..., object], str]]:
    """The values that have limits of their own, each with what knows them."""
    from restorect.infer.batch import Options, RestoreSettings, WriteOptions

    for kind in (Options, WriteOptions, RestoreSettings):
        yield from ((kind, each.name) for each in dataclasses.fields(kind) if each.name in given)


def _refusal(kind: Callable[..., object], values: Mapping[str, Any]) -> str:
    try:
        kind(**values)
    except ConfigError as error:
        return str(error)
    return ""


def _tasks() -> Collection[str]:
    from restorect.auto.decision import AUTO
    from restorect.tasks import task_names

    return (AUTO, *task_names())


def _sizes() -> Collection[str]:
    from restorect.weights.catalogue import shipped

    return sorted({size for _, size in shipped()})


_CHOICES: Mapping[str, Callable[[], Collection[str]]] = {
    "task": _tasks,
    "size": _sizes,
    "precision": lambda: ("float32", "bfloat16"),
    "engine": lambda: ("torch", "onnx"),
}
