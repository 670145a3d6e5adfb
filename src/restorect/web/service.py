"""What can be done with photographs on the page, apart from how it is asked for."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

from restorect.infer.batch.sources import Source
from restorect.web.choice import Choice
from restorect.web.crew import Crew
from restorect.web.entry import Entry
from restorect.web.home import Home
from restorect.web.messages import Setup, output_place, picture_place
from restorect.web.names import safe
from restorect.web.problems import ProblemError
from restorect.web.queue import Queue
from restorect.web.upload import MOST_PHOTOS, Uploads


class Service:
    """The queue, its files and the process that restores, together.

    Args:
        home: the server's folder.
        setup: of that process.
    """

    def __init__(self, home: Home, setup: Setup) -> None:
        self.home, self.out, self.queue = home, setup.out, Queue(home)
        self.crew = Crew(self.queue, home, setup)
        self.uploads = Uploads(home)

    async def receive(self, name: str, body: AsyncIterator[bytes], length: int | None) -> Entry:
        """Take a photograph in and put it into the queue; errors are those of `Uploads.receive`."""
        folder, own = safe(name)
        if len(self.queue) >= MOST_PHOTOS:
            raise ProblemError(507, f"{MOST_PHOTOS} photos are on the page, the most; remove some first")
        got = await self.uploads.receive(body, length)
        entry = Entry(
            id=got.id,
            number=self.queue.next_number(),
            name=own,
            folder=folder,
            bytes=got.bytes,
            choice=self.queue.choice,
        )
        try:
            self.queue.add(entry)
        except BaseException:
            self.home.remove(got.id)
            raise
        return entry

    def take(self, source: Source) -> None:
        """Put a photograph on this machine's disk into the queue, once; it is read where it lies."""
        path = str(source.path.absolute())
        if any(entry.path == path for entry in self.queue):
            return
        id, _ = self.home.new()
        number, name = self.queue.next_number(), source.path.name
        fields = {"folder": source.folder, "path": path, "bytes": source.state().bytes}
        self.queue.add(Entry(id=id, number=number, name=name, choice=self.queue.choice, **fields))  # type: ignore[arg-type]

    def entry(self, id: str) -> Entry:
        """The photograph of that id.

        Raises:
            ProblemError: there is none.
        """
        if (entry := self.queue.get(id)) is None:
            raise ProblemError(404, "this photo is no longer there")
        return entry

    def choose(self, entry: Entry, choice: Choice) -> Entry:
        """Restore a photograph in another way; nothing happens if it is the way it was, or is being, made."""
        if choice == entry.choice and entry.state not in ("failed", "cancelled"):
            return entry
        return self._again(entry, choice)

    def retry(self, entry: Entry) -> Entry:
        """Try once more what failed or was cancelled."""
        return self._again(entry, entry.choice) if entry.state in ("failed", "cancelled") else entry

    def cancel(self, entry: Entry) -> Entry:
        """Let go of a photograph at once."""
        if entry.state not in ("waiting", "working"):
            return entry
        return self._changed(replace(entry, state="cancelled", stage=""))

    def remove(self, entry: Entry) -> None:
        """Delete all of a photograph; one that lies on this machine's disk stays there."""
        self.crew.stop(entry.id)
        self.queue.remove(entry.id)

    def output(self, entry: Entry, number: int) -> tuple[str, Path]:
        """Name and place of a finished file.

        Raises:
            ProblemError: it is not there, or not yet.
        """
        if entry.state != "done":
            raise ProblemError(409, "this photo is not restored yet")
        if not 0 <= number < len(entry.outputs):
            raise ProblemError(404, "this photo has no such file")
        return entry.outputs[number], output_place(self.home.place(entry.id), number)

    def outputs(self) -> list[tuple[str, Path]]:
        """All finished files; names are each its own."""
        done = [entry for entry in self.queue if entry.state == "done"]
        return [self.output(entry, number) for entry in done for number in range(len(entry.outputs))]

    def picture(self, entry: Entry, side: str) -> Path:
        """Where the tiles of a side lie.

        Raises:
            ProblemError: there are none (yet).
        """
        path = picture_place(self.home.place(entry.id), side)
        if not path.is_file():
            raise ProblemError(404, "there is no such picture of this photo, or not yet")
        return path

    def _again(self, entry: Entry, choice: Choice) -> Entry:
        return self._changed(replace(entry, choice=choice, state="waiting", stage="", error=""))

    def _changed(self, entry: Entry) -> Entry:
        self.queue.put(entry)
        self.crew.stop(entry.id)
        return entry
