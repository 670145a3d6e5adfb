"""Weight files of restorations: a student's weights, and the steps around it in the card."""

from pathlib import Path
from typing import Any

from restorect.errors import CheckpointError, ConfigError
from restorect.nets.checkpoint import Card, load_network
from restorect.render.restoration import Restoration, RestorationConfig


def load_restoration(path: Path) -> tuple[Restoration, Card]:
    """Read a student with its steps, in eval mode on the CPU; every key and shape must fit.

    Raises:
        CheckpointError: the file is unusable or holds another network.
    """
    return load_network(path, "student", lambda card: Restoration(restoration_config(path, card)))


def restoration_config(path: Path, card: Card) -> RestorationConfig:
    """The config in a student's card.

    Args:
        path: of the file, for messages.
        card: what it says of itself.

    Raises:
        CheckpointError: it is not understood.
    """
    try:
        return RestorationConfig.read(card.config)
    except ConfigError as error:
        raise CheckpointError(f"{path}: its network config is not understood ({error})") from error


def restoration_card(config: RestorationConfig, **fields: Any) -> Card:  # noqa: ANN401
    """A card of kind "student" with its config filled in."""
    return Card(kind="student", config=config.written(), **fields)
