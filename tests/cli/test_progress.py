"""The bar of all commands: live on a terminal, silent elsewhere, and names in it are only names."""

import io
import re

import pytest

from restorect.cli.batch_display import Bar
from restorect.cli.progress import Progress
from restorect.infer.batch.events import Began, Failed, Restored, Summary


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _a_wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def work(out: io.StringIO) -> None:
    with Progress(out) as progress:
        for number, item in enumerate(progress.each("abc", 3, "[red]x[/red]\n")):
            progress.line(f"[{item}] " + "long " * 40)
            assert number < 3
        progress.show(3, 3, "[red]x[/red]\n")
        progress.show(1, 4, "next")


def test_on_a_terminal_it_counts_and_is_gone_at_the_end() -> None:
    out = Terminal()
    work(out)
    text = out.getvalue()
    assert "[red]x[/red]\\n" in plain(text), "as a name, on one line"
    assert "1/4" in plain(text)
    assert text.endswith("\x1b[?25h\r\x1b[1A\x1b[2K"), "the cursor is back, and the line cleared"


def test_elsewhere_only_lines_are_shown() -> None:
    out = io.StringIO()
    work(out)
    assert out.getvalue().splitlines() == [f"[{letter}] " + "long " * 40 for letter in "abc"]


@pytest.mark.parametrize("out", [Terminal(), io.StringIO()], ids=["terminal", "log"])
def test_a_batch_tells_failures_between_and_figures_at_the_end(out: io.StringIO) -> None:
    bar, summary = Bar(out), Summary()
    good = Restored(path="a.jpg", outputs=("a.jpg",), megapixels=3.0, seconds=1.0, model_seconds=0.5)
    bar.notice("before")
    for event in (Began(total=3, out="out"), Failed(path="b", reason="is bad"), good):
        summary.count(event)
        bar.event(event)
        bar.notice("between")
    bar.close()
    summary.seconds = 2.0
    bar.end(summary, "out")
    text = plain(out.getvalue())
    assert text.startswith("restorect: before\n")
    assert text.count("restorect: between") == 3
    assert text.count("failed: b: is bad") == 2, "when it happens, and at the end"
    assert text.endswith("1 left: give the same command again to go on in 2.0 s, 1.5 MP/s -> out\n")
    if out.isatty():
        assert re.search(r"2/3 photos  \S+ MP/s  .* left", text)
