"""The report in a real browser: Chromium without a window, driven by its command line alone."""

import functools
import json
import re
import shutil
import subprocess
from html import escape, unescape
from pathlib import Path

import numpy as np
import pytest
from evaluate_makers import picture, save, write_set

from restorect.evaluate.cases import paired
from restorect.evaluate.evaluation import EvaluationPlan, carry_out
from restorect.evaluate.judge import Ruler
from restorect.evaluate.methods import baseline_method
from restorect.evaluate.protocols import find_protocol
from restorect.evaluate.scores import load_measure
from restorect.evaluate.summary import TestSet
from restorect.metrics.registry import METRICS

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on PATH; apt-get install chromium to run these")

QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions"),
    *("--enable-logging=stderr", "--v=0"),
)
# Runs in a copy of the page: what a reader's browser has made of it.
PROBE = """
<script>
const all = (what, from = document) => [...from.querySelectorAll(what)];
const within = e => e.closest('.wide') || e;
window.addEventListener('load', () => {
  const images = all('img');
  const found = {
    images: images.length,
    broken: images.filter(i => !(i.complete && i.naturalWidth > 0)).length,
    plots: all('svg').map(s => all('circle', s).length),
    shapeless: all('svg').filter(s => s.getBoundingClientRect().height < 50).length,
    resources: performance.getEntriesByType('resource').map(r => r.name).filter(n => !n.startsWith('data:')),
    violations,
    width: innerWidth,
    page: document.documentElement.scrollWidth,
    clipped: all('h1,h2,h3,p,figure,table,svg').filter(e => within(e).getBoundingClientRect().right > innerWidth + 1)
      .map(e => e.tagName),
    cases: all('h3').map(h => h.textContent),
    rows: all('details tr').slice(1).map(r => r.cells[0].textContent),
    text: getComputedStyle(document.body).color,
    paper: getComputedStyle(document.documentElement).backgroundColor,
    label: getComputedStyle(document.querySelector('svg text')).fill,
    smallest: Math.min(...all('svg text').map(t => t.getBoundingClientRect().height)),
  };
  top.document.title = JSON.stringify(found);
});
</script>
"""
EARLY = """<script>
const violations = [];
addEventListener('securitypolicyviolation', e => violations.push(e.blockedURI));
addEventListener('error', e => violations.push(String(e.message)), true);
</script>"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report with everything in it: long names, stamps, published figures, missing metrics and failures."""
    root = tmp_path_factory.mktemp("set")
    names = [f"{source}-{number}" for source in ("night", "a_rather_long_name_of_a_source") for number in range(5)]
    write_set(root, names)
    save(root / "high" / "night-0.png", picture(0, 240, 320))
    save(root / "low" / "night-0.png", (picture(0, 240, 320) * 0.2).astype(np.uint8))
    broken = root / "low" / "night-4.png"
    broken.write_bytes(broken.read_bytes()[:-40])
    published = (
        {"method": "Other", "protocol": "RGB", "comparable": True, "source": "A. Paper", "psnr": 25.1, "lpips": 0.1},
        {"method": "Shifted", "protocol": "Y, 256x256", "comparable": False, "source": "B. Paper", "psnr": 27.8},
    )
    cases = paired(root / "low", root / "high")
    stamp = "PARTIAL: " + ", ".join(names)
    test_set = TestSet(
        name="s", title="Set", images=len(cases), paired=True, published=published, stamps=(stamp,), citation="Cite"
    )
    methods = [baseline_method(name) for name in ("gamma", "input", "histogram-equalisation", "multi-scale-retinex")]
    measures = tuple(load_measure(METRICS[name]) for name in ("psnr", "ssim", "uciqe"))
    ruler = Ruler(protocol=find_protocol("rgb-full+gtmean"), measures=measures)
    lacks = {"lpips-alex": "needs weights lpips-alex, see docs/metrics.md (give --weights-dir)"}
    plan = EvaluationPlan(
        test_set=test_set, cases=cases, methods=methods, ruler=ruler, out=root / "out", unavailable=lacks
    )
    carry_out(plan)
    return root / "out" / "report.html"


def browse(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(CHROMIUM), *QUIET, f"--user-data-dir={folder / 'profile'}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=900, check=True, cwd=folder)


@functools.cache
def probed(report: Path, width: int, dark: bool) -> tuple[dict, str]:
    """What the probe found in a copy of the report, and what the browser logged.

    The copy stands in a frame, because no window is as narrow as a telephone.
    """
    text = report.read_text(encoding="utf-8")
    head = re.search(r"<meta http-equiv=\"Content-Security-Policy\" content=\"(.*?)\">", text)
    assert head is not None
    allowed = text.replace(head[1], f"{head[1]}; script-src 'unsafe-inline'")  # for the probe, which the page forbids
    copy = allowed.replace("<style>", EARLY + "<style>", 1).replace("</body>", PROBE + "</body>")
    outer = report.with_name(f"frame-{width}-{dark}.html")
    outer.write_text(
        f'<!doctype html><meta charset="utf-8"><style>:root{{color-scheme:light dark}}</style><title></title>'
        f'<iframe style="width:{width}px;height:900px;border:0" srcdoc="{escape(copy)}"></iframe>',
        encoding="utf-8",
    )
    mode = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
    done = browse(mode, "--dump-dom", outer.as_uri(), folder=report.parent)
    title = re.search(r"<title>(\{.*?\})</title>", done.stdout, re.DOTALL)
    assert title is not None, done.stderr[-2000:]
    return json.loads(unescape(title[1])), done.stderr


def test_the_browser_has_nothing_to_complain_of(report: Path) -> None:
    found, log = probed(report, 1200, False)
    assert "CONSOLE" not in log
    assert found["violations"] == []


def test_every_picture_and_every_plot_is_shown(report: Path) -> None:
    found, _ = probed(report, 1200, False)
    assert (found["images"], found["broken"]) == (2 * 4 * 4, 0)
    (each, quality), judged = found["plots"], 9
    assert each == 4 * judged + 4  # a point for each image and method, and the legend
    assert quality == 4 + 4
    assert found["shapeless"] == 0


def test_nothing_leaves_the_page(report: Path) -> None:
    found, _ = probed(report, 1200, False)
    assert found["resources"] == []


def test_the_worst_are_shown_first(report: Path) -> None:
    found, _ = probed(report, 1200, False)
    rows = found["rows"]
    assert len(rows) == 9
    assert found["cases"] == [*rows[:4], *rows[::-1][:4]]


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1200, 400])
def test_it_fits_and_can_be_read(report: Path, width: int, dark: bool) -> None:
    found, _ = probed(report, width, dark)
    assert found["page"] <= found["width"] == width
    assert found["clipped"] == []
    assert found["smallest"] >= 9
    ink, paper = luminance(found["text"]), luminance(found["paper"])
    assert (paper < 0.1) is dark
    assert contrast(ink, paper) > 7
    assert contrast(luminance(found["label"]), paper) > 7


def luminance(colour: str) -> float:
    """Relative luminance of an opaque CSS colour (WCAG 2.2)."""
    parts = re.fullmatch(r"rgb\((\d+), (\d+), (\d+)\)", colour)
    assert parts is not None, colour
    encoded = np.array([int(part) / 255 for part in parts.groups()])
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one: float, other: float) -> float:
    """From 1 to 21 (WCAG 2.2)."""
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)
