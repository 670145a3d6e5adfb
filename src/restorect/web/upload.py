"""A photograph on its way from a browser to the disk: piece by piece, looked at, counted, whole or not there."""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from restorect.images.formats import sniff, stranger
from restorect.images.header import file_limit
from restorect.infer.batch.settings import RestoreSettings
from restorect.web.home import UPLOAD, Home
from restorect.web.problems import ProblemError

MOST_PHOTOS, MOST_AT_ONCE = 5000, 6
_HEAD, _WAIT = 65536, 2  # bytes that are looked at, and seconds
_MOST_BYTES = 2 * 2**30


def most_bytes() -> int:
    """Of one photograph."""
    return min(_MOST_BYTES, file_limit(RestoreSettings.max_megapixels * 1e6))


@dataclass(frozen=True)
class Received:
    """What has arrived, whole: a new photograph's id, bytes and format."""

    id: str
    bytes: int
    format: str


class Uploads:
    """The way in; few at once, so that a thousand files that are dropped do not fill memory and disk.

    Args:
        home: where they go.
    """

    def __init__(self, home: Home) -> None:
        self._home, self._under_way, self._promised = home, 0, 0

    async def receive(self, body: AsyncIterator[bytes], length: int | None) -> Received:
        """Write a photograph to the disk.

        Args:
            body: pieces of the file.
            length: bytes that were announced.

        Raises:
            ProblemError: 413 too large, 415 no photograph, 503 too many at once, 507 no space.
            OSError: the system refuses.
        """
        if self._under_way >= MOST_AT_ONCE:
            raise ProblemError(503, f"{MOST_AT_ONCE} photos are being sent already; try again", _WAIT)
        if (length or 0) > most_bytes():
            raise too_large()
        room = self._home.quota - self._home.used() - self._promised
        if (length or 0) > room:
            raise _full()
        self._under_way, self._promised = self._under_way + 1, self._promised + (length or 0)
        id, place = self._home.new()
        try:
            return await self._written(id, place / UPLOAD, body, length, room)
        except BaseException:
            self._home.remove(id)
            raise
        finally:
            self._under_way, self._promised = self._under_way - 1, self._promised - (length or 0)

    async def _written(
        self, id: str, path: Path, body: AsyncIterator[bytes], length: int | None, room: int
    ) -> Received:
        head, count, format = b"", 0, ""
        with open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            async for piece in body:
                count += len(piece)
                if count > most_bytes():
                    raise too_large()
                if count > room:  # of what did not say before how large it is
                    raise _full()
                head += piece[: _HEAD - len(head)]
                format = format or (_known(head) if len(head) == _HEAD else "")
                file.write(piece)
        if length is not None and count != length:
            raise ProblemError(400, "the photo was cut off on its way; send it again")
        return Received(id, count, format or _known(head))


def too_large() -> ProblemError:
    """The answer to a file that no photograph is."""
    return ProblemError(413, f"is larger than {most_bytes() / 2**30:.1f} GB, the most that one photo may have")


def _full() -> ProblemError:
    return ProblemError(507, "the space for photos is full; download what is done, and remove it from the page")


def _known(head: bytes) -> str:
    """The format of a file by its first bytes; refuses what is no photograph."""
    if not head:
        raise ProblemError(415, "is empty (0 bytes); get the file again")
    try:
        format = sniff(head)
    except Exception as error:
        raise ProblemError(415, "its first bytes are damaged; get the file again") from error
    if format is None:
        raise ProblemError(415, f"is not a photo that can be read, it {stranger(head)}; convert it first")
    return format
