"""The `restorect` command: puts the command groups together."""

import copy
import sys
from typing import Annotated, Any

import typer

from restorect import __version__
from restorect.cli import config_file, metrics, room, train
from restorect.cli.ablate import ablate
from restorect.cli.bench import bench
from restorect.cli.config import config
from restorect.cli.degrade import degrade
from restorect.cli.doctor import doctor
from restorect.cli.edit import edit
from restorect.cli.evaluate import evaluate
from restorect.cli.export import export
from restorect.cli.guard import guarded
from restorect.cli.info import info
from restorect.cli.report import report
from restorect.cli.restore import restore
from restorect.cli.sheet import sheet
from restorect.cli.watch import watch
from restorect.cli.web import web
from restorect.remedies import REMEDIES

app = typer.Typer(
    name="restorect",
    help="Restore degraded photographs, and train, distil and measure the networks that do it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"restorect {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show it.")] = False,
) -> None:
    if "--help" not in sys.argv:
        room.check()
        config_file.apply(context)


# Each group is one file beside this one. They import torch inside their functions, so that --help stays instant.
app.command()(ablate)
app.command()(bench)
app.command()(config)
app.command()(degrade)
app.command()(doctor)
app.command()(edit)
app.command()(evaluate)
app.command()(export)
app.command()(info)
app.command()(report)
app.command()(restore)
app.command()(sheet)
app.command()(watch)
app.command()(web)
app.add_typer(metrics.app, name="metrics")
app.add_typer(train.app, name="train")


def main() -> None:
    """Run the command; an error prints one line and exits 2."""
    sys.exit(guarded(_run))


def _run() -> object:
    word = sys.argv[1:2]
    everything: Any = typer.main.get_command(_asked(word))  # a type of click's, wherever typer has it
    found = [command for name, command in everything.commands.items() if [name] == word]
    REMEDIES.options = _options(found[0]) if found else None
    return everything(standalone_mode=False)


def _options(command: Any) -> frozenset[str]:  # noqa: ANN401 - click's too
    """Those of a command, or of all that are in a group."""
    single = getattr(command, "commands", {"": command}).values()
    return frozenset(name for each in single for option in each.params for name in option.opts + option.secondary_opts)


def _asked(word: list[str]) -> typer.Typer:
    """The command that is asked for alone, since to build all others takes longer than to read its options.

    A config file names options of all commands.
    """
    found = [each for each in app.registered_commands if each.callback and [each.callback.__name__] == word]
    if not found or word == ["config"] or config_file.wanted() is not None:
        return app
    alone = copy.copy(app)
    alone.registered_commands, alone.registered_groups = found, []
    return alone
