"""A real process that runs a batch with the stand-ins: `batch_program.py OUT SECONDS SAMPLES DIE PATH...`.

`DIE` is 0, or the number of the system call (write, fsync, link, rename, unlink) at which it kills itself.
With the environment variable `PART` (as `3/4`) it does that part. `OUT` may be a URL. With `CREW`
other than 0 so many processes do the work.
It prints one line an event and ends with the batch's exit code.
"""

import functools
import os
import pathlib
import signal
import sys
from collections.abc import Callable
from typing import Any, TextIO

import filelock  # noqa: F401 - some versions try links as they are loaded, which are no calls of the batch
from batch_fakes import FakeRestorer, install, keep_threads, load_deadly, settings_of

from restorect.cli.interrupt import stopping
from restorect.cli.restore_plan import place_of
from restorect.errors import RestorectError
from restorect.infer.batch import Event, Naming, Part, Stop, plan_batch, run_batch
from restorect.workers.processes import Processes

_count = 0


def deadly(call: Callable[..., Any], die: int, after: bool) -> Callable[..., Any]:
    @functools.wraps(call)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        global _count
        _count += 1
        if _count == die and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        result = call(*args, **kwargs)
        if _count == die and after:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return wrapped


def torn(write: Callable[[int, Any], int], die: int) -> Callable[[int, Any], int]:
    """A write of which half arrives when the process dies in it."""

    def half(descriptor: int, data: Any) -> int:
        return write(descriptor, data if _count != die else bytes(data)[: len(data) // 2])

    return half


def say(text: object, file: TextIO = sys.stdout) -> None:
    print(text, file=file, flush=True)


def tell(event: Event) -> None:
    say(type(event).__name__)


def main() -> int:
    install()
    out, seconds, samples, die, *paths = sys.argv[1:]
    if int(die):
        os.write = deadly(torn(os.write, int(die)), int(die), after=True)
        os.fsync = deadly(os.fsync, int(die), after=False)
        os.link = deadly(os.link, int(die), after=True)
        pathlib.Path.replace = deadly(pathlib.Path.replace, int(die), after=True)
        pathlib.Path.unlink = deadly(pathlib.Path.unlink, int(die), after=False)
    settings, stop = settings_of(samples=int(samples)), Stop()
    try:
        naming = Naming(task="low-light", size="fake", settings=settings)
        part = Part.read(os.environ.get("PART", "1/1"))
        folder, url = place_of(out, part)
        plan = plan_batch(paths, folder, naming, part=part, url=url)
        with stopping(stop):
            size = int(os.environ.get("CREW", "0"))
            crew = Processes(size, 1, keep_threads) if size else None
            load = functools.partial(load_deadly if crew else FakeRestorer, float(seconds))
            summary = run_batch(plan, load, on_event=tell, stop=stop, workers=crew or 1)
    except RestorectError as error:
        say(error, sys.stderr)
        return 2
    for failure in summary.failures:
        say(failure, sys.stderr)
    return summary.exit_code


if __name__ == "__main__":
    sys.exit(main())
