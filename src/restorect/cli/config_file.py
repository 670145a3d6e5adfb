"""The user's config file: where it is, what stands in it, and the options that it gives to the command at hand."""

import os
import sys
from pathlib import Path
from typing import Any

import typer

from restorect.errors import ConfigError, RestorectError, shown

VARIABLE = "RESTORECT_CONFIG"
_MOST = 2**20  # bytes


def config_path() -> Path | None:
    """Where the config file is, if there is one; None where the environment says that none shall be read."""
    given = os.environ.get(VARIABLE)
    if given is not None:
        return Path(given) if given else None
    home = os.path.expanduser("~")
    usual = os.environ.get("APPDATA", home) if sys.platform == "win32" else os.path.join(home, ".config")
    return Path(os.environ.get("XDG_CONFIG_HOME") or usual) / "restorect" / "config.toml"


def wanted() -> Path | None:
    """The config file that is to be read: one that is there, or that the environment names."""
    path = config_path()
    return path if path is not None and (os.path.lexists(path) or VARIABLE in os.environ) else None


def apply(context: typer.Context) -> None:
    """Give the command at hand the options of the config file, below those of the command line.

    Without a file nothing is read, and nothing imported. `restorect config` itself tells what is wrong in its own way.

    Raises:
        Exit: something in the file is wrong; a line for each error is shown.
    """
    command, path = context.invoked_subcommand, wanted()
    if command in (None, "config") or path is None:
        return
    from restorect.cli.config_check import checked

    found = checked(read(path), context.command, only=command)
    for error in found.errors:
        typer.echo(f"restorect: {shown(path)}: {error}", err=True)
    if found.errors:
        raise typer.Exit(2)
    context.default_map = found.defaults


def read(path: Path) -> dict[str, Any]:
    """What stands in a config file.

    Raises:
        ConfigError: it cannot be read, or is no TOML.
    """
    from restorect.files import open_regular
    from restorect.reasons import reason_of

    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        with open_regular(path) as file:
            content = file.read(_MOST + 1)
    except (OSError, RestorectError) as error:
        raise ConfigError(f"{shown(path)}: cannot be read ({reason_of(error)})") from error
    if len(content) > _MOST:
        raise ConfigError(f"{shown(path)}: is too long for a config file")
    try:
        return tomllib.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:  # of UTF-8 too
        raise ConfigError(f"{shown(path)}: is no TOML ({shown(error)}); see restorect config") from error
