"""The last line of defence: whatever goes wrong in a command ends in one line and an exit code, never a traceback."""

import io
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

from restorect.cli import collector
from restorect.cli.streams import StreamError, leave
from restorect.errors import shown
from restorect.reasons import reason_of

_TRACEBACK = "RESTORECT_TRACEBACK"  # an environment variable for developers: show where an error came from


def guarded(command: Callable[[], object]) -> int:
    """Run a command.

    Returns:
        Its exit code: what it gave, 1 where standard output cannot take the results, 2 for every other error.
    """
    try:
        code = command()
        sys.stdout.flush()
    except SystemExit as end:
        code = end.code
    except Exception as error:
        code = _told(error)
    finally:
        leave()
        collector.leave()
    return code if isinstance(code, int) else 0


def _told(error: Exception) -> int:
    if os.environ.get(_TRACEBACK):
        traceback.print_exception(error)
    if hasattr(error, "format_message"):  # typer's errors of usage, whose module depends on typer's version
        return _usage(error)
    named = isinstance(error, OSError) and isinstance(error.filename, str | bytes) and error.filename
    where = f"{shown(os.fsdecode(named))}: " if named else ""
    print(f"restorect: {where}{reason_of(error)}", file=sys.stderr)  # noqa: T201 - typer may be what failed
    return 1 if isinstance(error, StreamError) else 2


def _usage(error: Any) -> int:  # noqa: ANN401 - typer's, see above
    """Usage, hint and message as typer shows them, but nothing in them moves the cursor."""
    if error.message and type(error).__name__ != "NoArgsIsHelpError":  # whose message is the help, of many lines
        error.message = shown(error.message)
    text = io.StringIO()
    error.show(file=text)
    sys.stderr.write("".join(f"{shown(line)}\n" for line in text.getvalue().rstrip().split("\n")))
    return int(error.exit_code)
