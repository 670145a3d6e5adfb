"""Photographs behind a URL (`https://`, `s3://`, ...), read through fsspec; credentials are its libraries' business."""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from restorect.errors import ConfigError, RestorectError

_TRIES, _PAUSE = 4, 0.5  # seconds before the second try; each further one waits twice as long
_DENIED, _GONE = (401, 403), (404, 410, None)
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://(.*)", re.DOTALL)

# What stores call the mark of a content, and the time of its last change.
_MARKS = ("ETag", "etag", "Content-MD5", "md5Hash", "generation")
_TIMES = ("LastModified", "Last-Modified", "last_modified", "updated", "mtime", "modified", "created")

T = TypeVar("T")


@dataclass(frozen=True)
class State:
    """What is known of a content without reading it.

    Attributes:
        bytes: its size.
        version: changes with it; empty where that is not told.
    """

    bytes: int
    version: str = ""


class RemoteError(RestorectError):
    """An object cannot be read."""


def is_url(text: str) -> bool:
    """Whether a name is one of something elsewhere."""
    return "://" in text and _URL.fullmatch(text) is not None


def path_of(url: str) -> Path:
    """Names and folders of an object, as if they began at the root: host or bucket, then the key.

    Raises:
        RemoteError: the URL holds a password, which would stand in records and reports.
    """
    found = _URL.fullmatch(public(url))
    place = found[2] if found else url
    if "@" in place.split("/")[0]:
        raise RemoteError("holds a user's name or password; leave it out, and give it as fsspec's library expects it")
    return Path("/" + place.lstrip("/"))


def public(url: str) -> str:
    """A URL without its query, which may be a signature that opens what is behind it to everybody."""
    return re.split(r"[?#]", url)[0] if url.lower().startswith("http") else url


def object_state(url: str) -> State:
    """Size and version of an object; where its server does not tell the size, it is counted.

    Raises:
        RemoteError: it cannot be examined.
    """
    told = _tried(url, lambda files, path: files.info(path))
    size = told.get("size")
    return State(len(read_object(url)) if size is None else int(size), _version(told))


def read_object(url: str, most: int | None = None) -> bytes:
    """The content of an object, or its first `most` bytes.

    Raises:
        RemoteError: it cannot be read.
    """
    if most is None:
        return bytes(_tried(url, lambda files, path: files.cat_file(path)))
    return bytes(_tried(url, lambda files, path: files.cat_file(path, start=0, end=most)))[:most]


def _tried(url: str, ask: Callable[[Any, str], T]) -> T:
    """Ask, and once more if the network or the server fails; what is gone or denied is so at once."""
    pause = _PAUSE
    for left in range(_TRIES - 1, -1, -1):
        try:
            return ask(*_opened(url))
        except RestorectError:
            raise
        except Exception as error:  # libraries for each kind of store raise their own
            status = _status(error)
            if isinstance(error, PermissionError) or status in _DENIED:
                raise RemoteError("access is denied; check the credentials of this machine") from error
            if isinstance(error, FileNotFoundError) and status in _GONE:
                raise RemoteError("there is no such object; check the name") from error
            if not left:
                told = f"status {status}" if status else type(error).__name__  # texts may hold what is secret
                raise RemoteError(f"cannot be fetched ({told}); check the network, and try again") from error
        time.sleep(pause)
        pause *= 2
    raise AssertionError("the last try returns or raises")


def _version(told: Mapping[str, Any]) -> str:
    """The mark of a content (ETag); where there is none, or a weak one, the time of its last change too."""
    mark, changed = (next((str(told[name]) for name in names if told.get(name)), "") for names in (_MARKS, _TIMES))
    return mark if mark and not mark.startswith("W/") else f"{mark} {changed}".strip()


def _status(error: BaseException) -> int | None:
    """What the server answered; fsspec takes any failing HTTP answer for a missing file, and keeps what it was."""
    status = getattr(error, "status", None) or getattr(error.__cause__, "status", None)
    return status if isinstance(status, int) else None


def _opened(url: str) -> tuple[Any, str]:
    try:
        from fsspec.core import url_to_fs

        files, path = url_to_fs(url)
        return files, str(path)
    except ImportError as error:
        missing = getattr(error, "name", None) or " ".join(str(error).split()) or "fsspec"
        raise ConfigError(f"needs a library for such names ({missing}): pip install 'restorect[remote]'") from error
    except ValueError as error:
        kind = url.split(":")[0]
        raise ConfigError(f"{kind}:// is no kind of store that fsspec knows; check the spelling") from error
