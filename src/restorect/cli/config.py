"""`restorect config`: the file with options for all commands."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from restorect.cli.config_check import Checked, checked
from restorect.cli.config_file import VARIABLE, config_path, read
from restorect.cli.config_options import PHOTO_COMMANDS, Command, common_options, options_of, written
from restorect.errors import ConfigError, RestorectError, shown

_HEAD = """\
# Options of restorect: those on the command line win over these. Take the sign # off to change one.
# `restorect config` tells what holds, and what is wrong.

# For {commands}, as far as they have the option:
"""
_TAIL = """
# For one command, which wins over the above; any option that `restorect COMMAND --help` shows may stand there:
# [edit]
# backup = true

# [restore]
# recursive = true
"""
_EXAMPLES = {  # of options that are nothing unless they are given
    "weights": "/path/to/weights.safetensors",
    "steps": 4,
    "threads": 2,
    "quality": 95,
    "subsampling": "4:4:4",
}


def config(
    context: typer.Context,
    init: Annotated[bool, typer.Option("--init", help="Write a file with all there is, commented out.")] = False,
) -> None:
    """Show where the config file is, and what it says; exit code 2 if something in it is wrong."""
    path = config_path()
    if path is None:
        raise ConfigError(f"{VARIABLE} is empty, so no config file is read; unset it")
    app = context.parent.command if context.parent is not None else context.command
    if init:
        _write(path, template(app))
        typer.echo(shown(path))
        return
    typer.echo(f"# {shown(path)}")
    if not path.exists():
        typer.echo("# There is no such file; restorect config --init writes one.")
        return
    found = checked(read(path), app)
    for error in found.errors:
        typer.echo(f"restorect: {shown(path)}: {error}", err=True)
    if found.errors:
        raise typer.Exit(2)
    for line in _lines(found, app):
        typer.echo(line)


def template(app: Command) -> str:
    """A config file in which all is commented out."""
    options = []
    for name, option in common_options(app).items():
        value = _EXAMPLES[name] if option.default is None else option.default
        options.append(f"# {name} = {written(value)}  # {option.help}\n")
    return _HEAD.format(commands=", ".join(PHOTO_COMMANDS)) + "".join(options) + _TAIL


def _write(path: Path, text: str) -> None:
    """Put it there, never over another file.

    Raises:
        ConfigError: there is one already.
        RestorectError: it cannot be written.
    """
    from restorect.files import write_atomically
    from restorect.reasons import reason_of

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text.encode(), replace=False)
    except FileExistsError as error:
        raise ConfigError(f"{shown(path)}: is there already; edit it, or move it away") from error
    except OSError as error:
        raise RestorectError(f"{shown(path)}: cannot be written ({reason_of(error)})") from error


def _lines(found: Checked, app: Command) -> Iterator[str]:
    """What holds, command by command, as TOML."""

    def tables(defaults: Mapping[str, Any], group: Command, where: str) -> Iterator[str]:
        for name, values in defaults.items():
            command = group.commands[name]
            names = {option.parameter: key for key, option in options_of(command).items()}
            own = {names[key]: value for key, value in values.items() if key in names}
            if own:
                yield f"[{where}{name}]"
                yield from (f"{key} = {written(value)}" for key, value in own.items())
            if hasattr(command, "commands"):
                yield from tables({k: v for k, v in values.items() if k not in names}, command, f"{where}{name}.")

    lines = list(tables(found.defaults, app, ""))
    yield from lines or ["# Nothing in it holds: all is commented out."]
