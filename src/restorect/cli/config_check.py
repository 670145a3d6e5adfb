"""A config file held against the options that there are: a line for each error, the nearest name for one that is wrong.

A table is called after a command: `[edit]`, `[train.student]`. What stands before the first table holds for all
commands that restore photos, as far as they have that option; a command's own table wins.
"""

import difflib
import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from restorect.cli.config_options import PHOTO_COMMANDS, Command, Option, common_options, options_of, owners, written
from restorect.errors import shown


@dataclass(kw_only=True)
class Checked:
    """What a config file comes to.

    Attributes:
        defaults: by command, and by group and command, the values by the names of parameters.
        errors: one line each.
    """

    defaults: dict[str, Any] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)


def checked(given: Mapping[str, Any], app: Command, *, only: str | None = None) -> Checked:
    """Look at all names and kinds of values, and at limits.

    Args:
        given: what stands in the file.
        app: the whole command, with all others in it.
        only: the command to look at limits of, which costs the time to load what knows them; None for all.
    """
    tables = {name: value for name, value in given.items() if isinstance(value, Mapping)}
    common = {name: value for name, value in given.items() if name not in tables}
    found, known = Checked(), common_options(app)
    found.errors += _wrong("", common, known, elsewhere=owners(app))
    for name in PHOTO_COMMANDS:
        options = options_of(app.commands[name])
        found.defaults[name] = _by_parameter({key: common[key] for key in common if key in known}, options)
    _walk(found, tables, app, "", found.defaults)
    looked_at = [name for name in PHOTO_COMMANDS if only in (None, name)]
    if looked_at and not found.errors:
        from restorect.cli.config_limits import beyond, together

        found.errors += beyond("", _by_parameter(common, known))
        for name in looked_at:
            found.errors += beyond(f"[{name}] ", _by_parameter(tables.get(name, {}), options_of(app.commands[name])))
        if not found.errors:
            found.errors += [line for name in looked_at for line in together(f"[{name}] ", found.defaults[name])]
    return found


def _by_parameter(given: Mapping[str, Any], options: Mapping[str, Option]) -> dict[str, Any]:
    """Values by what the command's function calls them, those that are options."""
    return {options[name].parameter: value for name, value in given.items() if name in options}


def _walk(found: Checked, tables: Mapping[str, Any], group: Command, where: str, into: dict[str, Any]) -> None:
    """Check the tables of the commands in a group."""
    for name, table in tables.items():
        command = group.commands.get(name)
        if command is None:
            found.errors.append(f"[{where}{shown(name)}]: there is no such command{_nearest(name, group.commands)}")
            continue
        inside = into.setdefault(name, {})
        own = dict(table)
        if hasattr(command, "commands"):
            deeper = {key: own.pop(key) for key in list(own) if isinstance(own[key], Mapping)}
            _walk(found, deeper, command, f"{where}{name}.", inside)
        options = options_of(command)
        found.errors += _wrong(f"[{where}{name}] ", own, options)
        inside.update(_by_parameter(own, options))


def _wrong(
    where: str, given: Mapping[str, Any], options: Mapping[str, Option], elsewhere: Mapping[str, str] | None = None
) -> Iterator[str]:
    """A line for each name that is none, and each value that is of another kind or out of an option's own range."""
    for name, value in given.items():
        option = options.get(name)
        if option is None and elsewhere and name in elsewhere:
            yield f"{name}: is no option of all commands; write it below [{elsewhere[name]}]"
        elif option is None:
            yield f"{where}{shown(name)}: there is no such option{_nearest(name, options)}"
        elif reason := _unlike(option, value):
            yield f"{where}{name}: {reason}, not {shown(written(value))}"


def _unlike(option: Option, value: object) -> str:
    """Why a value cannot be that of an option; "" if it can."""
    if not option.many:
        return _unlike_one(option, value)
    if not isinstance(value, list):
        return "give a list"
    return next(filter(None, (_unlike_one(option, each) for each in value)), "")


def _unlike_one(option: Option, value: object) -> str:
    if option.kind is bool:
        return "" if isinstance(value, bool) else "give true or false"
    if option.kind not in (int, float):
        return "" if isinstance(value, str) else "give a text in quotes"
    fits = isinstance(value, int) or (isinstance(value, float) and option.kind is float and math.isfinite(value))
    if isinstance(value, bool) or not fits:
        return "give a whole number" if option.kind is int else "give a number"
    if option.least <= cast(float, value) <= option.most:
        return ""
    most = "" if option.most == math.inf else f", at most {option.most:g}"
    return f"give a number of at least {option.least:g}{most}"


def _nearest(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name.replace("_", "-"), list(known), 1)
    return f"; did you mean {near[0]}?" if near else f"; there is: {', '.join(known)}"
