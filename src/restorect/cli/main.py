"""The `restorect` command: puts the command groups together."""

import functools
import importlib
import sys
from typing import Annotated, Any

import typer

from restorect import __version__
from restorect.cli import config_file, room
from restorect.cli.guard import guarded
from restorect.remedies import REMEDIES

# Each is one file beside this one. They import torch inside their functions, so that --help stays instant.
COMMANDS = (
    *("ablate", "bench", "config", "degrade", "doctor", "edit", "evaluate", "export", "info", "report", "restore"),
    *("sheet", "watch", "web"),
)
GROUPS = ("metrics", "train")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"restorect {__version__}")
        raise typer.Exit


def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show it.")] = False,
) -> None:
    if "--help" not in sys.argv:
        room.check()
        config_file.apply(context)


def built(*names: str) -> typer.Typer:
    """The command with these commands and groups alone: to import and build all others takes longer than a look."""
    made = typer.Typer(
        name="restorect",
        help="Restore degraded photographs, and train, distil and measure the networks that do it.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    made.callback()(_root)
    for name in names:
        module = importlib.import_module(f"restorect.cli.{name}")
        if name in GROUPS:
            made.add_typer(module.app, name=name)
        else:
            made.command()(getattr(module, name))
    return made


@functools.cache
def _everything() -> typer.Typer:
    return built(*COMMANDS, *GROUPS)


def __getattr__(name: str) -> typer.Typer:
    """`app`, the whole command, is built when somebody asks for it."""
    if name != "app":
        raise AttributeError(name)
    return _everything()


def main() -> None:
    """Run the command; an error prints one line and exits 2."""
    sys.exit(guarded(_run))


def _run() -> object:
    word = sys.argv[1:2]
    command: Any = typer.main.get_command(_asked(word))  # a type of click's, wherever typer has it
    found = [each for name, each in command.commands.items() if [name] == word]
    REMEDIES.options = _options(found[0]) if found else None
    return command(standalone_mode=False)


def _asked(word: list[str]) -> typer.Typer:
    """The command that is asked for, alone where it can be: a config file names options of all."""
    names = [name for name in (*COMMANDS, *GROUPS) if [name] == word]
    return built(*names) if names and names != ["config"] and config_file.wanted() is None else _everything()


def _options(command: Any) -> frozenset[str]:  # noqa: ANN401 - click's too
    """Those of a command, or of all that are in a group."""
    single = getattr(command, "commands", {"": command}).values()
    return frozenset(name for each in single for option in each.params for name in option.opts + option.secondary_opts)
