"""`benchmarks/front.py` with made-up commands on tiny pictures: what it measures is what was done."""

import shlex
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

from front import Measured, commands_of, drawing, front, measure, score, table  # noqa: E402
from process_cost import Cost, cost_of  # noqa: E402

COPY = "import shutil, sys; shutil.copy(*sys.argv[1:])"
FIRST = "import shutil, sys; shutil.copy(*sys.argv[1:3])"
SPIN = """
import shutil, sys, time
source, target = sys.argv[1:]
begun = time.process_time()
while "start.png" not in source and time.process_time() - begun < 0.5:
    pass
shutil.copy(source, target)
"""
IN_A_CHILD = "import subprocess, sys; subprocess.run([sys.executable, '-c', *sys.argv[1:]], check=True)"
HOLD = "import time; block = bytearray(b'1') * 300_000_000; time.sleep(0.5)"
FAIL = "import sys; print('no luck today', file=sys.stderr); sys.exit(3)"


def command(code: str, *arguments: str) -> str:
    return shlex.join([sys.executable, "-c", code, *arguments])


def pictures(folder: Path, values: dict[str, int]) -> list[Path]:
    """Grey ones of 32x24 pixels."""
    folder.mkdir()
    for name, value in values.items():
        Image.fromarray(np.full((24, 32, 3), value, np.uint8)).save(folder / name)
    return sorted(folder.iterdir())


def made_up(seconds: float, psnr: float) -> Measured:
    def cost(cpu: float) -> Cost:
        return Cost(user=cpu, system=0.0, wall=9.0, peak_mib=100.0)

    return Measured(photos={Path("a"): [cost(seconds + 1)]}, starts=[cost(1.0)], scores={"psnr": psnr})


def test_what_was_done_is_what_is_measured(tmp_path: Path) -> None:
    """A copy of 110 beside a reference of 100 is 20 lg 25.5 dB away, and the same at the mean grey of the reference."""
    photos = pictures(tmp_path / "low", {"a.png": 110, "b.png": 110})
    references = dict(zip(photos, pictures(tmp_path / "high", {"a.png": 100, "b.png": 100}), strict=True))
    given = [
        f"copy={command(COPY, '{input}', '{output}')}",
        f"truth={command(FIRST, str(references[photos[0]]), '{output}', '{input}')}",
        f"spin={command(IN_A_CHILD, SPIN, '{input}', '{folder}')}",
    ]
    measured = measure(commands_of([], given, ""), photos, rounds=2, place=_made(tmp_path / "place"))
    score(measured, references)
    assert measured["copy"].scores["psnr"] == pytest.approx(20 * np.log10(25.5), abs=1e-3)
    assert measured["copy"].scores["psnr_gtmean"] > 90
    assert measured["truth"].scores["psnr"] == measured["truth"].scores["psnr_gtmean"] == 100
    assert measured["truth"].scores["ssim"] == pytest.approx(1)
    assert 0.3 < measured["spin"].beyond_start() < 1.5
    assert measured["copy"].beyond_start() < measured["spin"].beyond_start()
    assert [len(runs) for runs in measured["spin"].photos.values()] == [2, 2]
    assert len(measured["spin"].starts) == 2


def test_memory_is_that_of_the_whole_tree() -> None:
    """Also where the process that starts it is larger, as this one is."""
    small, large = (cost_of(shlex.split(command(IN_A_CHILD, code))).peak_mib for code in ("", HOLD))
    assert 300e6 / 2**20 <= large < 420
    assert small < 120


def test_the_front_holds_whom_no_other_beats_in_both() -> None:
    measured = {
        "slow and good": made_up(5, 22),
        "quick and poor": made_up(1, 17),
        "between": made_up(2, 20),
        "beaten": made_up(3, 19),
        "beaten in one": made_up(2, 18),
    }
    assert front(measured) == ["quick and poor", "between", "slow and good"]
    assert measured["between"].beyond_start() == 2
    rows = {row.split(" | ")[0]: row for row in table(measured).splitlines()}
    assert "| **between** | 3.00 | 0.00 | 9.00 | 1.00 | 2.00 | 100 | 20.00 |" in rows.values()
    assert "| beaten" in rows
    svg = ElementTree.fromstring(drawing(measured))
    names = [element.tag.rpartition("}")[2] for element in svg.iter()]
    assert names.count("polyline") == 1
    assert names.count("circle") == 5 + 3 + 5 + 1  # points, those of the front again, and a legend of both


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("nonsense", "give NAME=COMMAND"),
        ("rival=python rival.py {input}", "give NAME=COMMAND"),
        (f"rival={command(FAIL, '{input}', '{output}')}", "rival on start.png: exit code 3: no luck today"),
        (f"rival={command('', '{input}', '{output}')}", "wrote 0 files called start"),
        ("rival=there-is-no-such-program {input} {output}", "rival on start.png: "),
    ],
)
def test_what_goes_wrong_is_said_in_one_line(given: str, words: str, tmp_path: Path) -> None:
    pictures(tmp_path / "low", {"a.png": 1})
    program = [sys.executable, str(ROOT / "benchmarks" / "front.py"), str(tmp_path / "low"), "-o", str(tmp_path / "o")]
    done = subprocess.run([*program, "--command", given], capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 1
    assert words in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "o.md").exists()


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
