"""The options of all commands, as a config file names them."""

import inspect
import json
import math
import types
import typing
from dataclasses import dataclass
from typing import Any

PHOTO_COMMANDS = ("restore", "edit", "watch", "sheet", "web")
Command = Any  # typer's, whose module depends on its version: a command has `params`, a group `commands` as well


@dataclass(frozen=True, kw_only=True)
class Option:
    """An option of a command, as the command's function declares it.

    Attributes:
        parameter: of the function.
        kind: of a value: bool, int, float, str or Path.
        many: it takes a list of them.
        least: of a number.
        most: of a number.
        default: what it is when nobody gives it.
        help: one line.
    """

    parameter: str
    kind: type
    many: bool
    least: float
    most: float
    default: object
    help: str


def options_of(command: Command) -> dict[str, Option]:
    """The options of a command by the names that they have in the file: the long ones, without dashes."""
    given = [each for each in command.params if each.param_type_name == "option"]
    function = inspect.unwrap(command.callback) if given else None
    return {str(max(each.opts, key=len)).removeprefix("--"): _declared(function, each.name) for each in given}


def _declared(function: Any, name: str) -> Option:  # noqa: ANN401 - a command's
    # Not by `get_type_hints`, which in Python 3.10 wraps what has None as its default.
    given = inspect.signature(function, eval_str=True).parameters[name]
    hint, declared = typing.get_args(given.annotation)[:2]
    kinds = [each for each in typing.get_args(hint) if each is not types.NoneType]
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        hint = kinds[0]
    many = typing.get_origin(hint) is list
    return Option(
        parameter=name,
        kind=typing.get_args(hint)[0] if many else hint,
        many=many,
        least=-math.inf if declared.min is None else declared.min,
        most=math.inf if declared.max is None else declared.max,
        default=given.default,
        help=declared.help or "",
    )


def common_options(app: Command) -> dict[str, Option]:
    """The options that may stand before the first table: those of `edit` that `restore` has too."""
    of_restore = options_of(app.commands["restore"])
    return {name: option for name, option in options_of(app.commands["edit"]).items() if name in of_restore}


def owners(app: Command) -> dict[str, str]:
    """The first command of those that restore photos that has an option."""
    return {option: name for name in reversed(PHOTO_COMMANDS) for option in options_of(app.commands[name])}


def written(value: object) -> str:
    """A value as TOML has it, which writes texts and lists as JSON does."""
    try:
        return json.dumps(value, ensure_ascii=False)
    except TypeError:  # a date
        return str(value)
