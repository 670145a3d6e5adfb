"""Python warnings of libraries are for programmers; what a user must know comes as a photo's own note."""

import sys
import warnings


def hush() -> None:
    """Show no Python warnings from here on, unless they were asked for (`python -W`, `PYTHONWARNINGS`)."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
