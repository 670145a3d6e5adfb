"""The scripts of the page keep to the types that their comments state, and the page keeps to its weight."""

import gzip
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from restorect.web.app import PAGE

TSC = Path(__file__).parent / "node_modules" / "typescript" / "lib" / "tsc.js"
NODE = shutil.which("node")


@pytest.mark.skipif(NODE is None or not TSC.is_file(), reason="needs node, and: npm install --prefix tests/web")
def test_types() -> None:
    result = subprocess.run([str(NODE), str(TSC), "-p", str(PAGE)], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def test_the_page_is_light() -> None:
    files = [path for path in PAGE.rglob("*") if path.suffix in (".html", ".css", ".js", ".svg")]
    assert sum(len(gzip.compress(path.read_bytes())) for path in files) <= 250 * 1024


def test_every_text_that_is_asked_for_is_there() -> None:
    texts = (PAGE / "texts.js").read_text(encoding="utf-8")
    there = set(re.findall(r"^  '?([\w-]+)'?:", texts, re.MULTILINE))
    html = (PAGE / "index.html").read_text(encoding="utf-8")
    asked = set(re.findall(r'data-(?:text|label)="([^"]+)"', html))
    for script in PAGE.glob("*.js"):
        asked |= set(re.findall(r"\btext\('([^']+)'", script.read_text(encoding="utf-8")))
    assert asked
    assert asked <= there


def test_the_page_asks_nobody_else() -> None:
    own = [path for path in PAGE.iterdir() if path.suffix in (".html", ".css", ".js")]
    for path in own:
        assert not re.findall(r"https?://", path.read_text(encoding="utf-8")), path
