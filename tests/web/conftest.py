"""A server of the page for the tests of a file, and the same without photos; a browser, if there is one."""

from collections.abc import Iterator
from typing import Any

import pytest
from browsing import CHROMIUM, MILLISECONDS
from serving import Serving, serving


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("web")) as running:
        yield running


@pytest.fixture
def empty(server: Serving) -> Serving:
    server.client.delete("/api/photos").raise_for_status()
    server.client.put("/api/choice", json={}).raise_for_status()
    return server


@pytest.fixture(scope="package")
def chromium() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on PATH; apt-get install chromium to run these")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        launched = driver.chromium.launch(executable_path=CHROMIUM, args=flags, timeout=MILLISECONDS)
        yield launched
        launched.close()


@pytest.fixture
def browser(chromium: Any) -> Iterator[Any]:
    """No test leaves a page open for the next one."""
    yield chromium
    for context in chromium.contexts:
        context.close()
