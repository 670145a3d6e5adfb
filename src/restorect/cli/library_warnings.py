"""Warnings of libraries are for programmers; what a user must know comes as a photo's own note."""

import os
import sys
import warnings


def hush() -> None:
    """Show no warnings from here on, unless asked for (`python -W`, `PYTHONWARNINGS`, `OPENCV_LOG_LEVEL`)."""
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")  # read once, when OpenCV is loaded
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
