"""The other side of `apart`: a process that decodes the files it is sent, within limits of time and memory."""

import contextlib
import importlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import IO, Any

import numpy as np

_IDLE_SECONDS = 60
_BYTES_A_PIXEL = 100
_SPARE = 2**30


def serve() -> None:
    """Answer requests on standard input until it closes, or until none comes for a minute."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a library that prints must not print into the answers
    requests = sys.stdin.buffer
    while True:
        _alarm(_IDLE_SECONDS)
        line = requests.readline()
        if not line:
            return
        request = json.loads(line)
        data = requests.read(request["bytes"])
        _alarm(request["seconds"] + 1)  # should nobody be left to end this process
        _limit_memory(request["megapixels"], len(data))
        _answer(answers, request, data)


def _answer(answers: IO[bytes], request: dict[str, Any], data: bytes) -> None:
    try:
        function = getattr(importlib.import_module(request["module"]), request["function"])
        array = np.ascontiguousarray(function(data, *request["arguments"]))
    except Exception as error:
        text = " ".join(str(error).split()) or type(error).__name__
        answers.write(json.dumps({"error": text, "kind": type(error).__name__}).encode() + b"\n")
    else:
        answers.write(json.dumps({"shape": array.shape, "dtype": array.dtype.str}).encode() + b"\n")
        answers.write(array.reshape(-1).view(np.uint8).data)
    answers.flush()


def _alarm(seconds: float) -> None:
    """Let the system end this process then, whatever native code it is in."""
    if hasattr(signal, "alarm"):
        signal.alarm(int(seconds) + 1)


def _limit_memory(megapixels: float, size: int) -> None:
    """Allow what a picture of that size may take: a file that lies about it must not use up the machine's memory."""
    with contextlib.suppress(ImportError, OSError, ValueError):  # not every system has such limits
        import resource

        used = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        wanted = used + _SPARE + int(megapixels * 1e6 * _BYTES_A_PIXEL) + 4 * size
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_AS, (allowed, hard))
