"""Options that messages name: each is one that the command has, or stands with the command that has it."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from restorect.cli import main as command
from restorect.errors import ImageError
from restorect.reasons import reason_of
from restorect.remedies import REMEDIES, Remedies

SOURCE = Path(command.__file__).parents[1]
OTHERS = {  # what no command that restores loads; whatever else names options may do so in each of those
    "bench": "bench",
    "configs.py": "train run",
    "data": "degrade",
    "evaluate": "evaluate",
    "export": "export",
    "metrics": "evaluate",
    "train/ablate.py": "ablate",
    "train/auto": "train auto",
    "train": "train run",
    "web": "web",
}


def options(command: Any, name: str = "") -> Iterator[tuple[str, set[str]]]:
    """Each command with its options."""
    for word, each in getattr(command, "commands", {}).items():
        yield from options(each, f"{name} {word}".strip())
    if not hasattr(command, "commands"):
        yield name, {text for each in command.params for text in each.opts + each.secondary_opts if text[:2] == "--"}


OPTIONS = dict(options(typer.main.get_command(command.app)))


def named(file: Path) -> Iterator[str]:
    """The options in a file's texts, apart from its docstrings."""
    tree = ast.parse(file.read_text())
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield from re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", node.value)


def test_every_option_that_a_text_of_the_library_names_exists() -> None:
    wrong, count = [], 0
    for file in SOURCE.rglob("*.py"):
        place = file.relative_to(SOURCE).as_posix()
        if place.startswith("cli/"):
            continue
        only = next((name for start, name in OTHERS.items() if place.startswith(start)), "restore")
        for option in named(file):
            count += 1
            wrong += [f"{place}: {option}"] if option not in OPTIONS[only] | {"--force"} else []
    assert wrong == []
    assert count > 50


def test_every_option_that_a_text_of_the_commands_names_exists() -> None:
    known = set().union(*OPTIONS.values()) | {"--help", "--version", "--force-reinstall"}  # the last is pip's
    wrong = [f"{file.name}: {each}" for file in SOURCE.glob("cli/*.py") for each in named(file) if each not in known]
    assert wrong == []


def test_an_option_stands_with_its_command_where_the_command_at_work_lacks_it() -> None:
    remedies, text = Remedies(), "a --page.jpg: choose --page from 0, or give --format tiff (or --task)"
    assert remedies.in_full(text) == text
    remedies.options = {"--format"}
    full = "a --page.jpg: choose restorect restore --page from 0, or give --format tiff (or restorect restore --task)"
    assert remedies.in_full(text) == remedies.in_full(full) == full


@pytest.fixture
def _own() -> Iterator[None]:
    yield
    REMEDIES.options = None


@pytest.mark.usefixtures("_own")
@pytest.mark.parametrize("name", [name for name in OPTIONS if " " not in name] + ["train", "metrics"])
def test_the_command_at_work_is_known_by_its_options(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["restorect", name, "--help"])
    with pytest.raises(SystemExit):
        command.main()
    own = set().union(*(found for each, found in OPTIONS.items() if each.split()[0] == name))
    assert own <= set(REMEDIES.options or ())
    for option in sorted(set().union(*OPTIONS.values())):
        told = f"use {option}" if option in own else f"use restorect restore {option}"
        assert reason_of(ImageError(f"use {option}")) == told
