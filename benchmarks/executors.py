"""What the executors of `restorect restore` cost a photo, and what a second worker gives, with nothing else running.

    python benchmarks/executors.py --photos 40 --megapixels 1 --size nano

Each command restores the same photos with one thread a worker. What it says of them as JSON gives the moments of the
first photo, of the one after which all work (four for each worker), and of the last, each with the processor time of
all its processes until then (psutil, which is too slow to be asked at every photo). `others_busy` tells how much of a
core everything else on the machine took meanwhile: figures of clock time hold where that is nearly nothing.
`--while-others-rest PATTERN` stops processes whose command line holds that (SIGSTOP) and lets them go on afterwards,
whatever happens.
"""

import argparse
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
from batch_throughput import photographs

_START = 4  # photos of each worker that belong to starting
_START = 4  # photos of each worker that belong to starting


def spent(root: psutil.Process) -> float:
    """Processor seconds of a process and all below it, those included that ended and were waited for."""
    seconds = 0.0
    for process in [root, *root.children(recursive=True)]:
        with contextlib.suppress(psutil.Error):  # ended in between
            seconds += sum(process.cpu_times()[:4])
    return seconds


def costs(executor: str, workers: int, source: Path, options: argparse.Namespace) -> dict[str, float]:
    """Run the command: seconds of clock and processors until the first photo, and for each when all work."""
    command = [sys.executable, "-m", "restorect.cli", "restore", str(source), "--json", "--threads", "1"]
    command += ["--task", "low-light", "--size", options.size, "--executor", executor]
    command += [] if executor == "local" else ["--workers", str(workers)]
    first, started, last = 1, _START * workers, options.photos
    seen, count = {}, 0
    with tempfile.TemporaryDirectory() as out:
        begun = time.monotonic()
        process = subprocess.Popen([*command, "-o", out], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        for line in process.stdout:
            count += json.loads(line)["event"] == "restored"
            if count in {first, started, last} - seen.keys():
                everybody = psutil.cpu_times()
                busy = everybody.user + everybody.nice + everybody.system  # `nice` counts apart from `user` on Linux
                seen[count] = time.monotonic() - begun, spent(psutil.Process(process.pid)), busy
        assert process.wait() == 0
    clock, processor, busy = (end - start for start, end in zip(seen[started], seen[last], strict=True))
    return {
        "first_photo_after_seconds": round(seen[first][0], 2),
        "first_photo_after_cpu_seconds": round(seen[first][1], 2),
        "seconds_a_photo": round(clock / (last - started), 4),
        "cpu_seconds_a_photo": round(processor / (last - started), 4),
        "others_busy": round((busy - processor) / clock, 3),
    }


@contextlib.contextmanager
def alone(pattern: str | None) -> Iterator[None]:
    """Stop those whose command line holds the pattern, for as long as this lasts."""
    me = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    resting = []
    try:
        for process in psutil.process_iter(["cmdline"]) if pattern else []:
            if pattern in " ".join(process.info["cmdline"] or []) and process.pid not in me:
                process.send_signal(signal.SIGSTOP)
                resting.append(process)
        yield
    finally:
        for process in resting:
            with contextlib.suppress(psutil.Error):
                process.send_signal(signal.SIGCONT)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """All executors in turn, as often as asked for; medians."""
    runs: dict[str, list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as place, alone(options.while_others_rest):
        photographs(Path(place), options.photos, options.megapixels)
        for _ in range(options.rounds):
            for name in options.executors:
                executor, _, workers = name.partition(":")
                runs.setdefault(name, []).append(costs(executor, int(workers or 1), Path(place), options))
                print(name, runs[name][-1], file=sys.stderr, flush=True)
    return {name: {key: statistics.median(run[key] for run in each) for key in each[0]} for name, each in runs.items()}


def main() -> None:
    """Read the options and print the result as JSON."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # whoever rests goes on then, too
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=40)
    parser.add_argument("--megapixels", type=float, default=1)
    parser.add_argument("--size", default="nano")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--executors", nargs="+", default=["local", "processes:1", "processes:2", "ray:1", "ray:2"])
    parser.add_argument("--while-others-rest", metavar="PATTERN")
    print(json.dumps(measure(parser.parse_args()), indent=2))


if __name__ == "__main__":
    main()
