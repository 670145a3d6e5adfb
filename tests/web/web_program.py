"""`restorect web` in a real process, with the quick stand-in for the networks of the tests of `restorect restore`.

The environment variable `QUOTA` is the most bytes that all photos together may take.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "cli"))

from restore_program import load_brightener

import restorect
from restorect.web import home

home._QUOTA = int(os.environ.get("QUOTA", home._QUOTA))
restorect.load = load_brightener  # not below: the process that restores loads this file too, under another name

if __name__ == "__main__":
    from restorect.cli import __main__ as start

    sys.exit(start.main())
