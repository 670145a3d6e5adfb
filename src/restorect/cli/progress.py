"""What every command shows while it works: one bar on standard error, which is gone when the work is done."""

import contextlib
import sys
from collections.abc import Iterable, Iterator
from typing import IO, TypeVar

from restorect.errors import shown

T = TypeVar("T")


class Progress:
    """A live bar on a terminal; elsewhere the lines between alone. Its `show` is an `OnProgress`.

    Args:
        out: where it is shown; by default standard error.
        timed: whether the time left is estimated from the counts.
    """

    def __init__(self, out: IO[str] | None = None, *, timed: bool = True) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        texts = (TextColumn(f"{{task.{name}}}", markup=False) for name in ("description", "fields[figures]"))
        columns = (next(texts), BarColumn(), next(texts), *([TimeRemainingColumn()] if timed else []))
        self._bar = Bar(*columns, console=Console(file=out or sys.stderr), transient=True)
        self._task = self._bar.add_task("starting", total=None, figures="")
        self._done = 0

    def __enter__(self) -> "Progress":
        if self._bar.console.is_terminal:  # rich leaves an empty line elsewhere
            self._bar.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        if self._bar.console.is_terminal:
            self._bar.stop()

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Within it the bar is gone, so that a result can be written to standard output."""
        self.__exit__()
        yield
        self.__enter__()

    def show(self, done: int, total: int, stage: str, figures: str | None = None) -> None:
        """Bring the bar up to date; `figures` stand in the place of the counts."""
        if done < self._done:  # of another stage
            self._bar.reset(self._task)
        self._done = done
        counts = f"{done}/{total}" if figures is None else figures
        self._bar.update(self._task, completed=done, total=total, description=shown(stage), figures=counts)

    def each(self, items: Iterable[T], total: int, stage: str) -> Iterator[T]:
        """Give the items, counting those that are done."""
        for number, item in enumerate(items):
            self.show(number, total, stage)
            yield item

    def line(self, text: str) -> None:
        """Show a line that stays, above the bar."""
        from rich.text import Text

        self._bar.console.print(Text(text), soft_wrap=True)
