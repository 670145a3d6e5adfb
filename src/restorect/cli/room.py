"""Whether there is room to begin: libraries that get no memory or no thread end the process in ways of their own."""

import os
import sys
import threading

from restorect.cores import cores
from restorect.errors import RestorectError

_OWN = 12  # threads of a batch at most, and a few of libraries
_STACK = 64 * 1024
_LEAST = (
    1200 * 2**20
)  # of address space, which torch's libraries and the stacks of threads take; little of it is memory


def check() -> None:
    """Look at the limits of this process.

    Raises:
        RestorectError: there is not enough for any command.
    """
    check_memory()
    check_threads()


def check_memory() -> None:
    """Look at the limit of address space.

    Raises:
        RestorectError: the libraries do not fit into it.
    """
    if sys.platform == "win32":
        return
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY and limit < _LEAST:
        raise RestorectError(
            f"this process may use {limit >> 20} MB of memory addresses, and {_LEAST >> 20} are needed to begin: raise "
            "the limit (ulimit -v)"
        )


def check_threads() -> None:
    """Start as many threads as numpy, torch and a batch will, and end them.

    Raises:
        RestorectError: the system does not give them.
    """
    wanted = 2 * _of_one_library() + _OWN
    done = threading.Event()
    threads: list[threading.Thread] = []
    before = threading.stack_size(_STACK)
    try:
        for _ in range(wanted):
            thread = threading.Thread(target=done.wait, daemon=True)
            thread.start()
            threads.append(thread)
    except RuntimeError as error:
        raise RestorectError(
            f"the system gives {len(threads)} threads, and {wanted} are needed: raise the limit (ulimit -u), end other "
            "programs, or set OMP_NUM_THREADS to 1"
        ) from error
    finally:
        threading.stack_size(before)
        done.set()
        for thread in threads:
            thread.join()


def _of_one_library() -> int:
    given = os.environ.get("OMP_NUM_THREADS", "")
    return min(int(given), cores()) if given.isdecimal() and int(given) > 0 else cores()
