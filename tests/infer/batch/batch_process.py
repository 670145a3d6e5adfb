"""Starting `batch_program.py` and looking at what it left."""

import json
import os
import subprocess
import sys
from pathlib import Path

from batch_fakes import expected

import restorect

HERE = Path(__file__).parent


def start(
    out: Path | str,
    *paths: Path | str,
    seconds: float = 0.0,
    samples: int = 1,
    die: int = 0,
    gate: Path | None = None,
    part: str = "1/1",
    crew: int = 0,
) -> "subprocess.Popen[str]":
    source = str(Path(restorect.__file__).parents[1])
    arguments = [str(out), str(seconds), str(samples), str(die), *map(str, paths)]
    return subprocess.Popen(
        [sys.executable, str(HERE / "batch_program.py"), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ
        | {"PYTHONPATH": source, "PART": part, "CREW": str(crew)}
        | ({"GATE": str(gate)} if gate else {}),
    )


def finish(process: "subprocess.Popen[str]", timeout: float = 900) -> tuple[int, list[str], str]:
    """The exit code (negative: the signal), the lines on standard output, and standard error."""
    out, error = process.communicate(timeout=timeout)
    return process.returncode, out.splitlines(), error


def manifest_lines(out: Path) -> tuple[list[dict], int]:
    """The manifest's whole lines, and how many lines are torn."""
    path = out / "restorect-manifest.jsonl"
    whole, torn = [], 0
    for line in path.read_bytes().split(b"\n") if path.exists() else []:
        try:
            whole += [json.loads(line)] if line else []
        except ValueError:
            torn += 1
    return whole, torn


def wrong_outputs(out: Path, sources: list[Path]) -> list[str]:
    """Outputs under their final name that are not whole and right; missing ones are no concern here."""
    return [s.name for s in sources if (out / s.name).exists() and (out / s.name).read_bytes() != expected(s)]


def parts(out: Path) -> list[Path]:
    return list(out.rglob(".restorect-*.part"))
