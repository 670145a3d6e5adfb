"""All finished photographs as one ZIP, made while it is sent, so that it takes no memory and no disk."""

import io
import time
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

_PIECE = 2**20


class _Sent(io.RawIOBase):
    """Takes what the archive writes, until it is taken away."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, piece: object) -> int:
        data = bytes(memoryview(piece))  # type: ignore[arg-type]
        self._pieces.append(data)
        return len(data)

    def take(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


def archive(files: Iterable[tuple[str, Path]]) -> Iterator[bytes]:
    """The bytes of a ZIP, stored, as photographs do not shrink further.

    Args:
        files: names, with `/`, each once and none leading upwards, and where their content lies; a file that is gone
            meanwhile is left out.
    """
    sent = _Sent()
    now = time.localtime()[:6]
    with zipfile.ZipFile(sent, "w", zipfile.ZIP_STORED) as container:
        for name, path in files:
            info = zipfile.ZipInfo(name, now)
            info.external_attr = 0o644 << 16
            try:
                file = path.open("rb")
            except FileNotFoundError:
                continue
            with file, container.open(info, "w", force_zip64=True) as entry:
                while piece := file.read(_PIECE):
                    entry.write(piece)
                    yield sent.take()
            yield sent.take()
    yield sent.take()
