"""Changes of the queue as server-sent events: a page that comes late, or comes again, is told all that it missed."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from restorect.configs import to_mapping
from restorect.web.entry import Entry
from restorect.web.queue import Queue

_BEAT = 15.0  # seconds after which a line is sent that says nothing, so that a lost connection is noticed


def public(entry: Entry) -> dict[str, Any]:
    """What the page is told of a photograph; where it lies on the disk is nobody's business."""
    known = to_mapping(entry)
    known["path"] = bool(entry.path)
    return known


async def changes(queue: Queue, ended: Callable[[], bool]) -> AsyncIterator[str]:
    """The text of the event stream.

    Args:
        queue: whose changes are told; the first event tells all of it.
        ended: whether the server stops.
    """
    since, first = -1, True
    while not ended():
        entries, gone = queue.changes(since)
        since = queue.version
        if first or entries or gone:
            told = {"all": first, "photos": [public(entry) for entry in entries], "gone": gone}
            yield f"data: {json.dumps(told)}\n\n"
            first = False
        try:
            await asyncio.wait_for(queue.changed(since), _BEAT)
        except asyncio.TimeoutError:
            yield ": \n\n"
