"""What a running batch shows: a live bar on a terminal, lines in a log, JSON lines for a script, or nothing."""

import contextlib
import dataclasses
import json
import sys
import time
from collections.abc import Mapping
from typing import IO

from restorect.cli.progress import Progress
from restorect.cli.streams import OUTPUT, StreamError
from restorect.errors import shown
from restorect.infer.batch.estimate import Estimate
from restorect.infer.batch.events import Began, Event, Failed, Restored, Skipped, Summary
from restorect.infer.batch.failures import Failure

_KINDS = 12  # that are told one by one


class Display:
    """Shows nothing until the end, then one line for each failure: the base of the others, and `--quiet`.

    Args:
        out: for lines; text goes to standard error, so that standard output stays free.
    """

    def __init__(self, out: IO[str] | None = None) -> None:
        self._out = out or sys.stderr

    def event(self, event: Event) -> None:
        """Take one event of the batch."""

    def notice(self, text: str) -> None:
        """Show a line that belongs to no photo."""
        self._line(f"restorect: {text}")

    def close(self) -> None:
        """Leave the terminal as it was."""

    def end(self, summary: Summary, out: str) -> None:
        """Show the outcome."""
        self.close()
        for failure in summary.failures:
            self._line(f"failed: {failure}")

    def _line(self, text: str) -> None:
        print(f"{text}\n", end="", file=self._out, flush=True)  # in one piece, whichever threads tell something


class Lines(Display):
    """One line for each photo: for logs and other places that are no terminal."""

    def __init__(self, out: IO[str] | None = None) -> None:
        super().__init__(out)
        self._total = self._count = 0

    def event(self, event: Event) -> None:
        """Show a line."""
        if isinstance(event, Began):
            self._total = event.total
            return
        self._count += 1
        self._line(f"[{self._count}/{self._total}] {told(event)}")

    def end(self, summary: Summary, out: str) -> None:
        """Show failures again, together, and a line of figures."""
        super().end(summary, out)
        if summary.passed_over:
            self._line(passed_over(summary.passed_over))
        self._line(outcome(summary, out))


class Coming(Display):
    """One line for each photo of a batch that never ends; what was done before is not told."""

    def event(self, event: Event) -> None:
        """Show a line."""
        if not isinstance(event, Skipped):
            self._line(told(event))


class Troubles(Coming):
    """Failures alone, as they come."""

    def event(self, event: Event) -> None:
        """Show a failure."""
        if isinstance(event, Failed):
            super().event(event)


class Bar(Lines):
    """A live bar with files, megapixels a second and the time left."""

    def __init__(self, out: IO[str] | None = None) -> None:
        super().__init__(out)
        self._open = contextlib.ExitStack()
        self._bar: Progress | None = None
        self._summary, self._began = Summary(), time.perf_counter()

    def event(self, event: Event) -> None:
        """Move the bar; a warning or a failure stays visible above it."""
        self._summary.count(event)
        if isinstance(event, Began):
            self._bar = self._open.enter_context(Progress(self._out, timed=False))
            self._began = time.perf_counter()
        if self._bar is None:
            return
        if isinstance(event, Failed) or (isinstance(event, Restored) and event.warnings):
            self._bar.line(told(event))
        total = self._summary.total
        self._bar.show(total - self._summary.left, total, "", self._figures())

    def notice(self, text: str) -> None:
        """Show a line above the bar."""
        if self._bar is None:
            super().notice(text)
        else:
            self._bar.line(f"restorect: {text}")

    def close(self) -> None:
        """Take the bar away."""
        self._open.close()
        self._bar = None

    def _figures(self) -> str:
        summary, seconds = self._summary, time.perf_counter() - self._began
        counts = f"{summary.total - summary.left}/{summary.total} photos"
        if not summary.restored:
            return counts
        left = seconds / summary.restored * summary.left  # what was skipped took no time
        return f"{counts}  {summary.megapixels / seconds:.1f} MP/s  {clock(left)} left"


class JsonLines(Display):
    """One JSON object a line, on standard output."""

    def __init__(self, out: IO[str] | None = None) -> None:
        super().__init__(out or sys.stdout)

    def event(self, event: Event) -> None:
        """Write the event."""
        self._object(type(event).__name__.lower(), dataclasses.asdict(event))

    def notice(self, text: str) -> None:
        """Write a notice."""
        self._object("notice", {"text": text})

    def end(self, summary: Summary, out: str) -> None:
        """Write the figures."""
        values = dataclasses.asdict(summary) | {"left": summary.left, "exit_code": summary.exit_code, "out": out}
        self._object("finished", values)

    def _object(self, name: str, values: dict[str, object]) -> None:
        try:
            self._line(json.dumps({"event": name} | values))
        except BrokenPipeError as error:  # a batch that ends halfway shall not do so silently
            raise StreamError(f"{OUTPUT}: nobody reads it any more; give the same command again to go on") from error


def choose(*, quiet: bool, as_json: bool) -> Display:
    """The display for these options."""
    if as_json:
        return JsonLines()
    if quiet:
        return Display()
    return Bar() if sys.stderr.isatty() else Lines()


def coming(*, quiet: bool, as_json: bool) -> Display:
    """The display for a folder that is watched, likewise."""
    if as_json:
        return JsonLines()
    return Troubles() if quiet else Coming()


def told(event: Event) -> str:
    """One event as one line."""
    match event:
        case Restored():
            warnings = "".join(f" (note: {shown(warning)})" for warning in event.warnings)
            chosen = f"  {event.decision}" if event.decision is not None else ""
            outputs = ", ".join(map(shown, event.outputs))
            return f"{shown(event.path)} -> {outputs}  {event.seconds:.2f} s{chosen}{warnings}"
        case Skipped():
            return f"{shown(event.path)}: done before"
        case Failed():
            return f"failed: {Failure(event.path, event.reason)}"
        case Began():
            return f"{event.total} photos -> {shown(event.out)}"


def outcome(summary: Summary, out: str) -> str:
    """The figures of a finished batch as one line."""
    parts = [f"{summary.restored - summary.unchanged} restored"]
    parts += [f"{summary.unchanged} good already and copied"] if summary.unchanged else []
    parts += [f"{summary.skipped} done before"] if summary.skipped else []
    parts += [f"{len(summary.failures)} failed"] if summary.failures else []
    parts += [f"{summary.left} left: give the same command again to go on"] if summary.left else []
    speed = f", {summary.megapixels / summary.seconds:.1f} MP/s" if summary.restored and summary.seconds else ""
    return f"{', '.join(parts)} in {clock(summary.seconds)}{speed} -> {shown(out)}"


def foretold(expected: Estimate, out: str) -> str:
    """What a batch would cost as one line."""
    parts = [f"would restore {expected.photos} photos ({_size(expected.bytes)})"]
    if expected.looked < expected.named:
        parts = [f"by a look at {expected.looked} of {expected.named}: {parts[0]}"]
    if expected.cpu_hours is not None:
        seconds = expected.cpu_hours * 3600
        parts.append(f"about {clock(seconds)} of one core, by {expected.tried} of them")
    parts += [f"{expected.done} done before"] if expected.done else []
    parts += [f"{expected.failed} failed"] if expected.failed else []
    return f"{', '.join(parts)} -> {shown(out)}"


def passed_over(kinds: Mapping[str, int]) -> str:
    """What else lay in the folders as one line, the most frequent first."""
    ranked = sorted(kinds.items(), key=lambda item: (-item[1], item[0]))
    parts = [f"{count} {_plural(shown(kind)) if count > 1 else shown(kind)}" for kind, count in ranked[:_KINDS]]
    rest = sum(count for _, count in ranked[_KINDS:])
    return f"passed over: {', '.join([*parts, *([f'{rest} others'] if rest else [])])}"


def _plural(kind: str) -> str:
    """`GIF` stays, words get their s."""
    return f"{kind}s" if kind.endswith((" folder", " name")) else kind.replace("file ", "files ", 1)


def _size(count: int) -> str:
    """Bytes in words: `812 kB`, `3.2 MB`, `2.3 TB`."""
    for unit, name in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB")):
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return f"{count / 1e3:.0f} kB"


def clock(seconds: float) -> str:
    """A duration in words: `4.2 s`, `3:07 min` or `2:10 h`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d} min" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02d} h"
