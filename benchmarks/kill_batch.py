"""Kill `restorect restore` many times at random moments and check that nothing is ever lost.

    python benchmarks/kill_batch.py --kills 100
    python benchmarks/kill_batch.py --kills 100 --size nano   # with shipped weights instead of the stand-in

After each SIGKILL every file under its final name must decode and be the right picture, files finished before must
not have been touched again, and no input may have changed. At the end the command must finish the work, leave no
temporary file and, run once more, find nothing to do.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from restorect.infer.options import Options, Restored

EXTENSIONS = (".png", ".jpg", ".webp", ".tif")
SIZE = (120, 160, 3)


class StandIn:
    """Networks that cost nothing: the square root."""

    task, size, weights_hash = "low-light", "stand-in", "0" * 64
    device, precision, engine = "cpu", "float32", "torch"
    default_steps = 1

    def restore(self, image: "NDArray[np.float32]", _options: Options) -> Restored:
        """Restore one picture."""
        return Restored(images=[np.sqrt(np.clip(image, 0, 1))], by=self)  # type: ignore[arg-type]

    def peak_bytes(self, height: int, width: int) -> int:
        """Nearly nothing."""
        return height * width * 12


def child(arguments: list[str]) -> None:
    """The command, with the stand-in for the networks."""
    import restorect
    from restorect.cli import main as command

    restorect.load = lambda *_names, **_options: StandIn()
    sys.argv = ["restorect", "restore", *arguments]
    command.main()


def start(source: Path, out: Path, size: str | None) -> "subprocess.Popen[str]":
    """One run of the command."""
    options = [str(source), "-o", str(out), "--quiet", "--recursive"]
    if size:
        program = [sys.executable, "-m", "restorect.cli", "restore", "--size", size, "--threads", "1"]
    else:
        program = [sys.executable, __file__, "--child"]
    return subprocess.Popen([*program, *options], stderr=subprocess.PIPE, text=True)


def photographs(folder: Path, count: int) -> dict[str, bytes]:
    """Noise pictures in several formats, and their content."""
    chance = np.random.default_rng(1)
    contents = {}
    for number in range(count):
        path = folder / f"{number % 3}" / f"{number:03d}{EXTENSIONS[number % len(EXTENSIONS)]}"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), chance.integers(0, 60, SIZE, dtype=np.uint8))
        contents[path.relative_to(folder).as_posix()] = path.read_bytes()
    return contents


def outputs(out: Path) -> dict[str, bytes]:
    """All files under their final names."""
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in out.rglob("*")
        if path.suffix in EXTENSIONS and not path.name.startswith(".")
    }


def finished(out: Path) -> set[str]:
    """What the manifest calls done."""
    names: set[str] = set()
    path = out / "restorect-manifest.jsonl"
    for line in path.read_bytes().split(b"\n") if path.exists() else []:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        names |= set(entry["outputs"]) if entry["status"] == "done" else set()
    return names


def run(kills: int, count: int, size: str | None) -> dict[str, Any]:
    """The whole trial; raises AssertionError at the first thing lost.

    Moments of kills are spread over the time that a run takes which is left alone, on a busy machine too.
    """
    chance = random.Random(7)
    with tempfile.TemporaryDirectory() as place:
        source, out, whole = Path(place, "in"), Path(place, "out"), Path(place, "whole")
        contents = photographs(source, count)
        begun = time.monotonic()
        assert start(source, whole, size).wait() == 0
        longest = time.monotonic() - begun
        right = outputs(whole)
        assert set(right) == set(contents)
        done, torn, rounds, moments = 0, 0, 0, []
        while done < kills:
            before = {name: (out / name).stat().st_mtime_ns for name in finished(out) & set(outputs(out))}
            process = start(source, out, size)
            time.sleep(chance.uniform(0.2, 1.1) * longest)
            process.kill()
            code = process.wait()
            assert code in (0, -signal.SIGKILL), (code, process.stderr and process.stderr.read())
            there = outputs(out)
            wrong = [name for name, content in there.items() if content != right[name]]
            assert not wrong, f"broken outputs after a kill: {wrong}"
            again = [name for name, when in before.items() if (out / name).stat().st_mtime_ns != when]
            assert not again, f"finished work was done again: {again}"
            torn += len(list(out.rglob(".restorect-*.part")))
            done += code == -signal.SIGKILL
            moments.append(len(there))
            if len(there) == count:
                rounds += 1
                for path in [p for p in out.rglob("*") if p.is_file()]:
                    path.unlink()
        assert start(source, out, size).wait() == 0
        assert outputs(out) == right
        assert not list(out.rglob(".restorect-*.part"))
        stamps = {path: path.stat().st_mtime_ns for path in out.rglob("*.*") if path.name[0] != "."}
        assert start(source, out, size).wait() == 0
        assert stamps == {path: path.stat().st_mtime_ns for path in out.rglob("*.*") if path.name[0] != "."}
        assert contents == {name: (source / name).read_bytes() for name in contents}, "an input has changed"
    return {
        "kills": done,
        "photos": count,
        "batches_ended": rounds,
        "temporary_files_left_by_kills": torn,
        "different_stages_of_the_batch": len(set(moments)),
        "lost": 0,
    }


def main() -> None:
    """Read the options and print the result as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--photos", type=int, default=40)
    parser.add_argument("--size", help="shipped weights to use; by default a stand-in that costs nothing")
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    print(json.dumps(run(options.kills, options.photos, options.size), indent=2))


if __name__ == "__main__":
    child(sys.argv[2:]) if sys.argv[1:2] == ["--child"] else main()
