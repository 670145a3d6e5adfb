"""Remedies that name an option. The library names those of `restorect restore`; other commands have fewer."""

import re
from collections.abc import Collection

_OPTION = re.compile(r"(?<![^\s(])(?<!restorect restore )--[a-z][a-z0-9-]*(?![\w-]|\.\w)")


class Remedies:
    """How messages of this process name an option.

    Attributes:
        options: of the command at work, such as `--page`; None where there is none, as in Python.
    """

    def __init__(self) -> None:
        self.options: Collection[str] | None = None

    def in_full(self, text: str) -> str:
        """The text, where each option that the command at work lacks stands with the command that has it."""
        own = self.options
        if own is None:
            return text
        return _OPTION.sub(lambda found: found[0] if found[0] in own else f"restorect restore {found[0]}", text)


REMEDIES = Remedies()
"""Those of this process."""
