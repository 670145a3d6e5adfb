"""Finding the photographs in a folder of an object store: by the endings of their names, opening none."""

from collections import Counter
from collections.abc import Collection
from pathlib import PurePosixPath

from restorect.images.find import SERVICE_FOLDERS, is_photo_name, kind_of
from restorect.infer.batch.failures import Failure
from restorect.infer.batch.remote import RemoteError, is_url, list_objects, public
from restorect.infer.batch.sources import Found, Source, empty


def is_stored_folder(argument: str) -> bool:
    """Whether an argument means all photographs in a folder of a store: a URL that ends with `/`."""
    return is_url(argument) and argument.endswith("/")


def stored_sources(url: str, *, recursive: bool, apart_from: Collection[str] = ()) -> Found:
    """The photographs in a folder of a store; what is passed over is as in a folder on a disk (see `walk`).

    Args:
        url: of the folder, with `/` at its end.
        recursive: look into folders within it.
        apart_from: URLs of objects not to take (old outputs).
    """
    if public(url).lower().startswith("http"):
        return _nothing(url, "is the folder of a web server, which cannot be listed; give photos, or a list of them")
    sources, passed_over, others = [], [], Counter[str]()
    try:
        for each in list_objects(url, recursive=recursive):
            place = PurePosixPath(each[len(url.rstrip("/")) + 1 :])
            kind = kind_of(place.name)
            if not kind or any(part.startswith(".") or part in SERVICE_FOLDERS for part in place.parts):
                continue
            if each in apart_from:
                passed_over.append(each)
            elif is_photo_name(place.name):
                folder = place.parent.as_posix().removeprefix(".")
                sources.append(Source.named(each, folder=folder, by_name=True))
            else:
                others[kind] += 1
    except RemoteError as error:
        return _nothing(url, str(error))
    if not sources and not passed_over:
        return _nothing(url, empty(recursive))
    return Found(sources=tuple(sources), failures=(), passed_over=tuple(passed_over), others=others)


def _nothing(url: str, reason: str) -> Found:
    return Found(sources=(), failures=(Failure(public(url), reason),))
