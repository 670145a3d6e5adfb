"""Read many damaged photographs: no traceback, no crash, no hang, no memory above the limit, no noise.

Each file is read in a child process with hard limits: 10 seconds of wall time a file, and 1 GB of address space above
what the libraries take when loaded. A child that dies is started again behind the file that killed it, and the file is
kept for a look. Nothing may be written to standard error: what a user sees of a file is our one line.

    python benchmarks/fuzz_images.py --count 10000 --seed 1
"""

import argparse
import os
import resource
import signal
import sys
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests" / "images")]

SECONDS = 10
GIGABYTE = 2**30


def limit_memory() -> None:
    """Allow one gigabyte more than the process has now."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    wanted = pages * os.sysconf("SC_PAGE_SIZE") + GIGABYTE
    resource.setrlimit(resource.RLIMIT_AS, (wanted, wanted))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def heard() -> str:
    """What was written to standard error, which is a file, since the last call; as one word."""
    text = os.pread(2, 10_000, 0)
    os.ftruncate(2, 0)
    os.lseek(2, 0, os.SEEK_SET)
    return f"NOISE:{text.decode(errors='replace')!r}".replace(" ", "_")[:200] if text else ""


def child(files: dict[str, bytes], numbers: range, seed: int, report: int) -> None:
    """Read files number by number; write a line to `report` before and after each."""
    from photo_mutations import mutate

    from restorect.errors import ImageError
    from restorect.images.colour import from_network, to_network
    from restorect.images.read import read_photo
    from restorect.images.write import encode

    limit_memory()
    names = sorted(files)
    with os.fdopen(report, "w", buffering=1) as out:
        for number in numbers:
            name = names[number % len(names)]
            data = mutate(files[name], seed * 10**9 + number)
            print("start", number, name, file=out)
            signal.alarm(SECONDS)
            began = time.perf_counter()
            try:
                photo = read_photo(data, name="x", salvage=number % 2 == 0)
                encode(from_network(to_network(photo), photo), note={"model": "m"})
                verdict = "read"
            except ImageError as error:
                verdict = "refused" if "\n" not in str(error) and str(error) else "two-lines"
            except BaseException as error:
                verdict = f"TRACEBACK:{type(error).__name__}:{error}".replace("\n", " ")[:200].replace(" ", "_")
            signal.alarm(0)
            verdict = heard() or verdict
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            print("end", number, verdict, f"{time.perf_counter() - began:.3f}", peak, file=out)


def run(files: dict[str, bytes], numbers: range, seed: int) -> tuple[list[list[str]], int | None, str]:
    """Fork one child over `numbers`; give its end lines, and the number at which it died, if it did."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        os.dup2(os.memfd_create("noise"), 2)
        child(files, numbers, seed, writer)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as lines:
        rows = [line.split() for line in lines]
    _, status = os.waitpid(pid, 0)
    ends = [row for row in rows if row[0] == "end"]
    if status == 0:
        return ends, None, ""
    why = f"signal {signal.Signals(os.WTERMSIG(status)).name}" if os.WIFSIGNALED(status) else f"status {status}"
    return ends, int(rows[-1][1]) if rows else numbers.start, why


def main() -> int:
    """Run the fuzzer and print a summary; the exit status says whether all went well."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="only seeds whose name contains this")
    parser.add_argument("--keep", type=Path, default=None, help="folder for files that broke something")
    options = parser.parse_args()
    from restorect.cli.library_warnings import hush

    hush()  # as the command does, before any codec is loaded
    from photo_mutations import mutate, seeds

    import restorect.images.write  # noqa: F401 - children inherit the loaded libraries

    files = {name: data for name, data in seeds().items() if options.only in name}
    names = sorted(files)
    verdicts: Counter[str] = Counter()
    bad: list[tuple[int, str]] = []
    slowest, peak, at, began = 0.0, 0, 0, time.perf_counter()
    while at < options.count:
        ends, died, why = run(files, range(at, min(at + 500, options.count)), options.seed)
        for _, number, verdict, seconds, memory in ends:
            verdicts[verdict.partition(":")[0]] += 1
            slowest, peak = max(slowest, float(seconds)), max(peak, int(memory))
            if verdict not in ("read", "refused"):
                bad.append((int(number), verdict))
        if died is not None:
            verdicts["died"] += 1
            bad.append((died, why))
        at = died + 1 if died is not None else min(at + 500, options.count)
    for number, verdict in bad:
        name = names[number % len(names)]
        print(f"BROKEN {number} {name}: {verdict}")
        if options.keep:
            options.keep.mkdir(parents=True, exist_ok=True)
            (options.keep / f"{number}-{name}").write_bytes(mutate(files[name], options.seed * 10**9 + number))
    print(f"{options.count} files of {len(files)} kinds in {time.perf_counter() - began:.0f} s: {dict(verdicts)}")
    print(f"slowest file {slowest:.2f} s, peak resident memory {peak} MB")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
