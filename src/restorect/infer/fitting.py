"""What would fit into memory where a photograph does not: the remedies that a refusal names."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from restorect.auto.decision import AUTO
from restorect.tasks import find_task, tasks_without_fast


class Sized(Protocol):
    """A dataclass with the sides of a photograph in pixels."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def height(self) -> int:
        """Rows."""

    @property
    def width(self) -> int:
        """Columns."""


Info = TypeVar("Info", bound=Sized)
Remedy = Callable[[float], str]
"""Given the bytes that can be used, tells what to do: a clause of one line."""
_STEP = 0.99


@dataclass(frozen=True, kw_only=True)
class Need(Generic[Info]):
    """What a photograph needs in memory, and what it would need smaller or in fast mode.

    Attributes:
        info: of the photograph.
        at: bytes that a photograph needs with the options that were given.
        fast: the same in fast mode.
        fast_words: tells how to call fast mode; "" where it is on already, or is not for this photograph.
    """

    info: Info
    at: Callable[[Info], int]
    fast: Callable[[Info], int] | None = None
    fast_words: Callable[[], str] = str

    @property
    def bytes(self) -> int:
        """What it needs as it is."""
        return self.at(self.info)

    def remedy(self, limit: float) -> str:
        """What to do where no more than `limit` bytes can be used."""
        fits = largest_fitting(self.info, lambda info: self.at(info) <= limit)
        smaller = [] if fits is None else [f"make it {_floored(fits.height * fits.width / 1e6)} megapixels or smaller"]
        quicker = self.fast_words() if self.fast is not None and self.fast(self.info) <= limit else ""
        return any_of(*smaller, *filter(None, [quicker]))


def fast_words(task: str, call: str) -> str:
    """How to call fast mode for a task, or for whatever "auto" finds; "" where the task has none."""
    if task in (refused := tasks_without_fast()):
        return ""
    titles = ", ".join(find_task(name).title for name in refused)
    return f"use {call} (not for {titles})" if task == AUTO else f"use {call}"


def any_of(*remedies: str) -> str:
    """What to do about too little memory, one of several things."""
    return ", ".join([*remedies, "close other programs or use a machine with more"])


def make_smaller(limit: float) -> str:
    """The remedy where nothing but a file's length is known."""
    return any_of("make it smaller")


def largest_fitting(info: Info, fits: Callable[[Info], bool]) -> Info | None:
    """A photograph of the same shape that fits while the next larger one does not; None if not even a pixel does.

    What is needed may fall where sizes rise, since small photographs are not restored in bands. So it is looked for
    from above in steps of a hundredth, and exactly between the last two.
    """
    above = max(info.height, info.width)
    below = above - 1
    while below > 0 and not fits(_scaled(info, below)):
        above, below = below, min(below - 1, int(below * _STEP))
    if below <= 0:
        return None
    while above - below > 1:
        middle = (above + below) // 2
        above, below = (above, middle) if fits(_scaled(info, middle)) else (middle, below)
    return _scaled(info, below)


def _scaled(info: Info, longer: int) -> Info:
    """The photograph with a longer side of so many pixels."""
    most = max(info.height, info.width)
    height, width = (max(1, side * longer // most) for side in (info.height, info.width))
    return replace(info, height=height, width=width)


def _floored(megapixels: float) -> str:
    """Three digits, none of them rounded up."""
    unit = 10.0 ** (math.floor(math.log10(megapixels)) - 2)
    return f"{math.floor(megapixels / unit + 1e-9) * unit:.3g}"
