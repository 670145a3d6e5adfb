"""A thousand photos: the memory of the server, of the process that restores, and of the page stays bounded."""

from collections.abc import Callable
from typing import Any

import psutil
import pytest
from browsing import done, opened
from serving import Serving, jpeg

PHOTOS, WARM = 1000, 200
MIB = 2**20


def meter(server: Serving, page: Any) -> Callable[[], dict[str, float]]:
    """Tells MiB of the server, of its process that restores, and of what the page's scripts hold."""
    process, session = psutil.Process(server.process.pid), page.context.new_cdp_session(page)
    session.send("Performance.enable")

    def taken() -> dict[str, float]:
        session.send("HeapProfiler.collectGarbage")
        page_bytes = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
        return {
            "server": process.memory_info().rss / MIB,
            "worker": max(each.memory_info().rss for each in process.children()) / MIB,
            "page": page_bytes["JSHeapUsedSize"] / MIB,
        }

    return taken


@pytest.mark.slow
def test_memory_over_a_thousand_photos(browser: Any, empty: Serving) -> None:
    page = opened(browser, empty)
    taken, found = meter(empty, page), {}
    for number in range(1, PHOTOS + 1):
        last = empty.send(f"trip/{number}.jpg", jpeg(number, (96, 128, 3)))["id"]
        if number % WARM == 0:
            empty.until(last)
            done(page, number)
            found[number] = {part: round(size, 1) for part, size in taken().items()}
    print(found)  # noqa: T201 - the figures of docs/web.md, with -s
    for part, least in found[WARM].items():
        assert found[PHOTOS][part] < least + 40, found
    assert page.said == []
