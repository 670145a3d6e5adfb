"""What the options of a command say that restores: settings, networks, names, and what is told once."""

import functools
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

import typer

import restorect
from restorect.cli.collector import resting
from restorect.errors import ConfigError, shown

if TYPE_CHECKING:
    from restorect.infer.batch import NameTemplate, Options, RestoreSettings
    from restorect.infer.networks import Networks

Settings = TypeVar("Settings")


class Prepared(NamedTuple):
    """What a command needs that restores.

    Attributes:
        settings: how to read, restore and write.
        anew: loads the networks; it can be sent to another process.
        load: the same, once for this process.
        notices: says what is to be known of a task.
        task: as names and notes say it.
        size: likewise.
    """

    settings: "RestoreSettings"
    anew: "Callable[[], Networks]"
    load: "Callable[[], Networks]"
    notices: "Notices"
    task: str
    size: str


def prepared(context: typer.Context, *, alone: bool = True) -> Prepared:
    """What the options of a command say.

    Args:
        context: has them by their names.
        alone: networks are loaded by this process; workers of others say nothing.

    Raises:
        RestorectError: an option is out of range, or weights that are named cannot be read.
    """
    given = context.params
    task, size, weights = given["task"], given["size"], given["weights"]
    settings = _settings(context)
    notices = Notices(by_task=given["engine"] == "torch")
    choose = _engine(given["engine"], settings.restore, notices.tell if alone else _say_nothing)
    networks = {name: given[name] for name in ("device", "weights", "precision")}
    anew = functools.partial(choose, task, size, **networks)
    load = functools.cache(anew)
    # Of workers, this machine need not have the device.
    look: Callable[[], Networks] = load if alone else functools.partial(anew, device="cpu", precision="float32")
    named = _named(task, size, look, on_card=weights is not None, fast=settings.restore.fast)
    return Prepared(settings, anew, load, notices, *named)


def _settings(context: typer.Context) -> "RestoreSettings":
    with resting():
        from restorect.infer.batch import Options, RestoreSettings, WriteOptions
    return chosen(RestoreSettings, context, restore=chosen(Options, context), write=chosen(WriteOptions, context))


def chosen(kind: type[Settings], context: typer.Context, **given: object) -> Settings:
    """Settings whose fields are options of the command, by their names; others are given, or as they are by default."""
    options = context.params
    found: dict[str, Any] = {
        field.name: options[field.name] for field in fields(cast(Any, kind)) if field.name in options
    }
    found.update(given)
    return kind(**found)


def _engine(name: str, options: "Options", tell: Callable[[str], None]) -> "Callable[..., Networks]":
    """What loads the networks, for an engine that can do what the options ask for."""
    if name == "onnx":
        from restorect.engine.limits import check_options

        check_options(options)
        return functools.partial(_load_onnx, tell=tell)
    if name != "torch":
        raise ConfigError(f"--engine {shown(name)}: choose torch or onnx")
    return _load


def _load(task: str, size: str, *, device: str, weights: Path | None, precision: str) -> "Networks":
    with resting():
        return restorect.load(task, size, device=device, weights=weights, precision=cast(Any, precision))


def _load_onnx(task: str, size: str, **options: Any) -> "Networks":  # noqa: ANN401 - those of `engine.load`
    with resting():
        from restorect.engine.load import load

        return load(task, size, **options)


def _named(task: str, size: str, load: "Callable[[], Networks]", *, on_card: bool, fast: bool) -> tuple[str, str]:
    """Task and size as names and notes say them: of given weights those on their card."""
    if on_card:
        task, size = load().task, load().size
    if fast:
        from restorect.tasks import check_fast

        check_fast(task)
    return task, size


def template(text: str | None, suffix: str) -> "NameTemplate":
    """What --name-template or --suffix says.

    Raises:
        ConfigError: both are given, or a name cannot be so.
    """
    from restorect.infer.batch import NameTemplate

    if text is not None and suffix:
        raise ConfigError("--suffix and --name-template: give one of them; the template can hold the suffix")
    if any(sign in suffix for sign in "/\\\0"):
        raise ConfigError(f"--suffix {suffix!r}: give letters that can stand in a file name")
    return NameTemplate(text="{stem}" + suffix.replace("{", "{{").replace("}", "}}") if text is None else text)


def _say_nothing(text: str) -> None:
    """For workers, whose driver says it."""


class Notices:
    """Says once what is to be known of a task, for example that retina photographs are not for diagnosis.

    Args:
        by_task: look tasks up; an engine without torch tells what there is by itself.
    """

    def __init__(self, *, by_task: bool) -> None:
        self._by_task, self._said = by_task, {""}
        self.say: Callable[[str], None] = lambda text: typer.echo(f"restorect: {text}", err=True)

    def see(self, task: str) -> None:
        """Take note of what a photo was restored for."""
        from restorect.tasks import find_task, task_names

        if self._by_task and task in task_names():
            self.tell(find_task(task).notice)

    def tell(self, text: str) -> None:
        """Say it, unless it was said."""
        if text not in self._said:
            self._said.add(text)
            self.say(text)
