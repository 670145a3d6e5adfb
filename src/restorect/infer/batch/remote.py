"""Photographs behind a URL (`https://`, `s3://`, ...), read through fsspec; credentials are its libraries' business."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from restorect.errors import ConfigError, RestorectError

_TRIES, _PAUSE = 4, 0.5  # seconds before the second try; each further one waits twice as long
_DENIED, _GONE = (401, 403), (404, 410, None)
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://(.*)", re.DOTALL)

T = TypeVar("T")


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
    found = _URL.fullmatch(url)
    place = re.split(r"[?#]", found[2])[0] if found and found[1].startswith("http") else found[2] if found else url
    if "@" in place.split("/")[0]:
        raise RemoteError("holds a user's name or password; leave it out, and give it as fsspec's library expects it")
    return Path("/" + place.lstrip("/"))


def object_size(url: str) -> int:
    """Bytes of an object; of one whose server does not tell them, they are counted.

    Raises:
        RemoteError: it cannot be examined.
    """
    size = _tried(url, lambda files, path: files.info(path).get("size"))
    return len(read_object(url)) if size is None else int(size)


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
