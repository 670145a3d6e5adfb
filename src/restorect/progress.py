"""How a long work tells where it stands: one protocol for all of them."""

from collections.abc import Callable

OnProgress = Callable[[int, int, str], None]
"""Called with (done, total, stage): so many of so many things of a stage are done."""


def silent(_done: int, _total: int, _stage: str) -> None:
    """An `OnProgress` that tells nobody."""
