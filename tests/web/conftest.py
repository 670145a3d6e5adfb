"""A server of the page for the tests of a file, and the same without photos."""

from collections.abc import Iterator

import pytest
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
