"""How long `restorect web` takes from the command to a page that takes photos, in a Chromium that runs already.

    python benchmarks/page_start.py --runs 5

Wall seconds from the start of the process: until it prints its address, until the page takes files (its limits stand
there), and until a photo that is chosen then is in the list. Then CPU-seconds until the second of them, of the server
and of Chromium: their sum is what it would take on one free core. The networks load behind, in a process of their own,
on the other one. Needs Playwright and Chromium.
"""

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

PHOTO = Path(__file__).parents[1] / "examples" / "dogs-night.jpg"
HEADINGS = ("address", "page", "first photo", "server CPU", "browser CPU")


def main() -> None:
    """Print a line for each run, and the medians."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--chromium", default=shutil.which("chromium") or shutil.which("google-chrome"))
    wanted = parser.parse_args()
    print("  ".join(name.rjust(11) for name in HEADINGS))
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=wanted.chromium, args=["--no-sandbox", "--disable-gpu"])
        browser.new_page().goto("about:blank")  # a browser that is open already
        lines = [_once(browser) for _ in range(wanted.runs)]
        browser.close()
    print(f"medians:\n{_row([statistics.median(column) for column in zip(*lines, strict=True)])}")


def _once(browser: Any) -> list[float]:  # noqa: ANN401 - of Playwright
    with tempfile.TemporaryDirectory() as folder, browser.new_context() as context:
        log, page = Path(folder) / "log", context.new_page()
        page.set_default_timeout(120_000)
        command = [sys.executable, "-m", "restorect.cli", "web", "--no-browser", "--port", "0"]
        before, start = _cpu(_browsers()), time.perf_counter()
        with (
            log.open("w") as output,
            subprocess.Popen(command, stderr=output, env=os.environ | {"XDG_STATE_HOME": folder}) as server,
        ):
            while not (found := re.search(r"http://\S+\?token=\S+\n", log.read_text())):
                time.sleep(0.01)
            seconds = [time.perf_counter() - start]
            page.goto(found[0].strip(), wait_until="commit")
            page.wait_for_function("() => document.querySelector('#limits')?.textContent")
            seconds.append(time.perf_counter() - start)
            seconds += [_cpu([psutil.Process(server.pid)]), _cpu(_browsers()) - before]
            page.set_input_files("#files", str(PHOTO))
            page.wait_for_selector(".row", state="attached")
            seconds.insert(2, time.perf_counter() - start)
            server.terminate()
        print(_row(seconds), flush=True)
        return seconds


def _browsers() -> list[psutil.Process]:
    return [each for each in psutil.Process().children(recursive=True) if "chrom" in each.name()]


def _cpu(processes: list[psutil.Process]) -> float:
    times = [each.cpu_times() for each in processes]
    return sum(each.user + each.system for each in times)


def _row(values: list[float]) -> str:
    return "  ".join(f"{value:11.2f}" for value in values)


if __name__ == "__main__":
    main()
