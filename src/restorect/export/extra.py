"""The libraries for ONNX, which come with an extra."""

import importlib
from typing import Any

from restorect.errors import ExportError


def needed(library: str) -> Any:  # noqa: ANN401 - a module
    """A library of the extra.

    Raises:
        ExportError: it is not installed.
    """
    try:
        return importlib.import_module(library)
    except ImportError as error:
        raise ExportError('ONNX needs an extra: pip install "restorect[onnx]"') from error
