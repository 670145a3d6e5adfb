"""Names that a spreadsheet would run, a browser would show or a terminal would obey: text everywhere they stand."""

import csv
import io
import os
import re
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from evaluate_makers import dark, picture
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from test_report import PAIRED, carried_out, parsed

from restorect.cli.evaluate_display import tables, tell
from restorect.evaluate.cases import paired
from restorect.evaluate.methods import Method
from restorect.evaluate.readme import render
from restorect.evaluate.scores import Measure
from restorect.evaluate.summary import _cell
from restorect.images.find import photos_in

FORMULAS = ["=1+1", "+1", "-1-1", "@SUM(1)", "\t=1+1", "\r=1+1", " =1+1", "\uff1d1"]
NAMES = [
    *FORMULAS,
    *("a\x1b[2J", "b\x9b\u202e", os.fsdecode(b"c\xff"), "d\ne", "=cmd|'-C calc'!A0", '"=1', "<img src=x>"),
]


def store(path: Path, rgb: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".png", np.ascontiguousarray(rgb[:, :, ::-1]))[1].tobytes())


def made(root: Path, names: list[str]) -> Path:
    for seed, name in enumerate(names):
        store(root / "low" / f"{name}.png", dark(picture(seed)))
        store(root / "high" / f"{name}.png", picture(seed))
    return root


def unchanged(image: np.ndarray) -> np.ndarray:
    return image


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An evaluation of all these names, by a method of such a name, of which one photo cannot be judged."""
    folder = tmp_path_factory.mktemp("hostile")
    root = made(folder, NAMES)
    broken = root / "low" / f"{NAMES[-1]}.png"
    broken.write_bytes(broken.read_bytes()[:-40])
    below = Measure(name="below", reference="none", better="higher", score=lambda output, _: -float(output.mean()))
    method = Method(name="=m\x1b[1m<b>[/]", identity="", restore=unchanged, facts={"kind": "outputs"})
    carried_out(paired(root / "low", root / "high"), folder / "out", methods=[method], measures=(*PAIRED, below))
    return folder / "out"


def plain(text: str) -> bool:
    """Whether a text of several lines holds nothing that moves a cursor or turns its letters around."""
    return all(line.isprintable() for line in text.split("\n"))


def test_no_cell_of_the_table_is_run_and_numbers_stay_numbers(out: Path) -> None:
    text = (out / "images.csv").read_bytes().decode()
    assert plain(text)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == len(NAMES)
    for row in rows:
        for column in ("protocol", "method", "name", "error"):
            assert not re.match(r"\s*[=+\-@\uff1d]", row[column]), row
        if not row["error"]:
            assert float(row["below"]) < 0 < float(row["psnr"])
            assert int(row["width"]) == 32
    assert {"'=1+1", "'-1-1", "\\t=1+1", "a\\x1b[2J", "c\\xff"} <= {row["name"] for row in rows}


@given(st.text())
def test_a_cell_begins_as_text_whatever_it_holds(text: str) -> None:
    cell = _cell(text)
    assert cell.isprintable()
    assert not cell.lstrip().startswith(("=", "+", "-", "@", "\t", "\r"))
    assert _cell("a" + text).startswith("a")


def test_the_report_shows_every_name_as_text(out: Path) -> None:
    text, _ = parsed(out / "report.html")
    assert plain(text)
    assert "&lt;img src=x&gt;" in text
    assert "<img src=x>" not in text
    assert "=m\\x1b[1m&lt;b&gt;[/]" in text
    assert "<b>[/]" not in text


def test_what_could_not_be_judged_is_text_too(out: Path) -> None:
    """The method, the photo and the reason, which names the file."""
    text, _ = parsed(out / "report.html")
    (item,) = re.findall(r"<li>(.*?)</li>", text)
    assert "<" not in item
    assert item.count("&lt;img src=x&gt;") == 2
    assert "&lt;b&gt;" in item


def test_the_sources_of_a_set_are_text_too(tmp_path: Path) -> None:
    root = made(tmp_path, [f"{source}-{n}" for source in ("<i>a\x1b", "b") for n in range(4)])
    carried_out(paired(root / "low", root / "high"), tmp_path / "out")
    text, _ = parsed(tmp_path / "out" / "report.html")
    assert "<h2>By source</h2>" in text
    assert "<td>&lt;i&gt;a\\x1b</td>" in text
    assert "<i>" not in text


def test_the_summary_is_plain_and_so_is_the_table_of_the_readme(out: Path) -> None:
    assert plain((out / "summary.json").read_text(encoding="ascii"))
    assert plain(render(out))


def test_the_terminal_shows_names_letter_by_letter(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import json

    summary = json.loads((out / "summary.json").read_text())
    summary["set"] |= {"title": "[/]x\x1b[2J", "stamps": ["s\x1b[2J"]}
    summary["unavailable"] = {"fid": "needs [/] \x1b"}
    console = Console(width=200, record=True, file=io.StringIO(), no_color=True)
    for table in tables(summary, 200):
        console.print(table)
    shown = console.export_text(styles=False)
    assert "[/]x\\x1b[2J, " in shown
    assert "=m\\x1b[1m<b>[/]" in shown
    assert tell(summary, out) == 1
    output, errors = capsys.readouterr()
    assert plain(errors)
    assert "failed: =m\\x1b[1m<b>[/], <img src=x>: " in errors
    assert "\x1b[2J" not in output


def test_a_folder_that_cannot_be_listed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(tmp_path, ["a"])
    scan: Callable[..., object] = os.scandir

    def refuse(path: str = ".") -> object:
        if str(path).endswith("high"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    from restorect.errors import DataError

    with pytest.raises(DataError, match=r"high: this folder cannot be listed \(Permission denied\)"):
        photos_in(tmp_path, recursive=True)
