"""`restorect report` as a user meets it."""

import json
import re
import sys
from pathlib import Path

import pytest
from restore_files import photo
from restore_program import Run

from restorect.cli import main as command


def told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[bytes], *arguments: object) -> tuple:
    monkeypatch.setattr(sys, "argv", ["restorect", "report", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        command.main()
    out, error = capsys.readouterr()
    return end.value.code, out.decode(), error.decode()


def test_a_batch_in_parts_is_one_report(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    names = [photo(tmp_path / f"{n}.png", n) for n in range(4)]
    names[2].write_bytes(b"text")
    listed, out, file = tmp_path / "list.txt", tmp_path / "out", tmp_path / "report.jsonl"
    listed.write_text("\n".join(map(str, names)))
    for number in (1, 2):
        run("--files-from", listed, "-o", out, "--part", f"{number}/2")
    code, text, error = told(monkeypatch, capsysbinary, out, "--to", file)
    assert (code, error) == (1, "")
    assert re.fullmatch(
        r"1 failed: is not a photo that can be read, it looks like text: convert it first\n"
        r"3 restored, 1 failed, [0-9.]+ s of work in [0-9.]+ s, [0-9.e+]+ photos/s -> .*out\n",
        text,
    ), text
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert sorted((Path(row["path"]).name, row["status"]) for row in rows) == [
        *(("0.png", "done"), ("1.png", "done"), ("2.png", "failed"), ("3.png", "done"))
    ]
    listed.write_text(f"{names[0]}\n{tmp_path}/new.png")
    code, text, error = told(monkeypatch, capsysbinary, out, "--files-from", listed, "--json")
    assert error == ""
    figures = json.loads(text)
    assert (code, figures["done"], figures["left"], figures["exit_code"]) == (1, 3, 1, 1)
    code, text, error = told(monkeypatch, capsysbinary, tmp_path / "none")
    assert (code, text, len(error.splitlines())) == (2, "", 1)
