"""Libraries that only some files need: imported when such a file comes, so that the others are read without them."""

import importlib
from typing import Any

from restorect.errors import ImageError


def library(name: str) -> Any:  # noqa: ANN401 - a module
    """Import a library.

    Raises:
        ImageError: it is not installed.
    """
    found = optional(name)
    if found is None:
        raise ImageError(f"needs the library {name}, which is not installed: pip install {name}")
    return found


def optional(name: str) -> Any:  # noqa: ANN401 - a module
    """Import a library, or give None where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None
