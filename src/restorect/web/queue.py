"""The queue: all photographs of the page, on the disk, with a version that counts up at each change.

Only the server's event loop touches it.
"""

import asyncio
import contextlib
import json
from collections.abc import Iterator
from dataclasses import replace

from restorect.configs import from_mapping, read_json, to_mapping
from restorect.errors import RestorectError
from restorect.files import write_atomically
from restorect.web.choice import Choice
from restorect.web.entry import Entry
from restorect.web.home import ENTRY, Home

_CHOICE = "choice.json"


class Queue:
    """Photographs by id, in the order of work.

    Args:
        home: where they are kept; what is there already is taken up again.

    Attributes:
        choice: for photographs that come.
        version: of the last change.
    """

    def __init__(self, home: Home) -> None:
        self._home, self.version, self._changed = home, 0, asyncio.Event()
        self._entries: dict[str, Entry] = {}
        self._versions: dict[str, int] = {}
        self._gone: dict[str, int] = {}
        self.choice = self._read_choice()
        for entry in sorted(self._read(), key=lambda each: each.number):
            resumed = replace(entry, state="waiting", stage="") if entry.state == "working" else entry
            self._entries[entry.id] = resumed
            self._note(entry.id)

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(list(self._entries.values()))

    def get(self, id: str) -> Entry | None:
        """The photograph of that id, if it is there."""
        return self._entries.get(id)

    def add(self, entry: Entry) -> None:
        """Add a photograph.

        Args:
            entry: as it is now.

        Raises:
            OSError: it cannot be written; then nothing has changed.
        """
        self._keep(entry)
        self.put(entry, durable=False)

    def put(self, entry: Entry, *, durable: bool = True) -> None:
        """Change a photograph.

        Args:
            entry: as it is now.
            durable: whether a crash should not forget it, as far as the disk has room for it: the work goes on without.
        """
        if durable:
            with contextlib.suppress(OSError):
                self._keep(entry)
        self._entries[entry.id] = entry
        self._note(entry.id)

    def choose(self, choice: Choice) -> None:
        """Settle the choice for photographs that come."""
        write_atomically(self._home.folder / _CHOICE, json.dumps(to_mapping(choice)).encode(), mode=0o600)
        self.choice = choice

    def remove(self, id: str) -> None:
        """Forget a photograph and delete its files."""
        if self._entries.pop(id, None) is not None:
            self._home.remove(id)
            self._versions.pop(id)
            self.version += 1
            self._gone[id] = self.version
            self._wake()

    def next_number(self) -> int:
        """The place behind all others."""
        return 1 + max((entry.number for entry in self._entries.values()), default=0)

    def waiting(self) -> Entry | None:
        """The photograph that is next."""
        waiting = (entry for entry in self._entries.values() if entry.state == "waiting")
        return min(waiting, key=lambda each: each.number, default=None)

    def changes(self, since: int) -> tuple[list[Entry], list[str]]:
        """What has changed after a version: photographs, and ids of those that are gone."""
        there = [entry for id, entry in self._entries.items() if self._versions[id] > since]
        return there, [id for id, version in self._gone.items() if version > since]

    async def changed(self, since: int) -> None:
        """Wait until there is a change after a version."""
        while self.version == since:
            await self._changed.wait()

    def _keep(self, entry: Entry) -> None:
        text = json.dumps(to_mapping(entry)).encode()
        write_atomically(self._home.place(entry.id) / ENTRY, text, mode=0o600)

    def _note(self, id: str) -> None:
        self.version += 1
        self._versions[id] = self.version
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _read(self) -> Iterator[Entry]:
        for id in self._home.ids():
            try:
                entry = from_mapping(Entry, read_json((self._home.place(id) / ENTRY).read_bytes()))
            except (OSError, ValueError, RestorectError):  # of another version, or no longer whole
                self._home.remove(id)
            else:
                if entry.id == id:
                    yield entry

    def _read_choice(self) -> Choice:
        try:
            return from_mapping(Choice, read_json((self._home.folder / _CHOICE).read_bytes()))
        except (OSError, ValueError, RestorectError):
            return Choice()
