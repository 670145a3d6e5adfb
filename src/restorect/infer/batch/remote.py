"""Objects behind a URL (`https://`, `s3://`, ...) through fsspec: listed in pages, examined, read and put whole.

Credentials are the business of its libraries.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from restorect.errors import ConfigError, RestorectError
from restorect.infer.batch.rate import RATE

_TRIES, _PAUSE = 4, 0.5  # seconds before the second try; each further one waits twice as long
_ASK_AGAIN = ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss")  # whose libraries do so, with pauses of their own
_DENIED, _GONE = (401, 403), (404, 410)
_FROZEN_CODES = ("InvalidObjectState", "BlobArchived")  # what S3 and Azure say of objects in an archive tier
_NO_BUCKET_CODES = ("NoSuchBucket", "ContainerNotFound")
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://(.*)", re.DOTALL)
# What stores call the mark of a content, and the time of its last change.
_MARKS = ("ETag", "etag", "Content-MD5", "md5Hash", "generation")
_TIMES = ("LastModified", "Last-Modified", "last_modified", "updated", "mtime", "modified", "created")

FROZEN = "is frozen in an archive tier of its store; have it restored there, and try again"
"""The reason for an object that only its store can bring back."""
_NO_OBJECT = "there is no such object; check the name"

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
    """An object cannot be read or put."""


class GoneError(RemoteError):
    """There is no such object, or no such bucket."""


class NoBucketError(GoneError):
    """There is no such bucket."""


class DeniedError(RemoteError):
    """The store does not let this machine."""


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
    if told.get("type") == "directory":
        raise GoneError(_NO_OBJECT)
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


def put_object(url: str, data: bytes, *, replace: bool) -> None:
    """Put a whole object; nobody ever sees a part of it.

    Args:
        url: its name.
        data: its content.
        replace: whether one of that name may be replaced. A store that cannot refuse that by itself is asked before.

    Raises:
        FileExistsError: there is one, and `replace` is false.
        RemoteError: it cannot be put.
    """

    def put(files: Any, path: str) -> None:  # noqa: ANN401 - a file system of fsspec
        try:
            files.pipe_file(path, data, **({} if replace else {"mode": "create"}))
        except (TypeError, NotImplementedError):
            if not replace and files.exists(path):
                raise FileExistsError(url) from None
            files.pipe_file(path, data)

    _tried(url, put)


def remove_object(url: str) -> None:
    """Remove an object.

    Raises:
        RemoteError: it cannot be removed.
    """
    _tried(url, lambda files, path: files.rm_file(path))


def list_objects(url: str, *, recursive: bool = False) -> Iterator[str]:
    """URLs of the objects in a folder, asked for folder by folder, in pages; none if there is no such folder.

    Raises:
        NoBucketError: there is no such bucket, as far as the store tells that from an empty folder.
        RemoteError: it cannot be listed.
    """
    folders = [url.rstrip("/")]
    while folders:
        folder = folders.pop()
        try:
            inside = _tried(f"{folder}/", _inside)
        except NoBucketError:
            raise
        except GoneError:
            continue
        itself = path_of(folder).as_posix().strip("/")  # some tools make an empty object of that name
        names = {each["name"].strip("/"): each["type"] == "directory" for each in inside}
        for name, is_folder in sorted(names.items()):
            child = f"{folder}/{name.rpartition('/')[2]}"
            if is_folder:
                folders += [child] if recursive else []
            elif name != itself:
                yield child


def _tried(url: str, ask: Callable[[Any, str], T]) -> T:
    """Ask, and again if the network or the server fails; what is gone or denied is so at once."""
    pause, tries = _PAUSE, 1 if url.split(":")[0].lower() in _ASK_AGAIN else _TRIES
    for left in range(tries - 1, -1, -1):
        try:
            RATE.wait()
            return ask(*_opened(url))
        except (RestorectError, FileExistsError):
            raise
        except Exception as error:  # libraries for each kind of store raise their own
            known = _known(error)
            if known is not None:
                raise known from error
            if not left:
                status, _ = _answer(error)
                told = f"status {status}" if status else type(error).__name__  # texts may hold what is secret
                raise RemoteError(f"cannot be reached ({told}); check the network, and try again") from error
        time.sleep(pause)
        pause *= 2
    raise AssertionError("the last try returns or raises")


def _inside(files: Any, path: str) -> list[dict[str, Any]]:  # noqa: ANN401 - a file system of fsspec
    files.invalidate_cache()
    found: list[dict[str, Any]] = files.ls(path, detail=True)
    files.invalidate_cache()  # or all names would stay in memory, and changes unseen
    return found


def _known(error: BaseException) -> RemoteError | None:
    """What is so however often one asks."""
    status, code = _answer(error)
    if code in _FROZEN_CODES:
        return RemoteError(FROZEN)
    if "Credential" in type(error).__name__:
        return DeniedError("there are no credentials for it on this machine; set them up as its library expects them")
    if isinstance(error, PermissionError) or status in _DENIED:
        return DeniedError("access is denied; check the credentials of this machine")
    if code in _NO_BUCKET_CODES:
        return NoBucketError("there is no such bucket; check the name")
    if status in _GONE or (status is None and isinstance(error, FileNotFoundError)):
        return GoneError(_NO_OBJECT)
    return None


def _answer(error: BaseException) -> tuple[int | None, str]:
    """The status that the server answered, and what the store calls the error.

    Libraries turn answers into errors of Python, and keep what it was in attributes of their own, or in the cause.
    """
    status, code = None, ""
    for each in filter(None, (error, error.__cause__)):
        response = getattr(each, "response", None)
        told = response if isinstance(response, Mapping) else {}
        numbers = (getattr(each, name, None) for name in ("status", "status_code", "code"))  # aiohttp, Azure, Google
        number = next((number for number in numbers if isinstance(number, int)), None)
        number = number or (403 if str(each).startswith("Forbidden: ") else None)  # all that gcsfs says of it
        status = status or number or told.get("ResponseMetadata", {}).get("HTTPStatusCode")
        code = code or str(told.get("Error", {}).get("Code", "") or getattr(each, "error_code", None) or "")
    return status, code


def _version(told: Mapping[str, Any]) -> str:
    """The mark of a content (ETag); where there is none, or a weak one, the time of its last change too."""
    mark, changed = (next((str(told[name]) for name in names if told.get(name)), "") for names in (_MARKS, _TIMES))
    return mark if mark and not mark.startswith("W/") else f"{mark} {changed}".strip()


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
