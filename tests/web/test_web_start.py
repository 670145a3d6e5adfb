"""The start of the server: a browser at the right address, or a sentence where there is none."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from serving import PATIENCE, serving

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system itself opens a browser")


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_browser_is_opened_with_the_token(tmp_path: Path) -> None:
    browser, seen = tmp_path / "browser", tmp_path / "seen"
    browser.write_text(f'#!/bin/sh\necho "$1" > {seen}.new && /bin/mv {seen}.new {seen}\n')
    browser.chmod(0o755)
    with serving(tmp_path, "--browser", BROWSER=str(browser)) as server:
        until(seen.is_file)
        assert seen.read_text() == f"{server.base}/?token={server.token}\n"
        assert "no browser" not in server.log.read_text()


def test_where_no_browser_can_be_opened_it_is_said(tmp_path: Path) -> None:
    with serving(tmp_path, "--browser", PATH="/nowhere", BROWSER="", DISPLAY="", WAYLAND_DISPLAY="") as server:
        until(lambda: "no browser could be opened; open the address above in one" in server.log.read_text())
        assert server.end() == 0
